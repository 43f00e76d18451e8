"""The measures of the applications that a user may see, and how long the stages of one of them took."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from fastapi import HTTPException
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from airdock.board.measures import Measured, figures, measured
from airdock.spec import Pipeline
from airdock.web.board.ledger import Ledger
from airdock.web.board.users import User

SHOWN_RUNS = 30
"""So many of the last runs of a stage are shown."""

Durations = Mapping[str, Sequence[float]]
"""Seconds by task id, the oldest first; tasks in the order in which they begin."""


class Measuring:
    """The measures for whoever asks. `durations` asks the database about one dag."""

    def __init__(
        self, pipelines: Callable[[], Sequence[Pipeline]], ledger: Ledger, durations: Callable[[str], Durations]
    ) -> None:
        self._pipelines = pipelines
        self._ledger = ledger
        self._durations = durations

    def answer(self, user: User, days: int, application: str) -> dict[str, Any]:
        """The figures of every application that the user may see, or of one; the latter with its stages.

        Raises HTTPException with 404 for an application that is not there, or not for this user.
        """
        known = [each for each in self._pipelines() if f"deliver_{each.application}" in user.sees]
        chosen = [each for each in known if application in ("", each.application)]
        if application and not chosen:
            raise HTTPException(404, f"There is no application {application} that you may see.")
        history, now = self._ledger.history(), datetime.now(UTC)
        found = {
            each.application: measured(history.get((each.application, list(each.environments)[-1]), ()), now, days)
            for each in chosen
        }
        stages = self._stages(application) if application else []
        rows = [_row(name, told, days, stages) for name, told in found.items()]
        return {"days": days, "applications": rows, "all": figures(found.values(), days)}

    def _stages(self, application: str) -> list[dict[str, Any]]:
        durations = self._durations(f"deliver_{application}")
        return [{"label": label(task_id), "seconds": list(seconds)} for task_id, seconds in durations.items()]


def label(task_id: str) -> str:
    """A task in words: `production.wait_for_scan` is `production: wait for scan`."""
    return task_id.replace(".", ": ").replace("_", " ")


def durations(session: Session, dag_id: str) -> dict[str, list[float]]:
    """How long each task of a dag took when it succeeded the last times; one query."""
    from airflow.models.taskinstance import TaskInstance as Task

    newest = func.row_number().over(partition_by=Task.task_id, order_by=Task.start_date.desc()).label("newest")
    ended = Task.start_date.is_not(None), Task.end_date.is_not(None)
    asked = select(Task.task_id, Task.start_date, Task.end_date, newest)
    last = asked.where(Task.dag_id == dag_id, Task.state == "success", *ended).subquery()
    rows = session.execute(select(last).where(last.c.newest <= SHOWN_RUNS).order_by(last.c.start_date)).all()
    began = {row.task_id: row.start_date for row in rows}
    found: dict[str, list[float]] = {task_id: [] for task_id in sorted(began, key=lambda each: began[each])}
    for row in rows:
        found[row.task_id].append((row.end_date - row.start_date).total_seconds())
    return found


def _row(name: str, told: Measured, days: int, stages: Sequence[dict[str, Any]]) -> dict[str, Any]:
    runs = [change.row() for change in reversed(told.changes)]
    return {"name": name, **figures([told], days), "runs": runs, "stages": stages}
