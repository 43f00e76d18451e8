"""What events have told so far, and whether they are relied on. Times are seconds of a clock that never goes back."""

from __future__ import annotations

from collections.abc import Set
from math import inf

from airdock.aws.watch.wait import Source, Wait
from airdock.aws.watch.wake import is_named

HEARD_SECONDS = 3600.0
"""How long an event proves that events arrive."""
REMEMBERED_SECONDS, REMEMBERED_NAMES = 600.0, 4096
"""A job's first event often comes before the triggerer holds its wait: names are kept so long, and so many."""
LATE_SECONDS = 10.0
"""So long before or after a look an event may tell of what the look finds; it takes half a second as a rule."""


class Hearing:
    """Events are relied on where one has come lately, until one that is due does not come."""

    def __init__(self) -> None:
        self._heard: dict[Source, float] = {}
        self._names: dict[str, float] = {}
        self._due: dict[Wait, float] = {}
        """Waits whose end was seen and not told of, and until when it may be."""

    def hear(self, named: Set[str], now: float) -> None:
        """Take in the names of some events, whether anybody waits for them or not yet."""
        for name in named:
            self._names.pop(name, None)
            self._names[name] = now
        self._forget_old(now)
        for wait in [each for each in self._due if is_named(named, each.subject, each.facts)]:
            del self._due[wait]

    def heard_of(self, wait: Wait, now: float) -> None:
        """An event has named a wait."""
        self._heard[wait.source] = now

    def remembers(self, wait: Wait, now: float) -> bool:
        """Whether a wait that comes now has been named lately."""
        self._forget_old(now)
        return is_named(self._names.keys(), wait.subject, wait.facts)

    def relies_on(self, source: Source, now: float) -> bool:
        """Whether events tell of such jobs, so that looks only make sure."""
        return now - self._heard.get(source, -inf) < HEARD_SECONDS

    def over(self, wait: Wait, now: float) -> None:
        """A look has found a wait's end, of which an event must tell too: it ran while events were listened to."""
        told = wait.woken_at + LATE_SECONDS >= wait.running_at
        if wait.is_announced and not told and self.relies_on(wait.source, now):
            self._due[wait] = now + LATE_SECONDS

    def next_at(self) -> float:
        """When the next event is overdue."""
        return min(self._due.values(), default=inf)

    def silent(self, now: float) -> set[Source]:
        """The sources of which an event is overdue: what was heard before no longer proves anything there."""
        silent = {wait.source for wait, until in self._due.items() if until <= now}
        if silent:
            self._heard = {source: at for source, at in self._heard.items() if source not in silent}
            self._due = {wait: until for wait, until in self._due.items() if wait.source not in silent}
            self._names.clear()
        return silent

    def _forget_old(self, now: float) -> None:
        while self._names:
            name, at = next(iter(self._names.items()))
            if len(self._names) <= REMEMBERED_NAMES and at >= now - REMEMBERED_SECONDS:
                return
            del self._names[name]
