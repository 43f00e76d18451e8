"""Applications and their environments: what runs, how the last delivery ended, what is on its way, what waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airdock.board.line import Delivery
from airdock.board.releases import before
from airdock.plan.ledger_entry import LedgerEntry
from airdock.spec import Pipeline

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
    return {
        "name": pipeline.application,
        "description": pipeline.description,
        "owner": pipeline.owner,
        "dag_id": f"deliver_{pipeline.application}",
        "deploy_dag_id": f"deploy_{pipeline.application}",
        "environments": [
            {
                "name": name,
                **_past(entries.get((pipeline.application, name), ())),
                **_coming(name, names, deliveries),
                "drift": drift.get((pipeline.application, name)),
            }
            for name in names
        ],
    }


def _past(entries: Sequence[LedgerEntry]) -> dict[str, Any]:
    live = next((each for each in reversed(entries) if each.record.live), None)
    return {
        "live": _live(live) if live else None,
        "last": _ended(entries[-1]) if entries else None,
        "before": before(entries),
    }


def _live(entry: LedgerEntry) -> dict[str, Any]:
    told = entry.record
    return {
        "release": told.key,
        "digest": told.digest,
        "task_definition": told.task_definition,
        "verified": entry.verified,
        **_what(entry),
    }


def _ended(entry: LedgerEntry) -> dict[str, Any]:
    return {"outcome": str(entry.record.outcome), "sentence": entry.record.sentence, **_what(entry)}


def _what(entry: LedgerEntry) -> dict[str, Any]:
    told = entry.record
    commit = {"commit": told.commit, "subject": told.subject, "author": told.author}
    return {**commit, "at": told.ended_at, "dag_id": told.dag_id, "run_id": told.run_id}


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
    return {
        **_on_the_way(delivery),
        "since": stage.started_at or delivery.started_at or None,
        "author": commit.author if commit else None,
        "weights": _weights(delivery.shares.get(f"{stage.environment}.deploy")),
    }


def _on_the_way(delivery: Delivery) -> dict[str, Any]:
    """Which delivery it is and where; `stage` and `stage_state` are None of one that has not begun."""
    stage, commit = delivery.stage(), delivery.commit
    return {
        "dag_id": delivery.dag_id,
        "run_id": delivery.run_id,
        "stage": stage.task_id if stage else None,
        "stage_state": stage.shown if stage else None,
        "commit": commit.sha if commit else None,
        "subject": commit.subject if commit else None,
    }


def _weights(percent: float | None) -> dict[str, float] | None:
    """How the traffic is shared; None before any of it is known."""
    return None if percent is None else {"blue": round(100 - percent, 1), "green": round(percent, 1)}
