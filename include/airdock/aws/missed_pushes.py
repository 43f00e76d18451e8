"""Pushes that no delivery has begun with: what git's branches are at, against what was last begun with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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

MOST_BRANCHES, FEW = 100, 5
Branches = Callable[[CodeRepository], Mapping[str, str]]
Missed = tuple[Push | None, str]
"""A push and why it is delivered now, or only what is to be told."""


def asked_once() -> Branches:
    """What each branch of a repository is at: pipelines of one repository share the question."""
    return lru_cache(maxsize=None)(_branches)


def missed_pushes(pipeline: Pipeline, now: Branches, waiting: Callable[[], int]) -> Iterator[Missed]:
    """The pushes that a delivery should have begun with.

    `waiting`: how many runs of the pipeline have not begun. What is there at the first look is told and noted as seen:
    who installs Airdock does not want all delivered that was ever pushed. Raises Refused or Fault.
    """
    source, account = pipeline.source, Account(pipeline.aws_connection, pipeline.region)
    repository = CodeRepository(source.provider, source.repository, account, source.connection)
    wanted, left_out = _wanted(pipeline, now(repository))
    if left_out:
        yield None, f"{len(left_out)} branches are not looked at, as more than {MOST_BRANCHES} fit: {_few(left_out)}"
    heads = Heads(account, pipeline.application)
    # Other patterns, or fewer branches, bring old heads into sight: that is a first look as well.
    look = Head(f"{' '.join(branches(pipeline))} of {source.repository}", "some" if left_out else "all")
    known = heads.begun(look.ref)
    for ref, head in wanted.items():
        if found := _missed(pipeline, heads, Head(ref, head), waiting, first=known != look or bool(left_out)):
            yield found
    if known != look:
        heads.begin(look)


def _missed(pipeline: Pipeline, heads: Heads, now: Head, waiting: Callable[[], int], first: bool) -> Missed | None:
    begun, branch = heads.begun(now.ref), now.ref.removeprefix(HEADS)
    decided = missed(branch, now.commit, begun.commit if begun else None, waiting(), first)
    if not decided.act:
        if begun or not first:
            return None
        heads.begin(now)
        return None, decided.sentence
    before = begun or Head(now.ref, "")
    push = lost_push(pipeline.source.repository, now.ref, before.commit, before.run_id, now.commit)
    if why := _concern(pipeline, push):
        return push, f"{decided.sentence}; {why}"
    heads.begin(now)
    return None


def _wanted(pipeline: Pipeline, all_of_them: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The branches whose pushes start a delivery of the pipeline, those first that it names; and the names of those
    that are too many."""
    patterns = branches(pipeline)
    named = {ref: ref.removeprefix(HEADS) for ref in all_of_them}
    fitting = [ref for ref, name in named.items() if any(names_one(pattern, name) for pattern in patterns)]
    fitting.sort(key=lambda ref: named[ref] not in patterns)
    looked_at = {ref: all_of_them[ref] for ref in fitting[:MOST_BRANCHES]}
    return looked_at, [named[ref] for ref in fitting[MOST_BRANCHES:]]


def _concern(pipeline: Pipeline, push: Push) -> str:
    """Why the push concerns the pipeline; "" when it changes none of its paths."""
    if not (pipeline.triggers.paths and push.before):
        return "it is delivered now"
    try:
        found = route_files(push, pipeline, changed_files(pipeline, push.before, push.after))
    except Refused as refusal:
        return f"what it changes can't be told ({refusal.sentence}), so it is delivered"
    return found.sentence if found.answer is Answer.START else ""


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:FEW]) + (", ..." if len(names) > FEW else "")


def _branches(repository: CodeRepository) -> Mapping[str, str]:
    from airdock.source import reference
    from airdock.source.git import opened

    with opened(repository.remote()) as git:
        return reference.branches(git)
