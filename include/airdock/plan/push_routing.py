"""Which pipelines a push starts, and why or why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from airdock.plan.patterns import holds, names_one
from airdock.plan.push import HEADS, Kind, Push, address_of
from airdock.plan.push_aws import codecommit_address, ecr_address
from airdock.release import Record
from airdock.spec import CodeCommitSource, GitSource, Pipeline, Unread
from airdock.spec.triggers import Triggers

FORGES = {"github": "github.com", "gitlab": "gitlab.com", "bitbucket": "bitbucket.org"}


class Answer(StrEnum):
    """What a push means for a pipeline."""

    START = "start"
    PASS = "pass"  # noqa: S105 - no secret
    ASK_GIT = "ask_git"
    """It depends on which files changed, and only git knows."""


@dataclass(frozen=True, slots=True)
class Route(Record):
    """What a push means for one application, and the sentence that says why."""

    application: str
    answer: Answer
    sentence: str


def route(push: Push, pipeline: Pipeline) -> Route:
    """What the push means for the pipeline."""
    reason = _why_not(push, pipeline)
    if reason:
        return Route(pipeline.application, Answer.PASS, reason)
    if push.kind in (Kind.BRANCH, Kind.PULL_REQUEST) and pipeline.triggers.paths:
        return _by_files(push, pipeline)
    return Route(pipeline.application, Answer.START, f"{_said(push)} starts a delivery of {pipeline.application}")


def concerns(push: Push, pipeline: Pipeline) -> bool:
    """Whether the push is one to the pipeline's own repository, judged by its address and, if known, its id."""
    if push.kind is Kind.REQUEST:
        return push.repository.name == pipeline.application
    if push.kind is Kind.IMAGE:
        return _is_its_registry(push, pipeline)
    identified = pipeline.triggers.repository_id in (None, push.repository.id)
    return identified and _is_its_repository(push, pipeline)


def may_concern(push: Push, broken: Unread) -> bool:
    """Whether a pipeline whose file can't be read now may be the push's: the name of its repository stands there."""
    if push.kind is Kind.REQUEST:
        return push.repository.name == broken.application
    name = push.repository.name.rpartition("/")[2]
    return not broken.text or name.lower() in broken.text.lower()


def route_files(push: Push, pipeline: Pipeline, files: Sequence[str]) -> Route:
    """What the push means for the pipeline once all files that it changed are known."""
    if changed := first_of_its_own(pipeline.triggers, files):
        return Route(pipeline.application, Answer.START, f"{_said(push)} changes {changed}")
    if not files and push.kind is Kind.BRANCH and not push.before:
        # Such as a release branch, which was made to be delivered.
        sentence = f"{push.short_ref} is new, and differs in no file from {pipeline.source.branch}"
        return Route(pipeline.application, Answer.START, sentence)
    sentence = f"{_said(push)} changes {len(files)} files, none of which is among the paths of {pipeline.application}"
    return Route(pipeline.application, Answer.PASS, sentence)


def first_of_its_own(triggers: Triggers, files: Sequence[str]) -> str:
    """The first of these files whose change starts a delivery, in words (`the shared go.mod`); "" when none does."""
    for kind, patterns in (("", triggers.paths), ("the shared ", triggers.shared)):
        changed = next((path for path in files if holds(patterns, path)), None)
        if changed is not None:
            return f"{kind}{changed[:200]}"
    return ""


def _why_not(push: Push, pipeline: Pipeline) -> str:
    """The sentence that says why the push starts nothing, whatever files it changes; "" when it may."""
    if not concerns(push, pipeline):
        return f"{push.repository.name} is not the repository of {pipeline.application}"
    if push.kind is Kind.REQUEST:
        return _unknown_environment(push, pipeline)
    if push.deleted:
        return f"{push.short_ref} was deleted"
    if push.kind is Kind.IMAGE:
        wanted = pipeline.triggers.images == "tagged_by_commit"
        return "" if wanted else f"{pipeline.application} does not start with images (triggers.images)"
    return _policy(push, pipeline) or _other_ref(push, pipeline)


