"""Applications and their environments: what runs, how the last delivery ended, what is on its way, what waits.

Every page asks for all applications every few seconds, so a row tells no more than is seen of it: commits and digests
by their first characters, moments to the second, and nothing of what is not so. What is alike in the environments of an
application stands together, because that packs well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from airdock.board.line import Delivery
from airdock.plan.ledger_entry import LedgerEntry
from airdock.release import Outcome
from airdock.spec import Pipeline

SHORT = 12
"""Characters of a commit's id, and of a digest's."""
MOST_COMING = 3
"""So many of those that wait for an environment are named; the others are counted."""
LAST = "9"
"""Comes after every moment in ISO 8601: where one stands that has not begun."""

Place = tuple[str, str]
"""An application and one of its environments."""


def application_row(
    pipeline: Pipeline,
    entries: Mapping[Place, Sequence[LedgerEntry]],
    deliveries: Sequence[Delivery],
    drift: Mapping[Place, str],
) -> dict[str, Any]:
    """One application. `entries`: newest last; `deliveries`: its runs that are not over; `drift`: what was found."""
    names = list(pipeline.environments)
    told = {"name": pipeline.application, "description": pipeline.description, "owner": pipeline.owner}
    places = [
        {
            "name": name,
            **_past(entries.get((pipeline.application, name), ())),
            **_coming(name, names, deliveries),
            "drift": drift.get((pipeline.application, name)),
        }
        for name in names
    ]
    return _so({**told, "environments": [_so(each) for each in places]})


def _so(told: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is None, empty, zero or false: the page takes what is not told for that."""
    return {name: each for name, each in told.items() if each}


def _past(entries: Sequence[LedgerEntry]) -> dict[str, Any]:
    """What is live, and how the last delivery ended where it did not end so."""
    live = next((each for each in reversed(entries) if each.record.live), None)
    last = entries[-1] if entries and entries[-1].record.outcome != Outcome.LIVE else None
    return {"live": _live(live) if live else None, "last": _ended(last) if last else None}


def _live(entry: LedgerEntry) -> dict[str, Any]:
    digest = entry.record.digest.partition(":")[2][:SHORT]
    return _so({"digest": digest, **_what(entry), "verified": entry.verified, "at": _second(entry.record.ended_at)})


def _ended(entry: LedgerEntry) -> dict[str, Any]:
    told = entry.record
    what = {"outcome": str(told.outcome), **_what(entry), "sentence": told.sentence}
    return _so({**what, "at": _second(told.ended_at)})


def _what(entry: LedgerEntry) -> dict[str, Any]:
    told = entry.record
    commit = {"commit": told.commit[:SHORT], "subject": told.subject, "author": told.author}
    return {**commit, "dag_id": told.dag_id, "run_id": told.run_id}


def _second(moment: str) -> str:
    """A moment in ISO 8601 to the second, in UTC; what is no moment as it is."""
    try:
        return f"{datetime.fromisoformat(moment).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    except ValueError:
        return moment


def _coming(name: str, names: Sequence[str], deliveries: Sequence[Delivery]) -> dict[str, Any]:
    there = [each for each in deliveries if each.is_in(name)]
    oldest = min(there, key=lambda each: each.started_at, default=None)
    before = [each for each in deliveries if each.is_before(name, names)]
    waiting = sorted(before + [each for each in there if each is not oldest], key=lambda each: each.started_at or LAST)
    return {
        "running": _running(oldest) if oldest else None,
        "waiting": len(waiting),
        "coming": [_on_the_way(each) for each in waiting[:MOST_COMING]],
    }


def _running(delivery: Delivery) -> dict[str, Any]:
    stage, commit = delivery.stage(), delivery.commit
    assert stage
    since = stage.started_at or delivery.started_at
    told = {
        **_on_the_way(delivery),
        "since": _second(since) if since else None,
        "author": commit.author if commit else None,
        "weights": _weights(delivery.share(stage.environment)),
    }
    return _so(told)


def _on_the_way(delivery: Delivery) -> dict[str, Any]:
    """Which delivery it is and where: nowhere, where it has not begun."""
    stage, commit = delivery.stage(), delivery.commit
    told = {
        "dag_id": delivery.dag_id,
        "run_id": delivery.run_id,
        "stage": stage.task_id if stage else None,
        "stage_state": stage.shown if stage else None,
        "commit": commit.sha[:SHORT] if commit else None,
        "subject": commit.subject if commit else None,
    }
    return _so(told)


def _weights(percent: float | None) -> dict[str, float] | None:
    """How the traffic is shared; None before any of it is known."""
    return None if percent is None else {"blue": round(100 - percent, 1), "green": round(percent, 1)}
