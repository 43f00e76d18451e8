"""Two releases of an application, for a user who may see it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from fastapi import HTTPException
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from airdock.board.compare import Contents, comparison, ends, listed
from airdock.board.releases import find, grouped, name_of
from airdock.errors import AirdockError
from airdock.release import ScanReport, Source
from airdock.source.commits import MOST_COMMITS
from airdock.spec import Pipeline
from airdock.web.board.between import Between
from airdock.web.board.database import read
from airdock.web.board.desk import Desk
from airdock.web.board.users import User

TASKS = ("clone_source", "wait_for_scan")
"""The tasks whose records tell what is in a release."""


class Comparing:
    """Answers for one user at a time. `sessions` opens a session of Airflow's database, `between` asks git."""

    def __init__(self, desk: Desk, sessions: Callable[[], Any], between: Between) -> None:
        self._desk = desk
        self._sessions = sessions
        self._between = between

    async def answer(self, user: User, application: str, older: str, newer: str) -> dict[str, Any]:
        """What differs. Raises HTTPException with 404, also where the user may not see the application."""
        told, pipeline, head, live = await run_in_threadpool(self._compared, user, application, older, newer)
        return told | await self._brought(pipeline, head, live)

    async def _brought(self, pipeline: Pipeline, head: str, live: str) -> dict[str, Any]:
        """The commits that the newer brings, None where git can't tell; `brought_unknown` says what is missing."""
        if not (head and live):
            return {"brought": None, "brought_unknown": "the commit of one of them is not recorded"}
        try:
            found = await self._between.commits(pipeline, head, live) if head != live else []
        except AirdockError as error:
            return {"brought": None, "brought_unknown": error.sentence}
        unknown = f"these are the newest {len(found)}" if len(found) >= MOST_COMMITS else ""
        return {"brought": listed(found), "brought_unknown": unknown}

    def _compared(
        self, user: User, application: str, older: str, newer: str
    ) -> tuple[dict[str, Any], Pipeline, str, str]:
        dag_id = f"deliver_{application}"
        pipeline = self._desk.pipeline(application) if dag_id in user.sees else None
        entries = self._desk.entries(pipeline) if pipeline else {}
        found = [find(entries, name) for name in (older, newer)]
        if pipeline is None or any(each is None for each in found):
            raise HTTPException(404, "There is no such release, or you may not see it.")
        one, other = (name_of(each) for each in found if each)
        known = grouped(entries)
        runs = {
            each.record.run_id: name for name in (one, other) for each in known[name] if each.record.dag_id == dag_id
        }
        with self._sessions() as session:
            left = contents(session, dag_id, runs)
        told = comparison(entries, one, other, {name: left[run] for run, name in runs.items() if run in left})
        return told, pipeline, *ends(entries, one, other)


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
