"""Whether a delivery's job is there already, and so is followed, or has to be started."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from airdock.names import Marker, parse_marker


class State(StrEnum):
    """What a job that AWS knows has come to."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """Ended with an answer: failed, refused, stopped, too late."""
    FAULTED = "faulted"
    """Broken off by a fault of AWS's own: no answer, so another start is right."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A job that AWS knows; `mark` is the text where a marker would be."""

    id: str
    mark: str
    state: State


@dataclass(frozen=True, slots=True)
class Adopt:
    """Follow this job."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Start:
    """Start a new one."""

    reason: str


def choose(marker: Marker, candidates: Iterable[Candidate]) -> Adopt | Start:
    """Which of the candidates (newest first) is this delivery's own.

    A job of the same attempt is followed whatever it came to, because a retry must start nothing. One of another
    attempt is followed while it runs or when it succeeded: who clears a delivery wants what failed to be tried again.
    """
    ours = [(parse_marker(each.mark), each) for each in candidates]
    for mark, each in ours:
        if mark == marker and each.state is not State.FAULTED:
            return Adopt(each.id, f"{each.id} carries this delivery's mark and is {each.state}")
    for mark, each in ours:
        if mark is not None and mark.base == marker.base and each.state in (State.RUNNING, State.SUCCEEDED):
            return Adopt(each.id, f"{each.id} of attempt {mark.attempt} of this delivery is {each.state}")
    return Start(_why_start([each for mark, each in ours if mark and mark.base == marker.base]))


def _why_start(ended: Sequence[Candidate]) -> str:
    if not ended:
        return "nothing in AWS carries this delivery's mark"
    return f"what carries this delivery's mark has {' and '.join(sorted({str(each.state) for each in ended}))}"
