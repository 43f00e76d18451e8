"""How often AWS is asked: a wait's rhythm, and what one account spends on one service.

Times are seconds of a clock that never goes back; nothing here reads one.
"""

from __future__ import annotations

from collections.abc import Iterator
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
TOLD_OF = Rhythm(share=2, slowest_seconds=54)
"""The same for a job of which an event has told before, and of whose end one tells: the way of its events is proved."""


FORESEEN_SECONDS = 30.0
"""How long after the moment for which an end was foreseen it is looked for often."""


def awake_at(left_seconds: float, pause: float, quick_seconds: float) -> float:
    """The pause that does not sleep through an end that is foreseen in so many seconds, or was so many ago (< 0)."""
    if left_seconds > 0:
        return min(pause, max(quick_seconds, left_seconds))
    return min(pause, quick_seconds) if left_seconds > -FORESEEN_SECONDS else pause


class Pace(NamedTuple):
    """What all waits of a source have to keep to: pauses so many times as long, and none under so many seconds."""

    slowness: float
    least_seconds: float


FIRST_LOOK_SECONDS = 0.8
"""How soon a wait that was handed over is looked at: not at once, for which Airflow 3.3 can call the task failed.

A triggerer begins triggers and hands on what they tell in one beat, once a second. A look just before the beat is heard
of at once, one just after it a second later.
"""
BEAT_SECONDS = 1.0
"""Looks that follow so closely have no jitter: they would stray from the beat."""
SHORTEST_PAUSE_SECONDS = 0.25


def pauses(seconds: float, first: float = SHORTEST_PAUSE_SECONDS, share: float = 1.0) -> Iterator[float]:
    """The pauses between the looks of a worker that waits so long: a share of the time it has waited.

    So what is over at once is noticed at once, and what takes longer costs few looks.
    """
    spent, pause = 0.0, first
    while spent < seconds:
        left = seconds - spent
        pause = pause if left - pause >= SHORTEST_PAUSE_SECONDS else left
        yield pause
        spent += pause
        pause = max(SHORTEST_PAUSE_SECONDS, spent * share)


CALLS_PER_SECOND = {"codebuild": 2.0, "codedeploy": 1.0, "ecr": 5.0, "ecs": 10.0, "ssm": 10.0}
"""What one triggerer spends on waiting in one account and region, half of a limit where AWS publishes one.

ECS: 20 of each family of reads a second ("Request throttling for the Amazon ECS API"). SSM: 40 GetParametersByPath.
The others publish none, and this is what they begin with: callers of CodeBuild's and CodeDeploy's reads report
throttling from about 6 and 1 to 2 a second on.
"""
PUBLISHED = frozenset({"ecs", "ssm"})
MOST_CALLS_PER_SECOND = 12.0
"""What a service that publishes no rate is asked for at most. A guess would be too slow where AWS takes more, and too
fast where others whom we do not know call too. So the rate is found as TCP finds a line's: more as long as it goes
well, half where AWS throttles, and from there on little by little. All who do so come to share what there is."""
GAINED_PER_SECOND, GAINED_WITH_CARE = 1.0, 0.25
"""What a second of calls one after the other adds to the rate, as a share of the rate at first: as long as AWS has not
throttled so many, and from there on."""
FORGOTTEN = 0.02
"""The share of its gain that the rate loses with each look which it does not hold back: a rush says little of later."""
BURST_SECONDS = 2
SLOWEST = 8
"""Throttled again and again, an account's calls become so many times rarer than at first."""
MOST_OWED = 4
"""A look that cost more calls than one is paid for in pauses, up to so many: others wait for the quota too."""
SAME_THROTTLING_SECONDS = 2.0
"""Calls of one moment that are throttled together are one piece of news."""
CALLS_AT_ONCE = 4


@dataclass(slots=True)
class Quota:
    """The calls of one account, region and service: a bucket of tokens that fills as fast as AWS has taken calls."""

    calls_per_second: float = float("inf")
    """The rate at first."""
    most_per_second: float = 0.0
    """What the rate may grow to."""
    speed: float = 1.0
    """The rate of now, as a multiple of that at first: below 1 where AWS throttles, above where it took more."""
    in_flight: int = 0
    _proved: float = float("inf")
    """The speed that was left when AWS throttled last."""
    _emptied: bool = False
    """Whether a look took the last token since one ended well: as long as some are left, nobody is held back."""
    _tokens: float = field(default=1.0, repr=False)
    _filled_at: float = 0.0
    _slowed_at: float = float("-inf")

    @property
    def slowness(self) -> float:
        """How many times rarer than at first calls are."""
        return max(1.0, 1 / self.speed)

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
        self._emptied |= self._tokens < 1

    def end(self, calls: int, now: float, *, throttled: bool = False, in_vain: bool = False) -> None:
        """Count what a look turned out to cost; slow down where it was in vain: throttled, or nobody there."""
        self.in_flight -= 1
        self._spend(max(0, calls - 1), now)
        if in_vain or (throttled and self.speed > 1):
            self._slow_down(now, least=1 / SLOWEST if in_vain else 1.0)
        elif not throttled:
            self._speed_up(max(1, calls))

    def _slow_down(self, now: float, least: float) -> None:
        """Halve the rate. A look that was throttled in part takes back only what was gained."""
        if now - self._slowed_at >= SAME_THROTTLING_SECONDS:
            self._slowed_at, self.speed = now, max(self.speed / 2, least)
            self._proved = self.speed
            self._tokens = min(self._tokens, 0)

    def _speed_up(self, calls: int) -> None:
        """After a look that went well: little by little where calls use up the rate, else back to that at first."""
        if self._emptied:
            gained = GAINED_PER_SECOND if self.speed < self._proved else GAINED_WITH_CARE
            more = min(self.speed, gained * calls / self._rate)
            self.speed = min(max(1.0, self.most_per_second / self.calls_per_second), self.speed + more)
        elif self.speed < 1:
            self.speed = min(1.0, self.speed * 2)
        else:
            self.speed -= (self.speed - 1) * FORGOTTEN
        self._emptied = False

    @property
    def _unlimited(self) -> bool:
        return self.calls_per_second == float("inf")

    @property
    def _rate(self) -> float:
        return self.calls_per_second * self.speed

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
            self._quotas[key] = _quota(service)
        return self._quotas[key]


def _quota(service: str) -> Quota:
    at_first = CALLS_PER_SECOND.get(service, float("inf"))
    return Quota(at_first, at_first if service in PUBLISHED else MOST_CALLS_PER_SECOND)
