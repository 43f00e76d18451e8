"""Asking a pipeline's repository what a push changed, with the login that its deliveries use."""

from __future__ import annotations

from airdock.aws.code_repositories import CodeRepository
from airdock.aws.hooks import Account
from airdock.source import changes
from airdock.source.git import opened
from airdock.spec import Pipeline


def changed_files(pipeline: Pipeline, before: str, after: str) -> list[str]:
    """The paths that differ between two commits of the pipeline's repository, each by its id or a branch.

    Raises:
        Refused: git will say the same next time.
        Fault: the server or the way to it failed.
    """
    source = pipeline.source
    account = Account(pipeline.aws_connection, pipeline.region)
    repository = CodeRepository(source.provider, source.repository, account, source.connection)
    with opened(repository.remote()) as git:
        return changes.changed_files(git, before, after)
