"""Who may deploy to an environment: one delivery at a time, and what becomes of a lease that nobody gave back.

A lease has a generation. It is never taken from its holder: who may have it next creates the next generation, which
only one can, because creating is refused where it exists. A view that is out of date leads to a refused creation.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from airdock.release import Record

THAWED = "thawed"
"""The method that a delivery goes on with once a stopped line runs again. It is stored with waiting tasks, keep it: the
board knows by it what is held."""


@dataclass(frozen=True, slots=True)
class Lease(Record):
    """One generation: `holder` is the DAG and run id of the delivery; `since`, `expires` are ISO 8601, aware."""

    generation: int
    dag_id: str
    run_id: str
    since: str
    expires: str
    released: bool = False

    @property
    def holder(self) -> tuple[str, str]:
        return self.dag_id, self.run_id

    def __str__(self) -> str:
        return f"the run {self.run_id} of {self.dag_id}"


class Claim(StrEnum):
    """What a delivery may do."""

    TAKE = "take"
    HELD = "held"
    """It holds the lease already: an earlier try has taken it."""
    WAIT = "wait"
    LOST = "lost"
    """Another has held it since: what this delivery knows of the environment is out of date."""


@dataclass(frozen=True, slots=True)
class Stand:
    """What may be done, the generation that it is about, and why."""

    claim: Claim
    generation: int
    sentence: str


def stand(newest: Lease | None, me: tuple[str, str], now: datetime, holder_ended: bool = False) -> Stand:
    """How a delivery stands to the newest generation (None: there was never one).

    `holder_ended`: whether Airflow says that the holder's run is over, which then can't give it back any more.
    """
    if newest is None:
        return Stand(Claim.TAKE, 1, "nobody has deployed here yet")
    after = newest.generation + 1
    if newest.released:
        return Stand(Claim.TAKE, after, f"{newest} has given the lease back")
    if datetime.fromisoformat(newest.expires) <= now:
        return Stand(Claim.TAKE, after, f"the lease of {newest} expired at {newest.expires}: it is taken over")
    if newest.holder == me:
        return Stand(Claim.HELD, newest.generation, "this run holds the lease already")
    if holder_ended:
        return Stand(Claim.TAKE, after, f"{newest} is over and has not given the lease back: it is taken over")
    return Stand(Claim.WAIT, newest.generation, f"{newest} deploys here since {newest.since}")


def stand_again(newest: Lease | None, me: tuple[str, str], now: datetime, holder_ended: bool = False) -> Stand:
    """How a delivery that has held the lease stands to it when it is about to change something: it waits no more.

    A task that is cleared alone comes back long after its run has given the lease back.
    """
    how = stand(newest, me, now, holder_ended)
    if newest is None or newest.holder == me:
        return how
    if how.claim is Claim.WAIT:
        return Stand(how.claim, how.generation, f"{how.sentence}, and this run does not hold the lease any more")
    since = f"{newest} has held the lease since this run did"
    return Stand(Claim.LOST, newest.generation, f"{since}: to deploy this release all the same, clear `hold` as well")
