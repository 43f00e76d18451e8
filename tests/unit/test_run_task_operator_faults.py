"""A one-off task when ECS has no room for it, answers late, or has forgotten it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred
from botocore.exceptions import ClientError

from airdock.aws import hooks
from airdock.aws.operators import ecs_task
from airdock.aws.operators.ecs_task import EcsRunTaskOperator
from airdock.errors import Fault
from airdock.spec import OneOffTask
from tests.delivery import a_release, a_target
from tests.fakes import FakeParameters, FakeStore, a_context

TASK = "arn:aws:ecs:eu-west-1:123456789012:task/demo/0123456789abcdef"
DEFINITION = "arn:aws:ecs:eu-west-1:123456789012:task-definition/greeter:8"


class Ecs:
    """One service, and a task that RunTask starts unless `room` is false or `conflict` is set."""

    def __init__(self) -> None:
        self.room, self.conflict, self.forgotten = True, False, False
        self.tokens: list[str] = []
        self.stopped: list[str] = []
        self.status, self.exit_code = "STOPPED", 0
        self.created_at = datetime.now(UTC)

    def run_task(self, clientToken: str, **_: Any) -> Any:
        self.tokens.append(clientToken)
        if self.conflict:
            answer = {"Error": {"Code": "ConflictException", "Message": "in use"}, "resourceIds": [TASK]}
            raise ClientError(answer, "RunTask")
        failures = [{"reason": "Capacity is unavailable at this time."}]
        return {"tasks": [{"taskArn": TASK}], "failures": []} if self.room else {"tasks": [], "failures": failures}

    def describe_tasks(self, tasks: list[str], **_: Any) -> Any:
        container, ended = {"name": "web"}, {}
        if self.status == "STOPPED":
            container, ended = {"name": "web", "exitCode": self.exit_code}, {"stoppedAt": datetime.now(UTC)}
        told = {"lastStatus": self.status, "taskDefinitionArn": DEFINITION, "containers": [container], **ended}
        return {"tasks": [] if self.forgotten else [{"taskArn": TASK, "createdAt": self.created_at, **told}]}

    def stop_task(self, task: str, **_: Any) -> None:
        self.stopped.append(task)

    def get_paginator(self, _: str) -> Any:
        return SimpleNamespace(paginate=lambda **_: [{"taskArns": []}])

    def describe_services(self, **_: Any) -> Any:
        return {"services": [{"status": "ACTIVE", "taskDefinition": DEFINITION, "launchType": "FARGATE"}]}

    def describe_task_definition(self, **_: Any) -> Any:
        return {"taskDefinition": {"family": "greeter", "containerDefinitions": [{"name": "web"}]}}


@pytest.fixture
def ecs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ecs]:
    ecs, ssm = Ecs(), FakeParameters()
    monkeypatch.setattr(hooks, "_client", lambda connection, region, service, once: ssm if service == "ssm" else ecs)
    return ecs


def an_operator(**told: Any) -> EcsRunTaskOperator:
    return EcsRunTaskOperator(
        task_id="migrate",
        application="greeter",
        environment="production",
        target=a_target(),
        task=OneOffTask(name="migrate", command=["bin/migrate"]),
        task_definition=a_release(DEFINITION),
        handoff_seconds=0,
        **told,
    )


def test_order_that_finds_no_room_is_a_fault_and_repeated_as_another_order(ecs: Ecs) -> None:
    ecs.room, store = False, FakeStore()
    with pytest.raises(Fault, match=r"could not place .* Capacity is unavailable"):
        an_operator().execute(a_context("migrate", store=store))
    ecs.room = True
    assert an_operator().execute(a_context("migrate", store=store))["exit_code"] == 0
    assert len(set(ecs.tokens)) == 2


def test_order_that_an_earlier_try_has_placed_with_other_settings_is_followed(ecs: Ecs) -> None:
    ecs.conflict = True
    assert an_operator().execute(a_context("migrate"))["task"] == TASK


def test_task_that_ecs_has_forgotten_is_neither_good_nor_repeated_before_a_person_says_so(
    ecs: Ecs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ecs_task, "UNHEARD_MINUTES", 0)
    ecs.forgotten, store = True, FakeStore()
    for _ in range(2):
        with pytest.raises(AirflowFailException, match="whether migrate ended well is not known"):
            an_operator().execute(a_context("migrate", store=store))
    assert (len(ecs.tokens), ecs.stopped) == (1, [])
    ecs.forgotten = False
    an_operator().execute(a_context("migrate", store=store, clear_number=1))
    assert len(set(ecs.tokens)) == 2


def test_task_of_which_ecs_tells_late_keeps_its_whole_time(ecs: Ecs) -> None:
    ecs.status, context = "RUNNING", a_context("migrate")
    with pytest.raises(TaskDeferred) as deferred:
        an_operator().execute(context)
    facts = deferred.value.trigger.facts
    with pytest.raises(TaskDeferred) as again:
        an_operator().resume(context, {"status": "deadline", "facts": facts})
    left = datetime.fromisoformat(again.value.trigger.deadline_at) - datetime.now(UTC)
    assert timedelta(minutes=29) < left < timedelta(minutes=30)
    assert ecs.stopped == []


def test_task_that_has_used_its_time_is_stopped(ecs: Ecs) -> None:
    ecs.status, ecs.created_at = "RUNNING", datetime.now(UTC) - timedelta(minutes=31)
    with pytest.raises(AirflowFailException, match="had not ended after 30 minutes and is stopped"):
        an_operator().execute(a_context("migrate"))
    assert ecs.stopped == [TASK]
