"""The routes of single things: a delivery, an application's releases, and what waits for somebody's word."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import HTTPException
from sqlalchemy.orm import Session

from airdock.board.actions import actions
from airdock.board.approvals import approval, why_not
from airdock.board.delivery import delivery
from airdock.board.line import HELD
from airdock.board.releases import release_rows, ways_back
from airdock.spec import Pipeline
from airdock.web.board import runs
from airdock.web.board.desk import Desk
from airdock.web.board.users import User

PREFIXES = ("deliver_", "deploy_")


class Details:
    """Answers for one user at a time. `sessions` opens a session of Airflow's database."""

    def __init__(self, desk: Desk, sessions: Callable[[], Any]) -> None:
        self._desk = desk
        self._sessions = sessions

    def delivery(self, user: User, dag_id: str, run_id: str) -> dict[str, Any]:
        """A run in full; `held`: who stopped the line, where it waits for that line.

        Raises HTTPException with 404, also where the user may not see it.
        """
        pipeline = self._visible(user, dag_id)
        with self._sessions() as session:
            run = runs.run(session, dag_id, run_id)
        if run is None:
            raise HTTPException(404, "There is no such delivery, or you may not see it.")
        may = f"deploy_{pipeline.application}" in user.edits and dag_id in user.edits
        entries = self._desk.entries(pipeline)
        offered = actions(pipeline, run, entries, user.name) if may else []
        held = self._desk.frozen() if any(each.shown == HELD for each in run.stages) else None
        return {**delivery(pipeline, run), "held": held, "actions": offered}

    def releases(self, user: User, application: str) -> dict[str, Any]:
        """An application's releases. Raises HTTPException with 404."""
        pipeline = self._visible(user, f"deliver_{application}")
        entries = self._desk.entries(pipeline)
        built_by = {each.record.run_id for told in entries.values() for each in told}
        with self._sessions() as session:
            took = self._built_seconds(session, application, built_by)
        return {"application": application, "releases": release_rows(entries, took)}

    def ways_back(self, user: User, application: str) -> dict[str, Any]:
        """What a way back brings in each environment. Raises HTTPException with 404."""
        pipeline = self._visible(user, f"deliver_{application}")
        return {"application": application, "environments": ways_back(self._desk.entries(pipeline))}

    def approvals(self, user: User) -> dict[str, Any]:
        """What people are asked about the applications that the user may see."""
        with self._sessions() as session:
            asked = [each for each in runs.questions(session) if each.dag_id in user.sees]
        told = []
        for each in asked:
            pipeline = self._desk.pipeline(each.application)
            told.append(approval(each, pipeline, why_not(each, pipeline, user.id, each.dag_id in user.edits)))
        return {"approvals": told}

    def _built_seconds(self, session: Session, application: str, run_ids: set[str]) -> dict[str, float]:
        return runs.built_seconds(session, f"deliver_{application}", run_ids)

    def _visible(self, user: User, dag_id: str) -> Pipeline:
        """The pipeline behind a dag that the user may see: to others it is as if there were none."""
        prefix = next((each for each in PREFIXES if dag_id.startswith(each)), None)
        pipeline = self._desk.pipeline(dag_id.removeprefix(prefix)) if prefix and dag_id in user.sees else None
        if pipeline is None:
            raise HTTPException(404, "There is no such application, or you may not see it.")
        return pipeline
