"""Where an application's code is."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from airdock.spec.words import (
    Branch,
    Bucket,
    CodeCommitRepository,
    ConnectionId,
    ForgeRepository,
    GitAddress,
    Part,
)


class _Source(Part):
    branch: Branch = Field(
        default="main", description="The branch that is delivered when a run names no other revision."
    )
    connection: ConnectionId | None = Field(
        default=None,
        description="Airflow connection with login and password (or token), or with private_key and known_hosts in "
        "its extra for ssh. Without it the repository is read anonymously, CodeCommit with the AWS connection.",
    )
    archive_bucket: Bucket | None = Field(
        default=None,
        description="S3 bucket for the source, for a CodeBuild project that can't reach the repository itself. "
        "The tree is stored under a key made of its content, and CodeBuild takes it from there.",
    )


class CodeCommitSource(_Source):
    """A repository in AWS CodeCommit."""

    provider: Literal["codecommit"] = Field(description="Who keeps the repository.")
    repository: CodeCommitRepository = Field(description="The repository's name.")


class ForgeSource(_Source):
    """A repository at a public forge."""

    provider: Literal["github", "gitlab", "bitbucket"] = Field(description="Who keeps the repository.")
    repository: ForgeRepository = Field(description="The repository as owner/name.")


class GitSource(_Source):
    """A repository on any git server, such as a forge of your own."""

    provider: Literal["git"] = Field(description="Who keeps the repository.")
    repository: GitAddress = Field(
        description="The repository's address, https:// or ssh://. Credentials belong into the connection."
    )


Source = Annotated[CodeCommitSource | ForgeSource | GitSource, Field(discriminator="provider")]
