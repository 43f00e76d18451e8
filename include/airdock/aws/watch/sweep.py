"""One poll for everybody: which waits are looked at now, in which calls, and what each of them learns.

Nothing here waits, reads a clock or calls AWS: the waiting room does, and a simulation does it in its place. Times are
seconds of a clock that never goes back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil, inf
from random import Random

from airdock.aws.watch import watch_for
from airdock.aws.watch.hearing import Hearing
from airdock.aws.watch.pace import Pace, Purse, Quota
from airdock.aws.watch.reading import Reading
from airdock.aws.watch.subject import Facts, Subject, Watch
from airdock.aws.watch.wait import News, Source, Wait
from airdock.aws.watch.wake import is_named
from airdock.errors import Fault

JITTER = 0.1
GATHER_SECONDS = 1.0
"""How long waits that come one by one gather for a call, after one that has just gone out."""
CROWD_SECONDS = 5
"""The longest that quick waits pause because they are many."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Waits that one read serves; `ids` names each job once."""

    source: Source
    watch: Watch
    waits: tuple[Wait, ...]

    @property
    def ids(self) -> list[str]:
        return list(dict.fromkeys(wait.subject.id for wait in self.waits))

    @property
    def known(self) -> dict[str, Facts]:
        return {wait.subject.id: wait.facts for wait in self.waits if wait.facts is not None}


@dataclass(slots=True)
class _Queue:
    """The waits of one source."""

    watch: Watch
    quota: Quota
    waits: dict[Wait, None] = field(default_factory=dict)
    gathering_until: float = -inf
    _due_at: float | None = None
    """Kept until a wait changes: the timer is set far more often than that."""

    def due_at(self) -> float:
        """When a call is to go out; woken waits do not wait for company."""
        if self._due_at is None:
            self._due_at = min((self._due(wait) for wait in self.waits if not wait.asked), default=inf)
        return self._due_at

    def changed(self) -> None:
        """Some wait came, left, is being looked at or has another time."""
        self._due_at = None

    def woken(self, wait: Wait) -> None:
        """A wait has an earlier time: in a rush that happens too often to go through them all."""
        if self._due_at is not None and not wait.asked:
            self._due_at = min(self._due_at, wait.due)

    def _due(self, wait: Wait) -> float:
        return wait.due if wait.woken else max(wait.due, self.gathering_until)

    def chosen(self, now: float) -> list[Wait]:
        """Who is looked at now: those whose time has come, and as many more as the calls for them have room for."""
        ready = [wait for wait in self.waits if wait.may_join(now)]
        due = sum(wait.due <= now for wait in ready)
        calls = min(ceil(due / self.watch.batch), self.quota.free(now))
        ready.sort(key=lambda wait: (not wait.woken, wait.due))
        # Side by side, the jobs of one cluster or repository fall into the same call.
        return sorted(ready[: calls * self.watch.batch], key=lambda wait: wait.subject.id)

    def batches(self, source: Source, now: float) -> Iterator[Batch]:
        if not self.quota.free(now):
            return
        chosen, size = self.chosen(now), self.watch.batch
        if chosen and size > 1:
            self.gathering_until = now + GATHER_SECONDS
        self.changed()
        for start in range(0, len(chosen), size):
            batch = Batch(source, self.watch, tuple(chosen[start : start + size]))
            self.quota.begin(now)
            for wait in batch.waits:
                wait.begin_look()
            yield batch

    @property
    def pace(self) -> Pace:
        """Of a crowd that takes several calls, even the quickest pause for a second a call."""
        return Pace(self.quota.slowness, min(CROWD_SECONDS, ceil(len(self.waits) / self.watch.batch)))


