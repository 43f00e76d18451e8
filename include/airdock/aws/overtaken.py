"""Whether a branch has moved on from a commit, as far as a pipeline is concerned."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airdock.errors import Refused
from airdock.plan.push_routing import first_of_its_own

if TYPE_CHECKING:
    from airdock.aws.code_repositories import CodeRepository
    from airdock.source.git import Git
    from airdock.spec.triggers import Triggers

log = logging.getLogger(__name__)


def newer_head(git: Git, branch: str, commit: str, triggers: Triggers) -> str | None:
    """The commit that has overtaken another on its branch (`refs/heads/...`): "" where the branch is gone, None where
    the commit is still the newest that concerns the pipeline. Raises Refused or Fault."""
    from airdock.source import reference

    now = reference.head(git, branch)
    if now == commit or (now and not _concerns(git, commit, now, triggers)):
        return None
    return now


def went_into(repository: CodeRepository, commit: str, newer: str) -> bool:
    """Whether a commit is one of those that led to another. Raises Refused or Fault."""
    from airdock.source import tree
    from airdock.source.git import opened

    with opened(repository.remote()) as git:
        return commit in tree.history(git, newer)


def _concerns(git: Git, commit: str, now: str, triggers: Triggers) -> bool:
    """Whether any of the pipeline's own paths differ; where that can't be told, something does."""
    from airdock.source.changes import changed_files

    if not triggers.paths:
        return True
    try:
        changed = first_of_its_own(triggers, changed_files(git, commit, now))
    except Refused as refusal:
        log.info("What differs between %s and %s can't be told: %s", commit[:12], now[:12], refusal.sentence)
        return True
    if not changed:
        log.info("The branch is at %s by now, which changes nothing of this application since", now[:12])
    return bool(changed)
