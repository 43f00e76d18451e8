"""What the repository's forge is told of its commits."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from airdock.spec.source import CodeCommitSource, GitSource, Source
from airdock.spec.words import ApplicationName, ConnectionId, Part


class Report(Part):
    """Statuses of commits and deployments at the repository's forge: GitHub, GitLab or Bitbucket."""

    to_forge: bool | None = Field(
        default=None,
        description="Whether the forge is told how a commit fares in each environment. If left out, it is where the "
        "connection holds an API token.",
    )
    connection: ConnectionId | None = Field(
        default=None,
        description="Airflow connection with the API token as its password, and a login where the forge wants one; "
        "the source's connection if left out.",
    )
    forge: Literal["github", "gitlab", "bitbucket-data-center"] | None = Field(
        default=None, description="What the server of a source with `provider: git` is."
    )
    name: ApplicationName | None = Field(
        default=None,
        description="Put before the environment's name, where several applications share a repository: "
        "airdock/greeter/production instead of airdock/production.",
    )

    def check(self, source: Source) -> None:
        """Raises ValueError where the source has nobody to tell."""
        if self.to_forge and isinstance(source, CodeCommitSource):
            raise ValueError("to_forge: CodeCommit keeps no statuses of commits")
        if self.to_forge and isinstance(source, GitSource) and self.forge is None:
            raise ValueError("to_forge needs `forge`: github, gitlab or bitbucket-data-center")
        if self.forge and not isinstance(source, GitSource):
            raise ValueError("forge is for sources with `provider: git`; the others say it themselves")
