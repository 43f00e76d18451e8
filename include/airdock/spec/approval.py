"""Who must say yes before a release goes to an environment."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from airdock.spec.words import Form, Part

UserName = Annotated[str, Form(r"[^\x00-\x20\x7f]+", "the name of an Airflow user", 100)]
Identity = Annotated[str, Form(r"[^\x00-\x1f\x7f]+", "the name or mail address of a commit's author", 200)]


class Approver(Part):
    """One person who may approve."""

    user: UserName = Field(description="The person's user name in Airflow.")
    commits_as: list[Identity] = Field(
        default=[],
        max_length=20,
        description="Names and mail addresses in the person's commits, where they are not the user name: by these it "
        "is known who would approve their own work.",
    )


class Approval(Part):
    """What a release needs before it goes to this environment: the answer of people, with the evidence before them."""

    approvers: list[Approver] = Field(min_length=1, max_length=50, description="Who may approve.")
    needed: int = Field(default=1, ge=1, le=10, description="How many of them must approve; one is enough to refuse.")
    author_may: bool = Field(default=False, description="Whether a commit's author may approve it.")
    timeout_minutes: int = Field(
        default=1440, ge=1, le=43_200, description="How long the answer is waited for; then the release is refused."
    )

    @field_validator("needed")
    @classmethod
    def _have_enough(cls, needed: int, info: ValidationInfo) -> int:
        approvers = {approver.user for approver in info.data.get("approvers", ())}
        if approvers and needed > len(approvers):
            raise ValueError(f"asks for more approvals than there are approvers ({len(approvers)})")
        return needed
