"""A deployment that went well ends its task in the triggerer; any other needs a worker."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.triggers.base import TaskSuccessEvent, TriggerEvent

from airdock.aws.hooks import Account
from airdock.aws.triggers import JobTrigger
from airdock.aws.watch import Facts, Lookup, Subject
from airdock.plan.good_end import good_end
from tests.unit.test_service_deployment_result import OURS as RELEASED
from tests.unit.test_service_deployment_result import facts as facts_of_ecs

LIVE: Facts = {"id": "d-1", "status": "Succeeded", "weights": {"blue": 0.0, "green": 100.0}, "terminating": False}
BROKEN: Facts = {**LIVE, "status": "Failed", "error": None, "events": [], "rollback": None}
SHIFTED: Facts = {**LIVE, "status": "InProgress", "terminating": True}
RECORD = {"id": "d-1", "group": "greeter", "status": "InProgress", "task_definition": RELEASED}
SEEN = [{"at": "2026-01-01T00:00:00", "percent": 10.0}]
"""How the traffic had moved as the task was handed over."""


@pytest.mark.parametrize(
    ("facts", "options", "well"),
    [
        (LIVE, {}, True),
        (BROKEN, {}, False),
        (SHIFTED, {}, False),
        (SHIFTED, {"success_at": "traffic_shift"}, True),
    ],
)
def test_a_deployment_of_codedeploy_is_well_as_its_task_would_judge(
    facts: Facts, options: dict[str, str], well: bool
) -> None:
    assert bool(good_end("deployment", facts, options, RELEASED)) == well


@pytest.mark.parametrize(
    ("status", "deploys", "well"),
    [
        ("SUCCESSFUL", RELEASED, True),
        ("SUCCESSFUL", "another", False),
        ("IN_PROGRESS", RELEASED, False),
        ("ROLLBACK_SUCCESSFUL", RELEASED, False),
    ],
)
def test_a_deployment_of_ecs_is_well_if_it_is_of_what_was_released(status: str, deploys: str, well: bool) -> None:
    told = facts_of_ecs(status, task_definition=deploys)
    assert bool(good_end("service_deployment", told, {}, RELEASED)) == well


class Ended:
    """A deployment that has come to its end."""

    service, batch = "", 25

    def __init__(self, facts: Facts) -> None:
        self.facts = facts

    def read(self, lookup: Lookup, ids: Sequence[str]) -> dict[str, Facts]:
        return {"d-1": self.facts}

    def finished(self, facts: Facts, options: Mapping[str, Any]) -> bool:
        return True

    def progress(self, before: Facts | None, now: Facts) -> list[str]:
        return []


def fired(facts: Facts, monkeypatch: pytest.MonkeyPatch, record: dict[str, Any] | None = RECORD) -> TriggerEvent:
    """The event of a deploy task's trigger."""
    monkeypatch.setattr("airdock.aws.watch.sweep.watch_for", lambda kind: Ended(facts))
    deadline, subject = datetime.now(UTC) + timedelta(minutes=1), Subject("deployment", "d-1", Account("aws_default"))
    trigger = JobTrigger(subject.to_json(), deadline.isoformat(), 0.05, {**SHIFTED, "shares": SEEN}, record=record)
    trigger.task_instance = SimpleNamespace(dag_id="deliver_greeter", task_id="deploy", run_id="r", map_index=-1)

    async def first() -> list[TriggerEvent]:
        return [event async for event in trigger.run()]

    [event] = asyncio.run(first())
    return event


def test_a_good_end_ends_the_task_and_leaves_what_its_worker_would_have_left(monkeypatch: pytest.MonkeyPatch) -> None:
    event = fired(LIVE, monkeypatch)
    assert isinstance(event, TaskSuccessEvent)
    assert event.xcoms is not None
    assert event.xcoms["return_value"] == {**RECORD, "status": "Succeeded"}
    left = event.xcoms["deployment"]
    assert isinstance(left, dict)
    assert (left["id"], left["status"]) == ("d-1", "Succeeded")
    assert [each["percent"] for each in left["shares"]] == [10, 100]


def test_what_did_not_end_well_is_a_workers_to_conclude(monkeypatch: pytest.MonkeyPatch) -> None:
    event = fired(BROKEN, monkeypatch)
    assert (event.payload["status"], event.payload["facts"]["status"]) == ("finished", "Failed")


def test_a_wait_that_was_stored_without_a_record_is_a_workers_to_conclude(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fired(LIVE, monkeypatch, record=None).payload["status"] == "finished"


@pytest.mark.parametrize("place", ["set", "get_one"])
def test_airflow_is_asked_for_nothing_at_the_end(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(**_: Any) -> None:
        raise AssertionError("its first answer in a new triggerer takes seconds, in which no other trigger is heard")

    monkeypatch.setattr(f"airflow.sdk.execution_time.xcom.XCom.{place}", asked)
    assert isinstance(fired(LIVE, monkeypatch), TaskSuccessEvent)
