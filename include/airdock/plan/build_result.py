"""What an ended build means: its image, or why there is none, with the failing test by name.

Statuses and phases: AWS CodeBuild API Reference, Build and BuildPhase.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from airdock.errors import Refused
from airdock.names import DIGEST
from airdock.plan.adoption import State
from airdock.plan.failing_checks import failing_checks


class BuildStatus(StrEnum):
    """CodeBuild's StatusType."""

    IN_PROGRESS = "IN_PROGRESS"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    FAULT = "FAULT"
    TIMED_OUT = "TIMED_OUT"
    STOPPED = "STOPPED"


STATES: Mapping[str, State] = {
    BuildStatus.IN_PROGRESS: State.RUNNING,
    BuildStatus.SUCCEEDED: State.SUCCEEDED,
    BuildStatus.FAILED: State.FAILED,
    BuildStatus.TIMED_OUT: State.FAILED,
    BuildStatus.STOPPED: State.FAILED,
    BuildStatus.FAULT: State.FAULTED,
}

MOST_NAMED = 3
LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What the build came to; `tests` are the failing ones as their tool names them."""

    state: State
    sentence: str
    tests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """The image that a build names; `uri` is its full name where the build told one, else ""."""

    digest: str
    uri: str
    sentence: str


def build_state(status: str) -> State:
    """What a CodeBuild status means for whoever waits; a word that CodeBuild has not had so far is a failure."""
    return STATES.get(status, State.FAILED)


def judge_build(facts: Mapping[str, Any], log: Sequence[str] = ()) -> BuildResult:
    """What an ended build came to.

    `facts`: id, status, phases `[{name, status, contexts: [{code, message}]}]`. `log`: the last lines of its log, in
    which a failing test is looked for by name.
    """
    state, name = build_state(facts["status"]), f"the build {facts['id']}"
    if state is State.SUCCEEDED:
        return BuildResult(state, f"{name} succeeded")
    if state is State.RUNNING:
        return BuildResult(state, f"{name} has not ended")
    if state is State.FAULTED:
        return BuildResult(state, f"{name} broke off by a fault of CodeBuild's own{_where(facts)}")
    if facts["status"] == BuildStatus.STOPPED:
        return BuildResult(state, f"{name} was stopped")
    if facts["status"] == BuildStatus.TIMED_OUT:
        return BuildResult(state, f"{name} took longer than it may{_where(facts)}")
    return _failed(name, facts, failing_checks(log))


def image_of(exported: Mapping[str, str], detail: Mapping[str, Any], variable: str) -> BuiltImage:
    """The image that a build has pushed: from its exported variable, else from the artifact imageDetail.json.

    Either may hold a digest or a full name with digest; `detail` may also tell name and digest apart (ImageURI,
    ImageDigest).

    Raises:
        Refused: neither names a digest. A tag alone is no answer, because it may have moved since.
    """
    told = exported.get(variable, "").strip()
    if told:
        return _image(told, f"the build's exported variable {variable}")
    uri, digest = str(detail.get("ImageURI", "")).strip(), str(detail.get("ImageDigest", "")).strip()
    if uri or digest:
        return _image(f"{uri.partition('@')[0]}@{digest}" if digest and "@" not in uri else uri, "imageDetail.json")
    exports = ", ".join(sorted(exported)) or "none"
    raise Refused(
        f"the build does not say which image it has pushed: it exports no variable {variable} (but {exports}) and "
        "leaves no imageDetail.json; name the variable under exported-variables in the buildspec"
    )


def _image(told: str, place: str) -> BuiltImage:
    uri, _, digest = told.rpartition("@")
    if not DIGEST.accepts(digest):
        raise Refused(f"{place} holds {told[:200]!r}, which names no digest: {DIGEST.form} are wanted")
    return BuiltImage(digest, f"{uri}@{digest}" if uri else "", f"{place} names {digest}")


def _failed(name: str, facts: Mapping[str, Any], checks: tuple[str, ...]) -> BuildResult:
    if not checks:
        return BuildResult(State.FAILED, f"{name} failed{_where(facts)}")
    more = f" and {len(checks) - MOST_NAMED} more" if len(checks) > MOST_NAMED else ""
    return BuildResult(State.FAILED, f"{name} failed{_phase(facts)}: {'; '.join(checks[:MOST_NAMED])}{more}", checks)


def _where(facts: Mapping[str, Any]) -> str:
    """The phase that went wrong and CodeBuild's words for it."""
    causes = [
        context["message"]
        for phase in _broken_phases(facts)
        for context in phase.get("contexts", ())
        if context.get("message")
    ]
    return _phase(facts) + (f": {causes[0][:LONGEST_REASON]}" if causes else "")


def _phase(facts: Mapping[str, Any]) -> str:
    broken = _broken_phases(facts)
    return f" in {broken[0]['name']}" if broken else ""


def _broken_phases(facts: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [phase for phase in facts.get("phases", ()) if phase.get("status") not in ("", None, "SUCCEEDED")]