def _policy(push: Push, pipeline: Pipeline) -> str:
    """What forks and pull requests may not."""
    if push.kind is Kind.PULL_REQUEST and pipeline.triggers.pull_requests == "never":
        return f"pull requests start no delivery of {pipeline.application} (triggers.pull_requests)"
    if push.kind is Kind.PULL_REQUEST and push.repository.fork:
        return "pull requests from forks start no delivery"
    if push.repository.fork and pipeline.triggers.forks == "never":
        return f"{push.repository.name} is a fork of another repository (triggers.forks)"
    return ""


def _other_ref(push: Push, pipeline: Pipeline) -> str:
    if push.kind is Kind.TAG:
        wanted, kind = pipeline.triggers.tags, "tags"
    else:
        wanted, kind = branches(pipeline), "branches"
    if any(names_one(pattern, push.short_ref) for pattern in wanted):
        return ""
    return f"{push.short_ref!r} is not among the {kind} of {pipeline.application}: {', '.join(wanted) or 'none'}"


def branches(pipeline: Pipeline) -> list[str]:
    """The patterns of the branches whose pushes start a delivery."""
    named = pipeline.triggers.branches
    return [pipeline.source.branch] if named is None else named


def _unknown_environment(push: Push, pipeline: Pipeline) -> str:
    if not push.environment or push.environment in pipeline.environments:
        return ""
    return f"{pipeline.application} has no environment {push.environment!r}: {', '.join(pipeline.environments)}"


def _by_files(push: Push, pipeline: Pipeline) -> Route:
    if push.files is not None:
        return route_files(push, pipeline, push.files)
    if compared_with(push, pipeline) and push.after:
        return Route(pipeline.application, Answer.ASK_GIT, f"{push.provider} did not tell all files that changed")
    return Route(pipeline.application, Answer.START, f"{push.short_ref} is new, and so are all its files")


def compared_with(push: Push, pipeline: Pipeline) -> str:
    """From what git tells the difference: the commit before the push; for a pull request without one, the branch that
    it is to change; for a new branch, the one that the pipeline delivers. "" where there is none of these."""
    if push.before or push.kind is Kind.PULL_REQUEST:
        return push.before or push.ref
    own = f"{HEADS}{pipeline.source.branch}"
    return own if push.ref != own else ""


def _is_its_repository(push: Push, pipeline: Pipeline) -> bool:
    """Whoever has another provider's secret can write any address into a message: it counts for its own sources."""
    source = pipeline.source
    if isinstance(source, GitSource):
        return address_of(source.repository) in push.repository.addresses
    if push.provider != source.provider:
        return False
    if isinstance(source, CodeCommitSource):
        if pipeline.region is None:
            return push.repository.name == source.repository
        return codecommit_address(pipeline.region, source.repository) in push.repository.addresses
    own = address_of(f"https://{FORGES[source.provider]}/{source.repository}")
    return own in push.repository.addresses


def _is_its_registry(push: Push, pipeline: Pipeline) -> bool:
    [address] = push.repository.addresses
    account, _, rest = address.partition(".dkr.ecr.")
    region = pipeline.region or rest.partition(".")[0]
    return ecr_address(pipeline.image.registry or account, region, pipeline.image.repository) == address


def _said(push: Push) -> str:
    match push.kind:
        case Kind.REQUEST:
            return f"the request of {push.pusher or 'somebody'}"
        case Kind.IMAGE:
            return f"the image of the commit {push.after[:12]}"
        case Kind.PULL_REQUEST:
            return f"the pull request into {push.short_ref}"
    return f"the push to {push.short_ref}"


def dag_id(application: str) -> str:
    """The dag that delivers the application."""
    return f"deliver_{application}"
