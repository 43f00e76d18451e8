"""What EventBridge tells of CodeCommit and ECR. See the "Amazon EventBridge events" pages in their user guides."""

from __future__ import annotations

from typing import Any

from airdock.names import COMMIT
from airdock.plan.push import (
    DELIVERY,
    Event,
    Kind,
    Push,
    Repository,
    Unconcerning,
    address_of,
    commit_or_none,
    kind_of,
)
from airdock.plan.push_fields import Malformed, field, full_ref, line, text, text_or_empty

MOVED = ("referenceCreated", "referenceUpdated", "referenceDeleted")


def codecommit_event(message: dict[str, Any]) -> Event:
    """The push in an event of EventBridge, from a rule on `CodeCommit Repository State Change`.

    Raises:
        Refused: the message is not what AWS documents.
    """
    if (
        field(message, "detail-type") != "CodeCommit Repository State Change"
        or field(message, "detail", "event") not in MOVED
    ):
        return Unconcerning(f"the event {line(text_or_empty(message, 'detail-type'))!r} starts no delivery")
    detail = field(message, "detail")
    ref = full_ref(detail, "referenceFullName")
    kind = kind_of(ref)
    if kind is None:
        return Unconcerning(f"{ref} is neither a branch nor a tag")
    before = text_or_empty(detail, "oldCommitId") and COMMIT.check(text(detail, "oldCommitId"))
    push = Push(
        "codecommit",
        DELIVERY.check(text(message, "id")),
        _codecommit_repository(message),
        kind,
        ref,
        before,
        _after(detail, kind, ref),
        None,
        line(text_or_empty(detail, "callerUserArn").rpartition("/")[2]),
    )
    return (push,)


def _after(detail: Any, kind: Kind, ref: str) -> str:
    if text(detail, "event") == "referenceDeleted":
        return ""
    # Which id an annotated tag is told with is not documented; its name leads to the commit.
    return ref if kind is Kind.TAG else commit_or_none(text(detail, "commitId"))


def _codecommit_repository(message: dict[str, Any]) -> Repository:
    name = text(message, "detail", "repositoryName")
    return Repository(
        text(message, "detail", "repositoryId"), name, (codecommit_address(text(message, "region"), name),)
    )


def codecommit_address(region: str, name: str) -> str:
    """The address of a CodeCommit repository, as `airdock.plan.push.address_of` makes it."""
    return address_of(f"https://git-codecommit.{region}.amazonaws.com/v1/repos/{name}")


def ecr_event(message: dict[str, Any]) -> Event:
    """The image in an event of EventBridge, from a rule on `ECR Image Action`.

    Raises:
        Refused: the message is not what AWS documents.
    """
    detail = field(message, "detail")
    wanted = {"detail-type": "ECR Image Action"}, {"action-type": "PUSH", "result": "SUCCESS"}
    for told, needed in zip((message, detail), wanted, strict=True):
        if any(field(told, key) != value for key, value in needed.items()):
            return Unconcerning("only an image that was pushed well can start a delivery")
    tag = text_or_empty(detail, "image-tag")
    if not COMMIT.accepts(tag):
        return Unconcerning(f"the image's tag {line(tag)!r} is not a full commit id")
    return (Push("ecr", DELIVERY.check(text(message, "id")), _registry(message), Kind.IMAGE, tag, "", tag),)


def _registry(message: dict[str, Any]) -> Repository:
    account, region, name = (
        text(message, "account"),
        text(message, "region"),
        text(message, "detail", "repository-name"),
    )
    if len(account) != 12 or not account.isdecimal():
        raise Malformed("account is not an AWS account id")
    return Repository(f"{account}/{name}", name, (ecr_address(account, region, name),))


def ecr_address(account: str, region: str, name: str) -> str:
    """The address of an ECR repository, without protocol."""
    return f"{account}.dkr.ecr.{region}.amazonaws.com/{name}"
