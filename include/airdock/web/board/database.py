"""What the board asks Airflow's database: each question one query, however many applications there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from airdock.board.line import Delivery, Stage
from airdock.plan.ledger_entry import KEY
from airdock.plan.reconcile import LOOK_AFTER
from airdock.release import Commit
from airdock.web.board.ledger import Row

UNFINISHED = ("queued", "running")
SOURCES = (("clone_source", "return_value"), ("choose_release", "source"))
"""Where the tasks that know the source leave it."""


def ledger_rows(session: Session, since: datetime | None) -> Iterator[Row]:
    """What verdicts have left, all of it or since a moment."""
    from airflow.models.xcom import XComModel as XCom

    asked = select(XCom.dag_run_id, XCom.task_id, XCom.timestamp, XCom.value).where(XCom.key == KEY)
    for number, task_id, written_at, value in session.execute(asked.where(XCom.timestamp >= since) if since else asked):
        yield Row((number, task_id), written_at, read(value))


def unfinished(session: Session) -> list[Delivery]:
    """The deliveries that wait or are at work, oldest first."""
    from airflow.models.dagrun import DagRun

    asked = select(
        DagRun.id, DagRun.dag_id, DagRun.run_id, DagRun.state, DagRun.queued_at, DagRun.start_date, DagRun.conf
    )
    ours = or_(
        DagRun.dag_id.startswith("deliver_", autoescape=True), DagRun.dag_id.startswith("deploy_", autoescape=True)
    )
    runs = session.execute(asked.where(DagRun.state.in_(UNFINISHED), ours).order_by(DagRun.id)).all()
    numbers = [run.id for run in runs]
    keys = {(run.dag_id, run.run_id): run.id for run in runs}
    stages, left = _stages(session, keys), _left(session, numbers)
    return [_delivery(run, stages.get(run.id, ()), left.get(run.id, {})) for run in runs]


def drift(session: Session) -> dict[tuple[str, str], str]:
    """What the newest look at production found to differ from what was released, or could not tell: a sentence for each
    place."""
    from airflow.models.xcom import XComModel as XCom

    asked = select(XCom.value).where(XCom.key == "drift", XCom.dag_id == "reconcile", XCom.task_id == LOOK_AFTER)
    told = read(session.scalars(asked.order_by(XCom.timestamp.desc()).limit(1)).first())
    found = [each for each in told if isinstance(each, dict)] if isinstance(told, list) else []
    return {(str(each.get("application")), str(each.get("environment"))): str(each.get("sentence")) for each in found}


def _stages(session: Session, keys: Mapping[tuple[str, str], int]) -> dict[int, list[Stage]]:
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance as Task

    asked = (
        select(DagRun.id, Task.task_id, Task.state, Task.start_date, Task.end_date, Task.next_method)
        .join(DagRun, and_(DagRun.dag_id == Task.dag_id, DagRun.run_id == Task.run_id))
        .where(DagRun.id.in_(keys.values()))
    )
    found: dict[int, list[Stage]] = {}
    for number, task_id, state, start, end, after in session.execute(asked) if keys else ():
        stage = Stage(task_id, str(state or ""), iso(start), iso(end), next_method=after or "")
        found.setdefault(number, []).append(stage)
    return found


def _left(session: Session, numbers: Sequence[int]) -> dict[int, dict[tuple[str, str], Any]]:
    """What each run has left by task and key: its source, and the shares of its traffic."""
    from airflow.models.xcom import XComModel as XCom

    if not numbers:
        return {}
    wanted = [and_(XCom.task_id == task_id, XCom.key == key) for task_id, key in SOURCES]
    asked = select(XCom.dag_run_id, XCom.task_id, XCom.key, XCom.value)
    found: dict[int, dict[tuple[str, str], Any]] = {}
    for number, task_id, key, value in session.execute(
        asked.where(XCom.dag_run_id.in_(numbers), or_(*wanted, XCom.key == "shares"))
    ):
        found.setdefault(number, {})[task_id, key] = read(value)
    return found


def _delivery(run: Any, stages: Iterable[Stage], left: Mapping[tuple[str, str], Any]) -> Delivery:
    return Delivery(
        dag_id=run.dag_id,
        run_id=run.run_id,
        state=str(run.state),
        queued_at=iso(run.queued_at),
        started_at=iso(run.start_date),
        stages=list(stages),
        commit=next((commit_in(left[place]) for place in SOURCES if left.get(place)), None),
        until=str((run.conf or {}).get("environment") or ""),
        shares={task_id: each[-1]["percent"] for (task_id, key), each in left.items() if key == "shares" and each},
    )


def commit_in(source: Any) -> Commit | None:
    """The commit alone: the files that a source carries are not for the board."""
    return Commit.from_json(source["commit"]) if isinstance(source, dict) and source.get("commit") else None


def read(value: Any) -> Any:
    """An XCom's value, as Airflow's own model reads it."""
    from airflow.models.xcom import XComModel

    return XComModel.deserialize_value(SimpleNamespace(value=value)) if value is not None else None


def iso(moment: datetime | None) -> str:
    """ISO 8601; "" for no moment."""
    return moment.isoformat() if moment else ""
