"""Asking a pipeline's repository which commits lie between two, with the login that its deliveries use."""

from __future__ import annotations

from airdock.aws.code_repositories import CodeRepository
from airdock.aws.hooks import Account
from airdock.plan.brought import Brought
from airdock.source import commits
from airdock.source.git import opened
from airdock.spec import Pipeline

LONGEST_SECONDS = 30
"""Of each call of git: somebody waits for the answer, and others for the next."""


def commits_between(pipeline: Pipeline, head: str, live: str) -> list[Brought]:
    """The commits that lead to `head` and not to `live`, newest first, `commits.MOST_COMMITS` at most.

    Raises:
        Refused: git will say the same next time.
        Fault: the server or the way to it failed, or took too long.
    """
    source = pipeline.source
    account = Account(pipeline.aws_connection, pipeline.region)
    repository = CodeRepository(source.provider, source.repository, account, source.connection)
    with opened(repository.remote(), LONGEST_SECONDS) as git:
        return commits.brought(git, head, live)
