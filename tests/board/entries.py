"""Pipelines, deliveries and what became of them, as the board's tests tell them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airdock.plan.ledger_entry import LedgerEntry
from airdock.plan.release_record import ReleaseRecord
from airdock.release import Outcome
from airdock.spec import Pipeline

MOMENT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def at(minutes: float) -> str:
    """ISO 8601, so many minutes after noon."""
    return (MOMENT + timedelta(minutes=minutes)).isoformat()


def a_pipeline(application: str = "greeter", *environments: str) -> Pipeline:
    """A pipeline through these environments, in this order."""
    place = {
        "cluster": "demo",
        "service": application,
        "rollout": {"strategy": "codedeploy", "application": application, "deployment_group": application},
    }
    told = {
        "application": application,
        "owner": "team-a",
        "source": {"provider": "git", "repository": "https://git.example/app.git", "branch": "main"},
        "build": {"project": application},
        "image": {"repository": application},
        "environments": dict.fromkeys(environments or ("staging", "production"), place),
    }
    return Pipeline.model_validate(told)


def an_entry(minutes: float, outcome: Outcome = Outcome.LIVE, **changes: Any) -> LedgerEntry:
    """What became of a delivery that ended so many minutes after noon."""
    more = {key: changes.pop(key) for key in ("verified", "committed_at") if key in changes}
    told: dict[str, Any] = {
        "key": f"20261123T120000Z-{minutes:g}",
        "application": "greeter",
        "environment": "production",
        "commit": f"{int(minutes * 10):040x}",
        "ref": "main",
        "subject": f"Change {minutes:g}",
        "author": "Ada",
        "image": f"1.example/greeter@sha256:{int(minutes * 10):064x}",
        "task_definition": f"arn:task-definition/greeter:{minutes:g}",
        "deployment": f"d-{minutes:g}",
        "previous": "",
        "dag_id": "deliver_greeter",
        "run_id": f"run-{minutes:g}",
        "outcome": outcome,
        "sentence": f"it is {outcome}",
        "started_at": at(minutes - 5),
        "ended_at": at(minutes),
    }
    return LedgerEntry(ReleaseRecord(**{**told, **changes}), **more)
