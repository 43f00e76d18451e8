"""Small stand-ins for what Airflow gives to a running task."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

from airflow.sdk.exceptions import TaskDeferred
from airflow.sdk.module_loading import import_string
from airflow.triggers.base import TaskSuccessEvent, TriggerEvent


@dataclass
class FakeStore:
    """The task state store: survives retries and clears, like Airflow's."""

    values: dict[str, Any] = field(default_factory=dict)

    def get(self, key: str, default: Any = None) -> Any:
        return self.values.get(key, default)

    def set(self, key: str, value: Any) -> None:
        self.values[key] = value


@dataclass
class FakeTaskInstance:
    """A task instance whose XComs, and those of the others in its run, are one dictionary by (task id, key)."""

    task_id: str
    xcoms: dict[tuple[str, str], Any]
    states: dict[str, str] = field(default_factory=dict)
    run_id: str = "manual__1"
    dag_id: str = "deliver_greeter"
    map_index: int = -1
    try_number: int = 1
    max_tries: int = 6
    """How many retries it has, as Airflow counts: the last try's number is one more."""
    pushed: list[str] = field(default_factory=list)
    """The keys of what it has left, in their order; `pulled`: the task ids and keys of what it has asked for."""
    pulled: list[tuple[str, str]] = field(default_factory=list)

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed.append(key)
        self.xcoms[self.task_id, key] = value

    def xcom_pull(self, task_ids: str | None = None, key: str = "return_value", default: Any = None, **_: Any) -> Any:
        self.pulled.append((task_ids or self.task_id, key))
        return self.xcoms.get(self.pulled[-1], default)

    def get_dagrun_state(self, dag_id: str, run_id: str) -> str:
        """Every other run is at work."""
        return "running"

    def get_task_states(self, dag_id: str, run_ids: list[str] | None = None, **_: Any) -> dict[str, dict[str, str]]:
        return {self.run_id: dict(self.states)}


@dataclass
class FakeOutletEvents:
    """What the task says of its outlets, by their uris."""

    events: dict[str, SimpleNamespace] = field(default_factory=dict)

    def __getitem__(self, asset: Any) -> SimpleNamespace:
        return self.events.setdefault(asset.uri, SimpleNamespace(extra={}))


@dataclass
class FakeDagRun:
    run_id: str = "manual__1"
    dag_id: str = "deliver_greeter"
    clear_number: int = 0
    conf: dict[str, Any] = field(default_factory=dict)
    triggering_user_name: str | None = None
    start_date: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class FakeParameters:
    """SSM's parameters as far as leases need them; to be mixed into a fake client or to be one."""

    parameters: dict[str, str] = field(default_factory=dict)

    def put_parameter(self, Name: str, Value: str, Type: str, Overwrite: bool) -> dict[str, Any]:
        self.parameters[Name] = Value
        return {}

    def get_paginator(self, name: str) -> Any:
        told = [{"Name": name, "Value": value} for name, value in self.parameters.items()]
        return SimpleNamespace(paginate=lambda Path: [{"Parameters": told}])


def a_context(
    task_id: str = "task",
    *,
    run_id: str = "manual__1",
    clear_number: int = 0,
    store: FakeStore | None = None,
    xcoms: dict[tuple[str, str], Any] | None = None,
    states: dict[str, str] | None = None,
    params: dict[str, Any] | None = None,
) -> Any:
    """The part of Airflow's context that delivery tasks read and write."""
    ti = FakeTaskInstance(task_id, {} if xcoms is None else xcoms, dict(states or {}), run_id)
    return {
        "ti": ti,
        "run_id": run_id,
        "dag_run": FakeDagRun(run_id, clear_number=clear_number),
        "task_state_store": store or FakeStore(),
        "params": dict(params or {}),
        "outlet_events": FakeOutletEvents(),
    }


def run_task(operator: Any, context: Any) -> Any:
    """Run a task to its end as Airflow does: each deferral through the trigger's stored form and its one event."""
    step = partial(operator.execute, context)
    while True:
        try:
            return step()
        except TaskDeferred as deferred:
            event = _fired(deferred.trigger, context["ti"])
            if isinstance(event, TaskSuccessEvent):
                return _ended(context["ti"], event)
            payload = json.loads(json.dumps(event.payload))
            step = partial(operator.resume_execution, deferred.method_name, {"event": payload}, context)


def _ended(ti: FakeTaskInstance, event: TaskSuccessEvent) -> Any:
    """What the event leaves is kept as by Airflow 3.3: as JSON within JSON."""
    for key, value in (event.xcoms or {}).items():
        ti.xcom_push(key, json.dumps(value))
    return json.loads(ti.xcom_pull() or "null")


def _fired(trigger: Any, ti: FakeTaskInstance) -> TriggerEvent:
    """The one event of a trigger that the triggerer has made of what is stored."""
    path, arguments = trigger.serialize()
    stored = import_string(path)(**json.loads(json.dumps(arguments)))
    stored.task_instance = ti

    async def first() -> Any:
        return [event async for event in stored.run()]

    with _xcoms_of(ti):
        [event] = asyncio.run(first())
    return cast("TriggerEvent", event)


@contextmanager
def _xcoms_of(ti: FakeTaskInstance) -> Iterator[None]:
    """What a trigger reads and leaves by Airflow's XCom is the task's."""

    def place(of: dict[str, Any]) -> None:
        assert of == {"dag_id": ti.dag_id, "task_id": ti.task_id, "run_id": ti.run_id, "map_index": ti.map_index}

    def leave(key: str, value: Any, **of: Any) -> None:
        place(of)
        ti.xcom_push(key, json.loads(json.dumps(value)))

    def left(key: str, **of: Any) -> Any:
        place(of)
        return ti.xcom_pull(key=key)

    with patch.multiple("airflow.sdk.execution_time.xcom.XCom", set=leave, get_one=left):
        yield
