"""How an alarm's state follows from its datapoints: "Using Amazon CloudWatch alarms" of the CloudWatch guide."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Datapoint = float | None

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_WORDS = {
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "GreaterThanThreshold": "greater than",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}
# "Configuring how CloudWatch alarms treat missing data" retrieves more datapoints than it needs; how many is left
# open there.
EXTRA_DATAPOINTS = 2


@dataclass(frozen=True)
class Condition:
    """When an alarm is in alarm: `to_alarm` of the last `periods` datapoints compare so to the threshold."""

    comparison: str
    threshold: float
    periods: int
    to_alarm: int
    missing: str = "missing"

    def breaches(self, value: float) -> bool:
        """Whether one datapoint is beyond the threshold."""
        return _COMPARISONS[self.comparison](value, self.threshold)


@dataclass(frozen=True)
class Verdict:
    """The state that the datapoints call for, and why; `state` None keeps the present one."""

    state: str | None
    reason: str


def supported(comparison: str) -> bool:
    """Whether alarms with this comparison are evaluated."""
    return comparison in _COMPARISONS


def judge(condition: Condition, newest_first: Sequence[Datapoint]) -> Verdict:
    """The verdict over an evaluation range, the datapoint of the latest whole period first."""
    real = [value for value in newest_first if value is not None]
    if not real:
        return _without_data(condition)
    considered = real[: condition.periods]
    absent = condition.periods - len(considered)
    if absent and condition.missing == "ignore":
        return Verdict(None, "")
    breaching = sum(condition.breaches(value) for value in considered)
    # Missing datapoints count only where real ones do not suffice.
    if condition.missing == "breaching":
        breaching += absent
    if breaching >= condition.to_alarm:
        return _crossed(condition, considered)
    if absent and condition.missing == "missing" and breaching == len(considered):
        return _only_breaches(condition, considered, newest_first)
    return _within(condition, considered)


def _only_breaches(condition: Condition, considered: Sequence[float], newest_first: Sequence[Datapoint]) -> Verdict:
    """In alarm although datapoints are missing, once the oldest breach is as old as `to_alarm` periods."""
    oldest = max(age for age, value in enumerate(newest_first, 1) if value is not None)
    return _crossed(condition, considered) if oldest >= condition.to_alarm else Verdict(None, "")


def _crossed(condition: Condition, considered: Sequence[float]) -> Verdict:
    return Verdict("ALARM", f"Threshold Crossed: {_compared(condition, considered, 'was', 'were')}")


def _within(condition: Condition, considered: Sequence[float]) -> Verdict:
    return Verdict("OK", f"Threshold Crossed: {_compared(condition, considered, 'was not', 'were not')}")


def _compared(condition: Condition, considered: Sequence[float], one: str, many: str) -> str:
    shown = ", ".join(str(value) for value in considered)
    counted = (
        f"1 datapoint [{shown}] {one}" if len(considered) == 1 else f"{len(considered)} datapoints [{shown}] {many}"
    )
    return f"{counted} {_WORDS[condition.comparison]} the threshold ({condition.threshold})."


def _without_data(condition: Condition) -> Verdict:
    missing = "no datapoints were received"
    match condition.missing:
        case "breaching":
            return Verdict("ALARM", f"Threshold Crossed: {missing} and they are treated as [Breaching].")
        case "notBreaching":
            return Verdict("OK", f"Threshold Crossed: {missing} and they are treated as [NonBreaching].")
        case "ignore":
            return Verdict(None, "")
    return Verdict("INSUFFICIENT_DATA", f"Insufficient Data: {missing}.")