class Sweep:
    """All waits of one triggerer. `dice` gives the jitter."""

    def __init__(self, dice: Random | None = None) -> None:
        self._dice = dice or Random()  # noqa: S311 - jitter, no secret
        self._purse = Purse()
        self._queues: dict[Source, _Queue] = {}
        self._hearing = Hearing()

    def __len__(self) -> int:
        return sum(len(queue.waits) for queue in self._queues.values())

    def join(
        self,
        subject: Subject,
        quick_seconds: float,
        facts: Facts | None,
        now: float,
        first_seconds: float | None = None,
    ) -> Wait:
        """Add a wait; its first look comes after `first_seconds`, else `quick_seconds`, never much earlier."""
        first = quick_seconds if first_seconds is None else first_seconds
        pause = first * self._jitter()
        wait = Wait(subject, quick_seconds, facts, now + first * (1 - JITTER), now + pause, pause, now)
        if wait.source not in self._queues:
            watch = watch_for(subject.kind)
            self._queues[wait.source] = _Queue(watch, self._purse.of(subject.account, watch.service))
        self._queues[wait.source].waits[wait] = None
        self._queues[wait.source].changed()
        if self._hearing.remembers(wait, now):
            wait.told_of = True
            self._hearing.heard_of(wait, now)
        return wait

    def leave(self, wait: Wait) -> None:
        """Forget a wait; a look that is under way goes on for the others."""
        if queue := self._queues.get(wait.source):
            queue.waits.pop(wait, None)
            queue.changed()
            if not queue.waits:
                del self._queues[wait.source]

    def hurry(self, wait: Wait, now: float) -> None:
        """Look at a wait at once, whatever its rhythm."""
        wait.first_look_at = min(wait.first_look_at, now)
        wait.wake(now)
        self._queues[wait.source].woken(wait)

    def wake(self, named: set[str], now: float) -> int:
        """Look soon at the waits that an event names; how many those are. Waking twice is waking once."""
        self._hearing.hear(named, now)
        waits = (wait for queue in self._queues.values() for wait in queue.waits)
        found = [wait for wait in waits if is_named(named, wait.subject, wait.facts)]
        for wait in found:
            self._hearing.heard_of(wait, now)
            wait.wake(now)
            self._queues[wait.source].woken(wait)
        return len(found)

    def next_at(self, now: float) -> float:
        """When `take` has something to give; infinity as long as nobody waits or all are being looked at."""
        at = self._hearing.next_at()
        for queue in self._queues.values():
            if queue.due_at() < at:
                at = min(at, max(queue.due_at(), queue.quota.free_at(now)))
        return at

    def take(self, now: float) -> list[Batch]:
        """The reads that begin now, the most urgent first; each must be answered by `told`."""
        for source in self._hearing.silent(now):
            self._rely_on_looks(source, now)
        due = [each for each in self._queues.items() if each[1].due_at() <= now]
        due.sort(key=lambda each: each[1].due_at())
        return [batch for source, queue in due for batch in queue.batches(source, now)]

    def told(self, batch: Batch, reading: Reading, now: float) -> list[tuple[Wait, News]]:
        """Take in what a read has told: what each wait learns, if only that nothing has changed."""
        quota = self._purse.of(batch.source.account, batch.watch.service)
        quota.end(reading.calls, now, throttled=reading.throttled, in_vain=_all_faults(reading))
        learnt = [(wait, wait.learn(batch.watch, reading.of(wait.subject.id), now)) for wait in batch.waits]
        for wait, news in learnt:
            if news.end == "finished":
                self._hearing.over(wait, now)
        if queue := self._queues.get(batch.source):
            by_events = self._hearing.relies_on(batch.source, now)
            for wait in batch.waits:
                wait.rest(by_events, queue.pace, self._jitter, now)
            queue.changed()
        return learnt

    def _rely_on_looks(self, source: Source, now: float) -> None:
        """Nobody rests longer any more than where there are no events."""
        if queue := self._queues.get(source):
            for wait in [each for each in queue.waits if not each.asked]:
                wait.rest(False, queue.pace, self._jitter, now, latest=wait.due)
            queue.changed()

    def _jitter(self) -> float:
        return self._dice.uniform(1 - JITTER, 1 + JITTER)


def _all_faults(reading: Reading) -> bool:
    return bool(reading.answers) and all(isinstance(each, Fault) for each in reading.answers.values())
