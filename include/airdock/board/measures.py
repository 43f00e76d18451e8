"""The four figures by which DORA measures delivery, from what became of the releases in production.

They follow the definitions of DORA's "software delivery metrics" guide. Production is the last environment of a
pipeline; times are in seconds. A figure of nothing is None and never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from airdock.plan.ledger_entry import LedgerEntry
from airdock.release import Outcome

BROKEN = frozenset({Outcome.FAILED, Outcome.ROLLED_BACK})


@dataclass(frozen=True, slots=True)
class Change:
    """A release that reached production, as the figures see it.

    `lead_seconds`: from the commit to live, for the first time that the commit went live; a way back to an old commit
    tells nothing of how long a change takes.
    """

    entry: LedgerEntry
    at: datetime
    lead_seconds: float | None

    @property
    def live(self) -> bool:
        return self.entry.record.outcome is Outcome.LIVE

    def row(self) -> dict[str, Any]:
        """The run behind the figures, as the page reads it."""
        told = self.entry.record
        run = {"dag_id": told.dag_id, "run_id": told.run_id, "outcome": str(told.outcome)}
        return {**run, "at": told.ended_at, "lead_seconds": self.lead_seconds}


@dataclass(frozen=True, slots=True)
class Measured:
    """The changes of one application in a time, newest last, and how long each of its failures lasted."""

    changes: Sequence[Change]
    restores_seconds: Sequence[float]


def measured(entries: Iterable[LedgerEntry], now: datetime, days: int) -> Measured:
    """What counts of an application's entries in production, of the last so many days before `now`.

    All entries are needed, the older ones too: they tell which commits were live before.
    """
    changes, since = _changes(entries), now - timedelta(days=days)
    restores = [seconds for began, seconds in _restores(changes) if since <= began <= now]
    return Measured([change for change in changes if since <= change.at <= now], restores)


def figures(all_measured: Iterable[Measured], days: int) -> dict[str, Any]:
    """The four figures of one application or of many, and the counts that they rest on."""
    told = list(all_measured)
    changes = [change for each in told for change in each.changes]
    failures = sum(not change.live for change in changes)
    return {
        "deployments_per_day": (len(changes) - failures) / days,
        "lead_seconds_median": _middle(change.lead_seconds for change in changes),
        "change_failure_rate": failures / len(changes) if changes else None,
        "restore_seconds_median": _middle(seconds for each in told for seconds in each.restores_seconds),
        "deployments": len(changes),
        "failures": failures,
    }


def _changes(entries: Iterable[LedgerEntry]) -> list[Change]:
    """What touched production, in the order in which it ended.

    A release that was refused, overtaken or stopped, or that failed before its deployment began, changed nothing
    there.
    """
    touching = [each for each in entries if each.record.outcome is Outcome.LIVE or _broke(each)]
    ordered = sorted(((_moment(each.record.ended_at), each) for each in touching), key=lambda pair: pair[0])
    been: set[str] = set()
    return [Change(entry, at, _lead(entry, at, been)) for at, entry in ordered]


def _broke(entry: LedgerEntry) -> bool:
    return entry.record.outcome in BROKEN and bool(entry.record.deployment)


def _lead(entry: LedgerEntry, at: datetime, been: set[str]) -> float | None:
    commit = entry.record.commit
    if entry.record.outcome is not Outcome.LIVE or commit in been:
        return None
    been.add(commit)
    began = _foreign_moment(entry.committed_at)
    return max(0.0, (at - began).total_seconds()) if began else None


def _restores(changes: Sequence[Change]) -> list[tuple[datetime, float]]:
    """When production was broken, and how long until the next release that is live; failures in a row are one."""
    found: list[tuple[datetime, float]] = []
    broken_at: datetime | None = None
    for change in changes:
        if not change.live:
            broken_at = broken_at or change.at
        elif broken_at:
            found.append((broken_at, (change.at - broken_at).total_seconds()))
            broken_at = None
    return found


def _middle(seconds: Iterable[float | None]) -> float | None:
    known = [each for each in seconds if each is not None]
    return median(known) if known else None


def _moment(told: str) -> datetime:
    moment = datetime.fromisoformat(told)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _foreign_moment(told: str) -> datetime | None:
    """What a repository says is a time; one commit that says something else must not cost all others their figures."""
    try:
        return _moment(told)
    except ValueError:
        return None
