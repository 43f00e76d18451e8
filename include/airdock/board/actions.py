"""What somebody can do about a delivery, each with what will happen, as requests to Airflow's own API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from airdock.board.delivery import Run
from airdock.board.releases import Entries, before
from airdock.board.stopping import stop
from airdock.plan.ledger_entry import LedgerEntry
from airdock.spec import Pipeline

UNKNOWN = "The last good release before this one"


def actions(pipeline: Pipeline, run: Run, entries: Entries, user: str) -> list[dict[str, Any]]:
    """Stop what is under way; take back what it made live, and bring it on to the next environment.

    `entries`: what became of the application's deliveries, by environment in their order; `user`: who would stop it.
    """
    if run.state in ("queued", "running"):
        return stop(pipeline, run, user)
    application, ours = pipeline.application, (run.dag_id, run.run_id)
    live = {name: _live(entries, name) for name in entries}
    mine = [name for name, entry in live.items() if entry and (entry.record.dag_id, entry.record.run_id) == ours]
    found = [_back(application, name, live[name], before(entries[name])) for name in mine]
    for name, after in pairwise(entries):
        here, there = live[name], live[after]
        if name in mine and here and (there is None or there.record.release != here.record.release):
            found.append(_promote(application, here, name, after, entries[after]))
    return found


def _live(entries: Entries, name: str) -> LedgerEntry | None:
    return next((entry for entry in reversed(entries[name]) if entry.record.live), None)


def _back(application: str, name: str, live: LedgerEntry | None, back: Mapping[str, Any] | None) -> dict[str, Any]:
    """The way back to exactly the release that is told of, if what is live by then is still what it was."""
    says = f"{_called(back) if back else UNKNOWN} goes into {name} again. Nothing is built."
    conf = {
        "release": back["release"] if back else None,
        "environment": name,
        "from_environment": None,
        "instead_of": live.record.key if live else None,
    }
    return _deploy(application, "roll_back", f"Roll back {name}", says, conf, waits=False)


def _called(back: Mapping[str, Any]) -> str:
    return f"{back['commit'][:7]} ({back['subject']}), the last good release before this one,"


def _promote(
    application: str, here: LedgerEntry, name: str, after: str, there: Sequence[LedgerEntry]
) -> dict[str, Any]:
    says = f"The image that runs in {name} goes to {after}, to the byte. Nothing is built."
    conf = {"release": here.record.key, "environment": after, "from_environment": name}
    been = any(each.record.live and each.record.release == here.record.release for each in there)
    return _deploy(application, "promote", f"Promote to {after}", says, conf, waits=not been)


def _deploy(
    application: str, name: str, label: str, says: str, conf: Mapping[str, Any], *, waits: bool
) -> dict[str, Any]:
    """`waits`: whether it is held while the line is stopped; what has been live there before is not."""
    return {
        "name": name,
        "label": label,
        "says": says,
        "waits": waits,
        "requests": [
            {
                "method": "POST",
                "path": f"/api/v2/dags/deploy_{application}/dagRuns",
                "body": {"logical_date": None, "conf": dict(conf)},
            }
        ],
    }
