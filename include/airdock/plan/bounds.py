"""Whether one measured number keeps its bounds: yes, no, or nothing can be said; and the figures in words."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import chain

from airdock.release import Record
from airdock.spec.analysis import Check
from airdock.spec.check import Bounded, HttpCheck


@dataclass(frozen=True, slots=True)
class Measured(Record):
    """What one check has found; `value` and `samples` None where nothing is known.

    `baseline`, `baseline_samples`: the same of the old version, where it is compared. `error`: why nothing could be
    measured. `note`: what a reader should know beside the number, such as the latest bad answer.
    """

    check: str
    value: float | None = None
    baseline: float | None = None
    samples: float | None = None
    baseline_samples: float | None = None
    error: str = ""
    note: str = ""


class Mark(Enum):
    """What one check says of the new version."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    mark: Mark
    sentence: str


def look_at(check: Check, measured: Measured | None) -> Finding:
    """What the check says. A bound that is broken counts, even where another can't be told."""
    if isinstance(check, HttpCheck):
        return _answers(check, measured)
    if unknown := _unknown(check, measured):
        return Finding(Mark.UNKNOWN, f"{check.name} can't be told: {unknown}{_noted(measured)}")
    assert measured is not None and measured.value is not None
    if broken := next(chain(_fixed(check, measured.value), _compared(check, measured)), ""):
        return Finding(Mark.BAD, f"{check.name} {_told(measured.value, check)} of the new version is {broken}")
    if check.compares and not _excused(check, measured.value) and (unknown := _unknown_baseline(check, measured)):
        return Finding(Mark.UNKNOWN, f"{check.name} can't be compared: {unknown}{_noted(measured)}")
    return Finding(Mark.GOOD, f"{check.name} {_told(measured.value, check)}{_beside(check, measured)} is good")


def _answers(check: HttpCheck, measured: Measured | None) -> Finding:
    if measured is None or measured.error or measured.value is None or not measured.samples:
        why = (measured and measured.error) or "nothing was asked"
        return Finding(Mark.UNKNOWN, f"{check.name} can't be told: {why}")
    note = f": {measured.note}" if measured.note else ""
    told = f"{measured.value:g} of {measured.samples:g} answers of {check.url} were bad"
    if measured.value > check.most_failures:
        return Finding(Mark.BAD, f"{check.name}: {told}, where {check.most_failures} may be{note}")
    if measured.samples < check.samples:
        return Finding(
            Mark.UNKNOWN, f"{check.name} can't be told: only {measured.samples:g} of {check.samples} were asked"
        )
    return Finding(Mark.GOOD, f"{check.name}: {told}{note}")


def _unknown(check: Bounded, measured: Measured | None) -> str:
    if measured is None:
        return "it was not measured"
    if measured.error:
        return measured.error
    if (few := _few(check, measured.samples)) is not None:
        return f"the new version has {few}"
    return _no_number("the new version", measured.value)


def _unknown_baseline(check: Bounded, measured: Measured) -> str:
    if (few := _few(check, measured.baseline_samples)) is not None:
        return f"the old version has {few}"
    if missing := _no_number("the old version", measured.baseline):
        return missing
    times = check.at_most_times_baseline or check.at_least_times_baseline
    if times is not None and measured.baseline is not None and measured.baseline < 0:
        return f"{_told(measured.baseline, check)} of the old version is below zero, and has no multiples"
    return ""


def _noted(measured: Measured | None) -> str:
    return f" ({measured.note})" if measured and measured.note else ""


def _few(check: Bounded, samples: float | None) -> str | None:
    if samples is None or samples >= check.least_samples:
        return None
    return f"{samples:g} of the {check.least_samples} samples that are needed"


def _no_number(whose: str, value: float | None) -> str:
    if value is None:
        return f"there is no number of {whose}"
    return "" if math.isfinite(value) else f"the number of {whose} is {value}"


def _fixed(check: Bounded, value: float) -> Iterator[str]:
    if check.at_most is not None and value > check.at_most:
        yield f"more than the {_told(check.at_most, check)} that are allowed"
    if check.at_least is not None and value < check.at_least:
        yield f"less than the {_told(check.at_least, check)} that are needed"


def _compared(check: Bounded, measured: Measured) -> Iterator[str]:
    value, baseline = measured.value, measured.baseline
    if value is None or baseline is None or _unknown_baseline(check, measured):
        return
    old = f"the old version's {_told(baseline, check)}"
    most, least, above = check.at_most_times_baseline, check.at_least_times_baseline, check.at_most_above_baseline
    if not _tolerated(check, value):
        if most is not None and value > most * baseline:
            yield f"more than {_times(most)} {old}"
        if above is not None and value > baseline + above:
            yield f"more than {_told(above, check)} above {old}"
    if least is not None and value < least * baseline:
        yield f"less than {_times(least)} {old}"


def _tolerated(check: Bounded, value: float) -> bool:
    return check.tolerated is not None and value <= check.tolerated


def _excused(check: Bounded, value: float) -> bool:
    """Whether the old version's number doesn't matter to this one; a bound from below still needs it."""
    return _tolerated(check, value) and check.at_least_times_baseline is None


def _beside(check: Bounded, measured: Measured) -> str:
    if not check.compares or measured.baseline is None:
        return ""
    return f" beside the old version's {_told(measured.baseline, check)}"


def _times(factor: float) -> str:
    return "twice" if factor == 2 else f"{factor:g} times"


def _told(value: float, check: Bounded) -> str:
    return f"{value:.4g} {check.unit}".strip()
