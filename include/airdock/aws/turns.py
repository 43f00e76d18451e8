"""First come, first served: calls that AWS has throttled go on one after the other, at AWS's own rate.

Times are seconds of a clock that never goes back; nothing here reads one.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass
from datetime import datetime

SECONDS_APART = 1.0
"""RegisterTaskDefinition: 20 at once, then one a second ("Request throttling for the Amazon ECS API").

No slower: a turn that is throttled all the same leaves its call in AWS's bucket, for the next that comes early. So the
line makes itself the few calls of leeway that it needs, and no more.
"""
FIRST_SECONDS = 5.0
"""Nobody goes sooner: Airflow 3.3 can lose a task whose trigger fires before its deferral is digested."""


@dataclass(frozen=True, eq=False, slots=True)
class Place:
    """One call in the line; `since`: when AWS throttled it first."""

    since: datetime
    ready_at: float


class Line:
    """The calls of one account and region, those that AWS throttled first before all others."""

    def __init__(self) -> None:
        self._places: list[Place] = []
        self._next_at = float("-inf")

    def join(self, since: datetime, now: float) -> Place:
        """A place by the time of the first throttling: who comes again does not stand behind those who came later."""
        place = Place(since, now + FIRST_SECONDS)
        insort(self._places, place, key=lambda each: each.since)
        return place

    def leave(self, place: Place) -> None:
        """Give a place up; its turn may have come already."""
        if place in self._places:
            self._places.remove(place)

    def ahead(self, place: Place) -> int:
        """How many go before this one."""
        return self._places.index(place)

    def next_at(self) -> float:
        """When the next turn comes; infinity where nobody waits."""
        return max(self._next_at, min((each.ready_at for each in self._places), default=float("inf")))

    def let_go(self, now: float) -> Place | None:
        """Whose turn it is now, taken out of the line. A turn that is called a little late does not delay the next."""
        first = next((each for each in self._places if each.ready_at <= now), None)
        if first is None or now < self._next_at:
            return None
        self._places.remove(first)
        due = self._next_at if now < self._next_at + SECONDS_APART else now
        self._next_at = due + SECONDS_APART
        return first
