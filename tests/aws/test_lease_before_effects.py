"""A task that is cleared long after its run has ended changes nothing where another run deploys, or has deployed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airdock.aws.operators.ecs_rollback import EcsRollBackOperator
from airdock.aws.operators.ecs_service import EcsDeployServiceOperator
from airdock.aws.operators.ecs_task import EcsRunTaskOperator
from airdock.spec import Environment, OneOffTask
from tests.delivery import a_release, a_source, connect, take_lease
from tests.fakes import FakeStore, a_context, run_task
from tests.local_aws_process import LocalAws
from tests.native_service import HELD_CANARY, NativeService

A, B = ("deliver_greeter", "manual__1"), ("deliver_greeter", "manual__2")
NAMES: dict[str, Any] = {"application": "greeter", "environment": "production"}
QUICK: dict[str, Any] = {"poll_seconds": 0.3, "handoff_seconds": 0.5}
CHANGES = ("UpdateService", "RunTask", "CreateDeployment", "StopServiceDeployment")


class Line:
    """The run A, which has brought v2 and given the lease back, as its tasks come again when they are cleared."""

    def __init__(self, service: NativeService) -> None:
        self.service = service
        rollout = {"strategy": "rolling", "deadline_minutes": 600}
        told = {"cluster": "demo", "service": "greeter", "container": "web", "rollout": rollout}
        self.target = Environment.model_validate({**told, "task_definition": {"from": "live"}})
        before = service.service()["taskDefinition"]
        self.release = a_release(service.task_definition("v2"), before=before, image=service.image)
        self.stores: dict[str, FakeStore] = {}
        self.clears = 0
        self.leases = take_lease(A[1])
        self.deploy()
        self.leases.give_back(A)
        self.clears = 1

    def deploy(self) -> Any:
        named = {"source": a_source(), "task_definition": self.release}
        return self._run("deploy", EcsDeployServiceOperator(task_id="deploy", **self._given, **named))

    def migrate(self) -> Any:
        task = OneOffTask(name="migrate", command=["python", "-c", "pass"])
        given = {**self._given, "task": task, "task_definition": self.release}
        return self._run("migrate", EcsRunTaskOperator(task_id="migrate", **given))

    def roll_back(self) -> Any:
        named = {"register_task": "register", "deploy_task": "deploy"}
        return self._run("roll_back", EcsRollBackOperator(task_id="roll_back", **self._given, **named))

    def _run(self, name: str, operator: Any) -> Any:
        self.xcoms: dict[tuple[str, str], Any] = {("register", "return_value"): self.release}
        given = {"store": self.stores.setdefault(name, FakeStore()), "xcoms": self.xcoms}
        return run_task(operator, a_context(name, clear_number=self.clears, states={"deploy": "success"}, **given))

    @property
    def _given(self) -> dict[str, Any]:
        return {**NAMES, **QUICK, "target": self.target}

    def changes(self) -> int:
        """How often ECS was asked to change something, by whomever."""
        return sum(len(self.service.aws.effects("ecs", each)) for each in CHANGES)

    def holder(self) -> tuple[str, str]:
        newest = self.leases.newest()
        assert newest is not None
        assert not newest.released
        return newest.holder


@pytest.fixture
def line(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    aws = LocalAws(tmp_path / "aws", minute_seconds=0.5).start()
    try:
        connect(aws, monkeypatch)
        yield Line(NativeService(aws))
    finally:
        aws.end()


def held_by_b(line: Line) -> str:
    """The run B holds the lease, and a tenth of the traffic is on v3; the deployment's ARN."""
    take_lease(B[1])
    deployment = line.service.update(line.service.task_definition("v3"), **HELD_CANARY)
    line.service.shifted(deployment, 10)
    return deployment


def test_a_deploy_that_is_cleared_alone_does_not_stop_the_deployment_of_the_run_that_holds_the_lease(
    line: Line,
) -> None:
    deployment = held_by_b(line)
    before = line.changes()
    with pytest.raises(AirflowFailException, match="the run manual__2 of deliver_greeter deploys here since"):
        line.deploy()
    assert (line.changes(), line.service.deployment(deployment)["status"]) == (before, "IN_PROGRESS")
    assert line.xcoms["deploy", "deployment_outcome"] == "superseded"


def test_a_deploy_that_is_cleared_alone_does_not_replace_what_another_run_has_brought_since(line: Line) -> None:
    take_lease(B[1])
    line.service.ended(line.service.update(line.service.task_definition("v3")))
    line.leases.give_back(B)
    before = line.changes()
    with pytest.raises(AirflowFailException, match="the run manual__2 of deliver_greeter has held the lease since"):
        line.deploy()
    assert (line.changes(), line.service.answer()) == (before, (200, "v3"))


def test_a_cleared_task_of_the_run_that_held_the_lease_last_takes_it_again(line: Line) -> None:
    back = line.service.update(line.release["previous_arn"])
    line.service.ended(back)
    line.deploy()
    assert line.service.answer() == (200, "v2")
    assert line.holder() == A


def test_a_migration_that_is_cleared_alone_does_not_run_beside_another_delivery(line: Line) -> None:
    take_lease(B[1])
    before = line.changes()
    with pytest.raises(AirflowFailException, match="the run manual__2 of deliver_greeter deploys here since"):
        line.migrate()
    assert line.changes() == before


def test_a_way_back_that_is_cleared_alone_waits_for_nobody_and_brings_nothing_back(line: Line) -> None:
    take_lease(B[1])
    before = line.changes()
    with pytest.raises(AirflowFailException, match="the run manual__2 of deliver_greeter deploys here since"):
        line.roll_back()
    assert (line.changes(), line.service.answer()) == (before, (200, "v2"))


def test_a_way_back_from_what_still_runs_is_right_whoever_has_held_the_lease_since(line: Line) -> None:
    take_lease(B[1]).give_back(B)
    assert line.roll_back()["task_definition"] == line.release["previous_arn"]
    assert line.holder() == A


def test_a_deployment_that_goes_on_is_followed_though_the_lease_is_anothers(line: Line) -> None:
    line.release = a_release(line.service.task_definition("v4"), before=line.release["arn"], image=line.service.image)
    line.service.update(line.release["arn"])  # begun by a try that was killed before it could remember it
    take_lease(B[1])
    before = line.changes()
    assert line.deploy()["task_definition"] == line.release["arn"]
    assert line.changes() == before
