"""One wait among many: when it is looked at next, and what it makes of an answer. Times are seconds of one clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from airdock.aws.faults import is_throttling
from airdock.aws.hooks import Account
from airdock.aws.watch.pace import BEAT_SECONDS, POLLED, TOLD_OF, WOKEN, Pace, awake_at
from airdock.aws.watch.subject import Facts, Foreseeing, Subject, Watch
from airdock.aws.watch.wake import ANNOUNCED
from airdock.errors import Fault, Refused

SLOWEST_PAUSE_SECONDS = 60.0
"""No back-off makes a pause longer than this, unless the wait asked for a longer one."""
RESTED = 1 / 4
"""The share of its pause after which a wait joins a look at others. With a half, two groups of waits whose looks
alternate would do so for ever; with a quarter they soon look together."""
RESTED_SECONDS = 7.0
"""The longest that is: what is looked at every minute alone is looked at as often as others in company."""
UNKNOWN_SECONDS = 120.0
"""How long AWS may take to know a job whose id it gave out itself."""


class Source(NamedTuple):
    """What shares its calls: one kind of job in one account and region."""

    kind: str
    account: Account


class News(NamedTuple):
    """What a wait learns: lines for its log; with an `end` it is over."""

    lines: list[str]
    end: str = ""
    """finished, refused, broken, or "": the wait goes on."""
    error: Exception | None = None


NOTHING = News([])


@dataclass(eq=False, slots=True)
class Wait:
    """One trigger's wait; several may be for the same job."""

    subject: Subject
    quick_seconds: float
    """Its pause at first; nothing looks earlier."""
    facts: Facts | None
    first_look_at: float
    due: float
    pause_seconds: float
    changed_at: float
    woken: bool = False
    woken_at: float = -inf
    told_of: bool = False
    """Whether an event has named it, if only before it was waited for."""
    running_at: float = -inf
    """When a look last found that it goes on."""
    asked: bool = False
    by_event: bool = False
    """Whether the look that is under way, or was the last one, is one that an event called for."""
    foreseen_at: float = inf
    """When it should be over."""
    unknown_since: float | None = None
    troubled: bool = False

    @property
    def source(self) -> Source:
        return Source(self.subject.kind, self.subject.account)

    @property
    def is_announced(self) -> bool:
        """Whether AWS sends an event of its end."""
        return self.subject.kind in ANNOUNCED

    def may_join(self, now: float) -> bool:
        """Whether to look now as well when a call goes out for others anyway."""
        rested_at = self.due - self.pause_seconds + min(self.pause_seconds * RESTED, RESTED_SECONDS)
        return not self.asked and max(self.first_look_at, rested_at) <= now

    def wake(self, now: float) -> None:
        """Look soon, and often for a while."""
        self.due, self.woken, self.woken_at = min(self.due, max(now, self.first_look_at)), True, now
        self.told_of = True

    def rest(self, by_events: bool, pace: Pace, jitter: Callable[[], float], now: float, latest: float = inf) -> None:
        """Pause until the next look; `by_events`: events tell of such jobs, looks only make sure."""
        pause = max(pace.least_seconds, self._pause(by_events, now))
        pause = min(pause * pace.slowness, max(pause, SLOWEST_PAUSE_SECONDS))
        self.pause_seconds = pause if pause <= BEAT_SECONDS else pause * jitter()
        # What woke it during the look may have happened after AWS's answer.
        soonest = max(now, self.first_look_at)
        self.due, self.asked = soonest if self.woken else min(now + self.pause_seconds, latest), False

    def _pause(self, by_events: bool, now: float) -> float:
        if not (by_events and self.is_announced):
            pause = POLLED.pause(self.quick_seconds, now - self.changed_at)
            return awake_at(self.foreseen_at - now, pause, self.quick_seconds)
        rhythm = TOLD_OF if self.told_of else WOKEN
        return rhythm.pause(self.quick_seconds, now - self.woken_at)

    def begin_look(self) -> None:
        self.asked, self.by_event, self.woken = True, self.woken, False

    def learn(self, watch: Watch, answer: Facts | Exception | None, now: float) -> News:
        """Take in an answer, None where AWS does not know the job."""
        if isinstance(answer, Fault):
            # What an event told of is worth the next call that AWS takes.
            self.woken |= self.by_event and is_throttling(answer)
            return self._faulted(answer)
        if isinstance(answer, Exception):
            return News([], "refused" if isinstance(answer, Refused) else "broken", answer)
        if answer is None:
            return self._unknown(now)
        self.unknown_since, self.troubled = None, False
        return self._seen(watch, answer, now)

    def _seen(self, watch: Watch, facts: Facts, now: float) -> News:
        lines, self.facts = watch.progress(self.facts, facts), facts
        if lines:
            self.changed_at = now
        if watch.finished(facts, self.subject.options):
            return News(lines, "finished")
        self.running_at = now
        left = watch.left_seconds(facts, self.subject.options) if isinstance(watch, Foreseeing) else None
        self.foreseen_at = inf if left is None else now + left
        return News(lines) if lines else NOTHING

    def _unknown(self, now: float) -> News:
        since = self.unknown_since = now if self.unknown_since is None else self.unknown_since
        sentence = f"AWS does not know the {self.subject.kind} {self.subject.id}"
        if now - since >= UNKNOWN_SECONDS:
            return News([], "refused", Refused(sentence))
        return self._faulted(Fault(sentence))

    def _faulted(self, fault: Fault) -> News:
        """A line for the first of several faults in a row."""
        known, self.troubled = self.troubled, True
        return NOTHING if known else News([f"{fault.sentence}; looking again later"])
