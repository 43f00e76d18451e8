"""Airflow's own tables in an empty database, and rows as Airflow writes them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from airflow.models import import_all_models
from airflow.models.base import Base
from airflow.models.dagrun import DagRun
from airflow.models.hitl import HITLDetail
from airflow.models.task_state_store import TaskStateStoreModel
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from sqlalchemy import Engine, create_engine, event, insert
from sqlalchemy.orm import Session

from tests.board.entries import MOMENT


class AirflowDatabase:
    """Runs with their tasks and XComs, and every statement that was sent."""

    def __init__(self, address: str) -> None:
        self.engine: Engine = create_engine(address)
        if self.engine.dialect.name == "postgresql":
            event.listen(self.engine, "connect", _without_foreign_keys)
        import_all_models()
        Base.metadata.create_all(self.engine)
        self.statements: list[str] = []
        self.runs: dict[tuple[str, str], int] = {}
        event.listen(self.engine, "before_cursor_execute", lambda _c, _k, text, *_: self.statements.append(text))

    def session(self) -> Session:
        return Session(self.engine)

    def run(self, dag_id: str, run_id: str, state: str = "running", minutes: float = 0, **more: Any) -> None:
        """A run that began so many minutes after noon."""
        number = self.runs.setdefault((dag_id, run_id), len(self.runs) + 1)
        at = MOMENT + timedelta(minutes=minutes)
        times = {"queued_at": at, "start_date": at, "run_after": at, "created_at": at, "updated_at": at}
        told = {"id": number, "dag_id": dag_id, "run_id": run_id, "state": state, "run_type": "manual", **times, **more}
        self._insert(DagRun, {"conf": {}, "clear_number": 0, "span_status": "not_started", **told})

    def task(self, run: tuple[str, str], task_id: str, state: str | None, minutes: float = 0, **more: Any) -> None:
        at: datetime | None = MOMENT + timedelta(minutes=minutes) if state else None
        ended = at if state in ("success", "failed", "skipped") else None
        told = {"dag_id": run[0], "run_id": run[1], "task_id": task_id, "state": state, "start_date": at}
        base = {"id": uuid4(), "end_date": ended, "map_index": -1, "try_number": 1, "pool": "x", "pool_slots": 1}
        self._insert(TaskInstance, {**base, "max_tries": 0, "queue": "q", "executor_config": {}, **told, **more})

    def leave(self, run: tuple[str, str], task_id: str, key: str, value: Any, minutes: float = 0) -> None:
        """What a task left, as Airflow's task API stores it."""
        place = {"dag_run_id": self.runs[run], "dag_id": run[0], "run_id": run[1], "task_id": task_id, "map_index": -1}
        at = MOMENT + timedelta(minutes=minutes)
        self._insert(XComModel, {**place, "key": key, "value": value, "timestamp": at, "dag_result": False})

    def question(self, ti_id: UUID, users: Sequence[str], minutes: float = 0, *, answered: bool = False) -> None:
        """A required action of these users."""
        at = MOMENT + timedelta(minutes=minutes)
        told = {"ti_id": ti_id, "options": ["Approve", "Refuse"], "subject": "?", "created_at": at, "params": {}}
        asked = [{"id": user, "name": user} for user in users]
        self._insert(HITLDetail, {**told, "assignees": asked, "responded_at": at if answered else None})

    def remember(self, run: tuple[str, str], task_id: str, key: str, value: Any) -> None:
        """What a task has put into its state store."""
        place = {"dag_run_id": self.runs[run], "dag_id": run[0], "run_id": run[1], "task_id": task_id, "map_index": -1}
        self._insert(TaskStateStoreModel, {**place, "key": key, "value": json.dumps(value), "updated_at": MOMENT})

    def _insert(self, model: Any, values: dict[str, Any]) -> None:
        known = {name: value for name, value in values.items() if name in model.__table__.columns}
        with self.engine.begin() as connection:
            connection.execute(insert(model.__table__).values(**known))


def _without_foreign_keys(connection: Any, _: Any) -> None:
    """A test writes the rows that it is about, and not all those that they hang on; SQLite does not look either."""
    with connection.cursor() as cursor:
        cursor.execute("set session_replication_role = replica")
