"""How often AWS is asked: a wait's rhythm, and what one account spends on one service.

Times are seconds of a clock that never goes back; nothing here reads one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from airdock.aws.hooks import Account


class Rhythm(NamedTuple):
    """How long a wait pauses: a share of the time in which nothing happened, at most `slowest_seconds`.

    So what took ten minutes is noticed a few seconds late, and what may end any moment is looked at often.
    """

    share: float
    slowest_seconds: float

    def pause(self, quick_seconds: float, quiet_seconds: float) -> float:
        """Seconds to the next look of a wait that is asked for every `quick_seconds` at first."""
        return max(quick_seconds, min(quiet_seconds * self.share, self.slowest_seconds))


POLLED = Rhythm(share=1 / 8, slowest_seconds=15)
WOKEN = Rhythm(share=1 / 2, slowest_seconds=27)
"""Where events wake the waits, a look is the safety net: with its jitter at most 30 s after the one before. Quiet is
then the time since the last event."""

CALLS_PER_SECOND = {"codebuild": 2.0, "codedeploy": 1.0, "ecr": 5.0, "ecs": 10.0, "ssm": 10.0}
"""What one triggerer spends on waiting in one account and region, half of a limit where AWS publishes one.

ECS: 20 of each family of reads a second ("Request throttling for the Amazon ECS API"). SSM: 40 GetParametersByPath.
CodeBuild and CodeDeploy publish none; callers of these reads report throttling from about 6 and 1 to 2 a second on.
"""
BURST_SECONDS = 2
SLOWEST = 8
"""Throttled again and again, an account's calls become so many times rarer."""
MOST_OWED = 4
"""A look that cost more calls than one is paid for in pauses, up to so many: others wait for the quota too."""
SAME_THROTTLING_SECONDS = 2.0
"""Calls of one moment that are throttled together are one piece of news."""
RECOVERY = 0.5
"""What is left of the slowness after a call that went well."""
CALLS_AT_ONCE = 4


@dataclass(slots=True)
class Quota:
    """The calls of one account, region and service: a bucket of tokens that gets narrower where AWS throttles."""

    calls_per_second: float = float("inf")
    slowness: float = 1.0
    in_flight: int = 0
    _tokens: float = field(default=1.0, repr=False)
    _filled_at: float = 0.0
    _slowed_at: float = float("-inf")

    def free(self, now: float) -> int:
        """How many calls may begin now."""
        self._fill(now)
        # An epsilon, for a timer comes back at the very moment at which the sums of floats are about whole.
        tokens = CALLS_AT_ONCE if self._unlimited else int(self._tokens + 1e-6)
        return max(0, min(tokens, CALLS_AT_ONCE - self.in_flight))

    def free_at(self, now: float) -> float:
        """When the next call may begin; infinity as long as others must come back first."""
        if self.in_flight >= CALLS_AT_ONCE:
            return float("inf")
        if self.free(now):
            return now
        return now + (1 - self._tokens) / self._rate

    def begin(self, now: float) -> None:
        """Count a look that begins, as one call."""
        self.in_flight += 1
        self._spend(1, now)

    def end(self, calls: int, now: float, *, throttled: bool = False, in_vain: bool = False) -> None:
        """Count what a look turned out to cost; slow down where it was in vain: throttled, or nobody there."""
        self.in_flight -= 1
        self._spend(max(0, calls - 1), now)
        if in_vain and now - self._slowed_at >= SAME_THROTTLING_SECONDS:
            self._slowed_at, self.slowness = now, min(self.slowness * 2, SLOWEST)
            self._tokens = min(self._tokens, 0)
        elif not (throttled or in_vain):
            self.slowness = max(1.0, self.slowness * RECOVERY)

    @property
    def _unlimited(self) -> bool:
        return self.calls_per_second == float("inf")

    @property
    def _rate(self) -> float:
        return self.calls_per_second / self.slowness

    def _spend(self, calls: int, now: float) -> None:
        self._fill(now)
        if not self._unlimited:
            self._tokens = max(self._tokens - calls, -MOST_OWED)

    def _fill(self, now: float) -> None:
        if not self._unlimited:
            most = max(1.0, self.calls_per_second * BURST_SECONDS)
            self._tokens = min(most, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now


class Purse:
    """The quotas, by account and service."""

    def __init__(self) -> None:
        self._quotas: dict[tuple[Account, str], Quota] = {}

    def of(self, account: Account, service: str) -> Quota:
        """The quota that calls of this service in this account and region spend; "" is no service of AWS."""
        key = (account, service)
        if key not in self._quotas:
            self._quotas[key] = Quota(CALLS_PER_SECOND.get(service, float("inf")))
        return self._quotas[key]
