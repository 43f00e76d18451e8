"""A task's templates as Airflow's own task runner renders them before it lets the task work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import jinja2
import structlog
from airflow.sdk.api.datamodels._generated import DagRun, TIRunContext
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import ConnectionResult, XComResult, XComSequenceSliceResult
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

SECRET = "the-password-of-every-connection"


@dataclass
class Supervisor:
    """Answers what a task's process asks: `xcoms` by task id and key, and for any connection. `asked`: what for."""

    xcoms: Callable[[str, str], Any]
    asked: list[str] = field(default_factory=list)

    def send(self, msg: Any) -> Any:
        self.asked.append(msg.type)
        if msg.type == "GetXCom":
            return XComResult(key=msg.key, value=self.xcoms(msg.task_id, msg.key))
        if msg.type == "GetXComSequenceSlice":
            return XComSequenceSliceResult(root=[self.xcoms(msg.task_id, msg.key)])
        if msg.type == "GetConnection":
            told = dict.fromkeys(("host", "schema", "login", "port", "extra"))
            return ConnectionResult(conn_id=msg.conn_id, conn_type="generic", password=SECRET, **told)
        return SimpleNamespace(inactive_assets=[])


@contextmanager
def compiled() -> Iterator[set[str]]:
    """Whatever anybody gives to Jinja meanwhile."""
    sources: set[str] = set()
    compile_one = jinja2.Environment.compile

    def noted(self: jinja2.Environment, source: Any, *args: Any, **kwargs: Any) -> Any:
        sources.add(source)
        return compile_one(self, source, *args, **kwargs)

    with patch.object(jinja2.Environment, "compile", noted):
        yield sources


def rendered(task: Any, supervisor: Supervisor, conf: dict[str, Any]) -> Any:
    """The task as it would be executed in a run with this conf; a mapped one in the first of its instances."""
    ti = RuntimeTaskInstance.model_construct(
        id=uuid4(),
        task_id=task.task_id,
        dag_id=task.dag_id,
        run_id="manual__1",
        try_number=1,
        map_index=0 if task.is_mapped else -1,
        task=task,
        start_date=datetime.now(UTC),
        _ti_context_from_server=TIRunContext(dag_run=_run(task.dag_id, conf), max_tries=6),
    )
    with patch.object(task_runner, "SUPERVISOR_COMMS", supervisor, create=True):
        task_runner._prepare(ti, structlog.get_logger(), ti.get_template_context())
    return ti.task


def _run(dag_id: str, conf: dict[str, Any]) -> DagRun:
    nothing = dict.fromkeys(("logical_date", "data_interval_start", "data_interval_end", "end_date", "partition_key"))
    now = datetime.now(UTC)
    return DagRun.model_validate(
        {
            **nothing,
            "dag_id": dag_id,
            "run_id": "manual__1",
            "run_after": now,
            "start_date": now,
            "run_type": "manual",
            "state": "running",
            "conf": conf,
            "consumed_asset_events": [],
        }
    )
