"""What somebody can do about a delivery, each with what will happen, as requests to Airflow's own API."""

from __future__ import annotations

from itertools import pairwise
from typing import Any
from urllib.parse import quote

from airdock.board.releases import Entries, name_of

STOP = (
    "The run ends as failed, and nothing more is begun. A deployment that is under way in AWS goes on until reconcile "
    "stops it with rollback."
)


def actions(application: str, dag_id: str, run_id: str, state: str, entries: Entries) -> list[dict[str, Any]]:
    """Stop what is under way; take back what it made live, and bring it on to the next environment.

    `entries`: what became of the application's deliveries, by environment in their order.
    """
    if state in ("queued", "running"):
        path = f"/api/v2/dags/{quote(dag_id, safe='')}/dagRuns/{quote(run_id, safe='')}"
        return [
            {
                "name": "stop",
                "label": "Stop",
                "says": STOP,
                "method": "PATCH",
                "path": path,
                "body": {"state": "failed"},
            }
        ]
    live = {name: _live(entries, name) for name in entries}
    mine = [
        name for name, entry in live.items() if entry and (entry.record.dag_id, entry.record.run_id) == (dag_id, run_id)
    ]
    found = [_back(application, name) for name in mine]
    for name, after in pairwise(entries):
        here, there = live[name], live[after]
        if name in mine and here and (there is None or name_of(there) != name_of(here)):
            found.append(_promote(application, name_of(here), name, after))
    return found


def _live(entries: Entries, name: str) -> Any:
    return next((entry for entry in reversed(entries[name]) if entry.record.live), None)


def _back(application: str, name: str) -> dict[str, Any]:
    says = f"The last good release before this one goes into {name} again. Nothing is built."
    return _deploy(application, "roll_back", f"Roll back {name}", says, None, name, None)


def _promote(application: str, release: str, name: str, after: str) -> dict[str, Any]:
    says = f"The image that runs in {name} goes to {after}, to the byte. Nothing is built."
    return _deploy(application, "promote", f"Promote to {after}", says, release, after, name)


def _deploy(
    application: str, name: str, label: str, says: str, release: str | None, environment: str, origin: str | None
) -> dict[str, Any]:
    conf = {"release": release, "environment": environment, "from_environment": origin}
    return {
        "name": name,
        "label": label,
        "says": says,
        "method": "POST",
        "path": f"/api/v2/dags/deploy_{application}/dagRuns",
        "body": {"logical_date": None, "conf": conf},
    }
