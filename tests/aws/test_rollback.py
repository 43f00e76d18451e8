"""The way back after a failed delivery, against CodeDeploy that shifts real traffic."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from airdock.aws.operators.codedeploy import CodeDeployCreateDeploymentOperator
from airdock.aws.operators.codedeploy_rollback import CodeDeployRollBackOperator
from tests.blue_green import BlueGreen, until
from tests.delivery import a_release, a_source, a_target, connect
from tests.fakes import FakeStore, a_context, run_task
from tests.local_aws_process import LocalAws


class Run:
    """One delivery's run as its tasks see it: register has happened, deploy and roll_back are to come."""

    def __init__(self, stage: BlueGreen, version: str, variables: dict[str, str], **target: Any) -> None:
        self.stage = stage
        [self.before] = [each["taskDefinition"] for each in stage.task_sets() if each["status"] == "PRIMARY"]
        self.record = a_release(stage.task_definition(version, **variables), before=self.before, image=stage.image)
        self.target = a_target(**target)
        self.xcoms: dict[tuple[str, str], Any] = {("production.register", "return_value"): self.record}
        self.stores = {"deploy": FakeStore(), "roll_back": FakeStore()}

    def deploy(self) -> Any:
        return run_task(self.deploying(), self.context("production.deploy", self.stores["deploy"], "running"))

    def deploying(self) -> CodeDeployCreateDeploymentOperator:
        return CodeDeployCreateDeploymentOperator(
            task_id="deploy",
            application="greeter",
            environment="production",
            target=self.target,
            source=a_source(),
            task_definition=self.record,
            poll_seconds=0.5,
            handoff_seconds=1,
        )

    def roll_back(self, deploy: str = "failed") -> Any:
        operator = CodeDeployRollBackOperator(
            task_id="roll_back",
            application="greeter",
            environment="production",
            target=self.target,
            register_task="production.register",
            deploy_task="production.deploy",
            poll_seconds=0.5,
            handoff_seconds=1,
        )
        return run_task(operator, self.context("production.roll_back", self.stores["roll_back"], deploy))

    def context(self, task_id: str, store: FakeStore, deploy: str) -> Any:
        return a_context(task_id, store=store, xcoms=self.xcoms, states={"production.deploy": deploy})


@pytest.fixture
def stage(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[BlueGreen]:
    aws = LocalAws(tmp_path / "aws", minute_seconds=0.5).start()
    try:
        connect(aws, monkeypatch)
        yield BlueGreen(aws)
    finally:
        aws.end()


def a_run(stage: BlueGreen, version: str = "v2", variables: dict[str, str] | None = None, **target: Any) -> Run:
    return Run(stage, version, variables or {}, **target)


def created(stage: BlueGreen) -> int:
    made = stage.aws.effects("codedeploy", "CreateDeployment")
    return len([entry for entry in made if not entry.get("error")])


@pytest.mark.parametrize("state", ["upstream_failed", "skipped"])
def test_a_run_that_did_not_come_to_deploying_has_nothing_to_roll_back(stage: BlueGreen, state: str) -> None:
    with pytest.raises(AirflowSkipException, match="deployed nothing"):
        a_run(stage).roll_back(deploy=state)


def test_a_deploy_task_that_failed_without_a_deployment_has_nothing_to_roll_back(stage: BlueGreen) -> None:
    with pytest.raises(AirflowSkipException, match="deployed nothing"):
        a_run(stage).roll_back(deploy="failed")


def test_what_codedeploy_has_rolled_back_itself_is_confirmed(stage: BlueGreen) -> None:
    run = a_run(stage, "v3", {"HEALTH": "500"})
    with pytest.raises(AirflowFailException):
        run.deploy()
    before = created(stage)
    record = run.roll_back()
    assert record["task_definition"] == run.before
    assert stage.image.endswith(record["digest"])
    assert run.before in record["sentence"]
    assert (stage.answer(), created(stage)) == ((200, "v1"), before)


def test_a_deployment_that_is_still_active_is_stopped_and_taken_back(stage: BlueGreen) -> None:
    run = a_run(stage, traffic={"type": "canary", "percent": 20, "wait_minutes": 600})
    deployment = run.deploying().adopt_or_start(run.context("production.deploy", run.stores["deploy"], "running"))
    stage.shifted(deployment, 20)
    record = run.roll_back()
    assert record["task_definition"] == run.before
    assert stage.info(deployment)["status"] == "Stopped"
    assert stage.answers(10) == {(200, "v1"): 10}


def test_a_good_deployment_is_followed_by_one_of_the_previous_version_exactly_once(stage: BlueGreen) -> None:
    run = a_run(stage)
    run.deploy()
    until(lambda: stage.answer() == (200, "v2"), "v2 to answer", stage.aws)
    lost = {"id": "lost", "service": "codedeploy", "operation": "CreateDeployment", "nth": 1, "action": "reset_after"}
    stage.aws.faults(lost)
    record = run.roll_back(deploy="success")
    run.stores["roll_back"] = FakeStore()
    again = run.roll_back(deploy="success")
    assert record["task_definition"] == again["task_definition"] == run.before
    assert (stage.answer(), created(stage)) == ((200, "v1"), 2)
    marked = stage.info(record["deployment"])["description"]
    assert "/rollback attempt 0" in marked


def test_a_deployment_in_its_termination_wait_is_taken_back_by_codedeploy(stage: BlueGreen) -> None:
    group = stage.group()["blueGreenDeploymentConfiguration"]
    group["terminateBlueInstancesOnDeploymentSuccess"]["terminationWaitTimeInMinutes"] = 600
    stage.codedeploy.update_deployment_group(
        applicationName="greeter", currentDeploymentGroupName="greeter", blueGreenDeploymentConfiguration=group
    )
    run = a_run(stage, success_at="traffic_shift")
    run.deploy()
    assert stage.answer() == (200, "v2")
    record = run.roll_back(deploy="success")
    assert (record["task_definition"], stage.answer()) == (run.before, (200, "v1"))
    assert created(stage) == 1
