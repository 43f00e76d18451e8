"""Pushes that no delivery has begun with: what git's branches are at, against what was last begun with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from airdock.aws.changed_files import changed_files
from airdock.aws.code_repositories import CodeRepository
from airdock.aws.heads import Head, Heads
from airdock.aws.hooks import Account
from airdock.errors import Refused
from airdock.plan.patterns import names_one
from airdock.plan.push import HEADS, Push
from airdock.plan.push_routing import Answer, branches, route_files
from airdock.plan.reconcile import lost_push, missed
from airdock.spec import Pipeline

MOST_BRANCHES = 100
Branches = Callable[[CodeRepository], Mapping[str, str]]


def asked_once() -> Branches:
    """What each branch of a repository is at: pipelines of one repository share the question."""
    return lru_cache(maxsize=None)(_branches)


def missed_pushes(pipeline: Pipeline, now: Branches, waiting: Callable[[], int]) -> list[tuple[Push, str]]:
    """The pushes that a delivery should have begun with, each with the sentence that says so.

    `waiting`: how many runs of the pipeline have not begun. A push that changes none of the pipeline's paths is noted
    as seen. Raises Refused or Fault.
    """
    source, account = pipeline.source, Account(pipeline.aws_connection, pipeline.region)
    repository = CodeRepository(source.provider, source.repository, account, source.connection)
    heads = Heads(account, pipeline.application)
    found = []
    for ref, head in _wanted(pipeline, now(repository)).items():
        begun = heads.begun(ref)
        decided = missed(ref.removeprefix(HEADS), head, begun.commit if begun else None, waiting())
        if not (decided.act and begun):
            continue
        push = lost_push(source.repository, ref, begun.commit, head)
        if why := _concern(pipeline, push):
            found.append((push, f"{decided.sentence}; {why}"))
        else:
            heads.begin(Head(ref, head))
    return found


def _wanted(pipeline: Pipeline, all_of_them: Mapping[str, str]) -> dict[str, str]:
    """The branches whose pushes start a delivery of the pipeline."""
    patterns = branches(pipeline)
    fitting = {
        ref: head
        for ref, head in all_of_them.items()
        if any(names_one(pattern, ref.removeprefix(HEADS)) for pattern in patterns)
    }
    return dict(list(fitting.items())[:MOST_BRANCHES])


def _concern(pipeline: Pipeline, push: Push) -> str:
    """Why the push concerns the pipeline; "" when it changes none of its paths."""
    if not pipeline.triggers.paths:
        return "it is delivered now"
    try:
        found = route_files(push, pipeline, changed_files(pipeline, push.before, push.after))
    except Refused as refusal:
        return f"what it changes can't be told ({refusal.sentence}), so it is delivered"
    return found.sentence if found.answer is Answer.START else ""


def _branches(repository: CodeRepository) -> Mapping[str, str]:
    from airdock.source import reference
    from airdock.source.git import opened

    with opened(repository.remote()) as git:
        return reference.branches(git)
