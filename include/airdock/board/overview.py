"""Applications and their environments: what runs, how the last delivery ended, what is on its way, what waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airdock.board.line import Delivery
from airdock.board.releases import before
from airdock.plan.ledger_entry import LedgerEntry
from airdock.spec import Pipeline

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
    waiting = sum(each.is_before(name, names) for each in deliveries) + max(0, len(there) - 1)
    return {"running": _running(oldest) if oldest else None, "waiting": waiting}


def _running(delivery: Delivery) -> dict[str, Any]:
    stage, commit = delivery.stage(), delivery.commit
    assert stage
    return {
        "dag_id": delivery.dag_id,
        "run_id": delivery.run_id,
        "stage": stage.task_id,
        "stage_state": stage.state,
        "since": stage.started_at or delivery.started_at or None,
        "commit": commit.sha if commit else None,
        "subject": commit.subject if commit else None,
        "author": commit.author if commit else None,
        "weights": _weights(delivery.shares.get(f"{stage.environment}.deploy")),
    }


def _weights(percent: float | None) -> dict[str, float] | None:
    """How the traffic is shared; None before any of it is known."""
    return None if percent is None else {"blue": round(100 - percent, 1), "green": round(percent, 1)}
