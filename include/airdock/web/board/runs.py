"""What the board asks of single runs: one in full, how long builds took, and what people are asked."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from airdock.board.approvals import Question
from airdock.board.delivery import Run
from airdock.board.line import Stage
from airdock.plan.scan_gate import REFUSED_KEY
from airdock.web.board.database import SOURCES, commit_in, iso, read

TOLD = ("outcome", "reason", "decisions", "shares", "console_url", REFUSED_KEY)
"""What tasks leave for the board beside their records."""


def run(session: Session, dag_id: str, run_id: str) -> Run | None:
    """A run with all that its tasks left; None when there is no such run."""
    from airflow.models.dagrun import DagRun, DagRunNote

    asked = select(DagRun, DagRunNote.content).outerjoin(DagRunNote, DagRunNote.dag_run_id == DagRun.id)
    found = session.execute(asked.where(DagRun.dag_id == dag_id, DagRun.run_id == run_id)).first()
    if found is None:
        return None
    told, note = found
    left = _left(session, told.id)
    return Run(
        dag_id=dag_id,
        run_id=run_id,
        state=str(told.state),
        started_at=iso(told.start_date),
        ended_at=iso(told.end_date),
        trigger=_trigger(told),
        note=note or "",
        stages=_stages(session, dag_id, run_id),
        commit=next((commit_in(left.get(place)) for place in SOURCES if left.get(place)), None),
        left=left,
    )


def built_seconds(session: Session, dag_id: str, run_ids: Collection[str]) -> dict[str, float]:
    """How long the builds of these runs took, by run id."""
    from airflow.models.taskinstance import TaskInstance as Task

    asked = select(Task.run_id, Task.start_date, Task.end_date).where(
        Task.dag_id == dag_id, Task.task_id == "build", Task.state == "success", Task.run_id.in_(run_ids)
    )
    times = session.execute(asked) if run_ids else ()
    return {run_id: (end - start).total_seconds() for run_id, start, end in times if start and end}


def questions(session: Session) -> list[Question]:
    """What people are asked and nobody has answered, oldest first."""
    from airflow.models.hitl import HITLDetail
    from airflow.models.taskinstance import TaskInstance as Task

    asked = (
        select(Task.dag_id, Task.run_id, Task.task_id, Task.map_index, HITLDetail.created_at, HITLDetail.assignees)
        .join(Task, Task.id == HITLDetail.ti_id)
        .where(HITLDetail.responded_at.is_(None), Task.state.in_(("deferred", "awaiting_input")))
        .where(Task.task_id.endswith(".approve", autoescape=True))
        .order_by(HITLDetail.created_at)
    )
    rows = session.execute(asked).all()
    left = _left_by_runs(session, {(row.dag_id, row.run_id) for row in rows})
    return [_question(row, left.get((row.dag_id, row.run_id), {})) for row in rows]


def _question(row: Any, left: Mapping[tuple[str, str], Any]) -> Question:
    first, given = left.get((row.task_id, "asked")), left.get((row.task_id, "answers")) or {}
    return Question(
        dag_id=row.dag_id,
        run_id=row.run_id,
        task_id=row.task_id,
        map_index=row.map_index,
        asked_at=first["at"] if first else iso(row.created_at),
        users=[str(each["id"]) for each in row.assignees or ()],
        commit=next((commit_in(left.get(place)) for place in SOURCES if left.get(place)), None),
        evidence=left.get((row.task_id, "evidence")) or (),
        approved_by=[str(each["user"]) for each in given.get("given", ())],
    )


def _left_by_runs(session: Session, runs: Collection[tuple[str, str]]) -> dict[tuple[str, str], dict[Any, Any]]:
    """By run: sources, evidence, who answered, and since when it is asked; asked again it is no new question."""
    from airflow.models.task_state_store import TaskStateStoreModel as Store
    from airflow.models.xcom import XComModel as XCom

    found: dict[tuple[str, str], dict[Any, Any]] = {}
    if not runs:
        return found
    wanted = [and_(XCom.task_id == task_id, XCom.key == key) for task_id, key in SOURCES]
    ours = or_(*(and_(XCom.dag_id == dag_id, XCom.run_id == run_id) for dag_id, run_id in runs))
    asked = select(XCom.dag_id, XCom.run_id, XCom.task_id, XCom.key, XCom.value)
    for dag_id, run_id, task_id, key, value in session.execute(asked.where(ours, or_(*wanted, XCom.key == "evidence"))):
        found.setdefault((dag_id, run_id), {})[task_id, key] = read(value)
    ours = or_(*(and_(Store.dag_id == dag_id, Store.run_id == run_id) for dag_id, run_id in runs))
    kept = select(Store.dag_id, Store.run_id, Store.task_id, Store.key, Store.value)
    for dag_id, run_id, task_id, key, value in session.execute(kept.where(ours, Store.key.in_(("asked", "answers")))):
        found.setdefault((dag_id, run_id), {})[task_id, key] = json.loads(value)
    return found


def _left(session: Session, number: int) -> dict[tuple[str, str], Any]:
    from airflow.models.xcom import XComModel as XCom

    records = and_(
        XCom.key == "return_value",
        or_(XCom.task_id.in_(("clone_source", "wait_for_scan")), XCom.task_id.endswith(".preflight", autoescape=True)),
    )
    source = and_(XCom.task_id == "choose_release", XCom.key == "source")
    asked = select(XCom.task_id, XCom.key, XCom.value).where(XCom.dag_run_id == number)
    told = session.execute(asked.where(or_(XCom.key.in_(TOLD), records, source)))
    return {(task_id, key): read(value) for task_id, key, value in told}


def _stages(session: Session, dag_id: str, run_id: str) -> list[Stage]:
    from airflow.models.taskinstance import TaskInstance as Task

    asked = select(Task.task_id, Task.state, Task.start_date, Task.end_date, Task.try_number, Task.next_method)
    rows = session.execute(asked.where(Task.dag_id == dag_id, Task.run_id == run_id))
    return [Stage(each[0], str(each[1] or ""), iso(each[2]), iso(each[3]), each[4], each[5] or "") for each in rows]


def _trigger(told: Any) -> str:
    """What started the run: a push, which alone names what it moved, or else in Airflow's word; and who, where somebody
    did."""
    who = f" by {told.triggering_user_name}" if told.triggering_user_name else ""
    how = "pushed" if (told.conf or {}).get("ref") else getattr(told.run_type, "value", told.run_type)
    return f"{how}{who}"
