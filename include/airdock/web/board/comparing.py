"""Two releases of an application, for a user who may see it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from fastapi import HTTPException
from sqlalchemy import select
from sqlalchemy.orm import Session

from airdock.board.compare import Contents, comparison
from airdock.board.releases import find, grouped, name_of
from airdock.release import ScanReport, Source
from airdock.web.board.database import read
from airdock.web.board.desk import Desk
from airdock.web.board.users import User

TASKS = ("clone_source", "wait_for_scan")
"""The tasks whose records tell what is in a release."""


class Comparing:
    """Answers for one user at a time. `sessions` opens a session of Airflow's database."""

    def __init__(self, desk: Desk, sessions: Callable[[], Any]) -> None:
        self._desk = desk
        self._sessions = sessions

    def answer(self, user: User, application: str, older: str, newer: str) -> dict[str, Any]:
        """What differs. Raises HTTPException with 404, also where the user may not see the application."""
        dag_id = f"deliver_{application}"
        pipeline = self._desk.pipeline(application) if dag_id in user.sees else None
        entries = self._desk.entries(pipeline) if pipeline else {}
        found = [find(entries, name) for name in (older, newer)]
        if any(each is None for each in found):
            raise HTTPException(404, "There is no such release, or you may not see it.")
        one, other = (name_of(each) for each in found if each)
        known = grouped(entries)
        runs = {
            each.record.run_id: name for name in (one, other) for each in known[name] if each.record.dag_id == dag_id
        }
        with self._sessions() as session:
            left = contents(session, dag_id, runs)
        return comparison(entries, one, other, {name: left[run] for run, name in runs.items() if run in left})


def contents(session: Session, dag_id: str, run_ids: Collection[str]) -> dict[str, Contents]:
    """What the builds of these runs were made of, and what was found in them, by run id; one query."""
    from airflow.models.xcom import XComModel as XCom

    asked = select(XCom.run_id, XCom.task_id, XCom.value).where(XCom.dag_id == dag_id, XCom.run_id.in_(run_ids))
    rows = session.execute(asked.where(XCom.key == "return_value", XCom.task_id.in_(TASKS)))
    left: dict[str, dict[str, Any]] = {}
    for run_id, task_id, value in rows:
        left.setdefault(run_id, {})[task_id] = read(value)
    return {run_id: _contents(told) for run_id, told in left.items()}


def _contents(told: dict[str, Any]) -> Contents:
    source, scan = (told.get(task_id) for task_id in TASKS)
    files = Source.from_json(source).files if source else {}
    return Contents(files, ScanReport.from_json(scan).findings if scan else None)
