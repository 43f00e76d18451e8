"""kill -9 of the local AWS: a deployment goes on exactly where it was, and no traffic moves twice."""

from collections.abc import Iterator

import pytest

from tests.blue_green import CANARY, HELD_CANARY, BlueGreen, until
from tests.local_aws_process import LocalAws


@pytest.fixture
def stage(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[BlueGreen]:
    # As long as AWS gives green itself: a restart takes seconds here, which are minutes of this clock.
    monkeypatch.setenv("LOCAL_AWS_GREEN_TIMEOUT_MINUTES", "60")
    aws = LocalAws(tmp_path_factory.mktemp("death"), minute_seconds=1.0).start()
    try:
        yield BlueGreen(aws)
    finally:
        aws.stop()


def die(stage: BlueGreen) -> None:
    stage.aws.kill9()
    stage.aws.start()


def test_death_in_the_middle_of_a_canary_shifts_nothing_twice(stage: BlueGreen) -> None:
    deployment = stage.deploy(stage.task_definition("v2"), deploymentConfigName=CANARY)
    stage.shifted(deployment, 10)
    die(stage)
    info = stage.ended(deployment)
    assert info["status"] == "Succeeded"
    assert stage.shares(deployment) == [10, 100]
    created = [entry for entry in stage.aws.effects("ecs", "CreateTaskSet") if not entry["error"]]
    assert [entry["params"]["externalId"] for entry in created] == [deployment]
    until(lambda: stage.answers(5) == {(200, "v2"): 5}, "v2 to answer after the restart", stage.aws)


def test_death_during_a_rollback_still_ends_at_the_old_version(stage: BlueGreen) -> None:
    deployment = stage.deploy(stage.task_definition("v2"), deploymentConfigName=HELD_CANARY)
    stage.shifted(deployment, 10)
    stage.codedeploy.stop_deployment(deploymentId=deployment, autoRollbackEnabled=True)
    until(lambda: "rollbackInfo" in stage.info(deployment), "the rollback to begin", stage.aws)
    undo = stage.info(deployment)["rollbackInfo"]["rollbackDeploymentId"]
    stage.shifted(undo, 0)
    die(stage)
    assert stage.ended(deployment)["status"] == "Stopped"
    assert stage.info(undo)["status"] == "Succeeded"
    assert (stage.shares(deployment), stage.shares(undo)) == ([10], [0])
    until(lambda: stage.answers(5) == {(200, "v1"): 5}, "v1 to answer after the restart", stage.aws)
    assert [found["status"] for found in stage.task_sets()] == ["PRIMARY"]


def test_death_while_green_starts_makes_no_second_task_set(stage: BlueGreen) -> None:
    deployment = stage.deploy(stage.task_definition("v2"))
    until(lambda: bool(stage.aws.effects("ecs", "CreateTaskSet")), "green to be created", stage.aws)
    die(stage)
    info = stage.ended(deployment)
    assert info["status"] == "Succeeded", info
    assert len([entry for entry in stage.aws.effects("ecs", "CreateTaskSet") if not entry["error"]]) == 1
    assert [found["externalId"] for found in stage.task_sets()] == [deployment]


def test_death_in_the_termination_wait_ends_with_the_original_gone(stage: BlueGreen) -> None:
    deployment = stage.deploy(stage.task_definition("v2"))
    until(lambda: stage.info(deployment)["instanceTerminationWaitTimeStarted"], "the wait to start", stage.aws)
    die(stage)
    info = stage.ended(deployment)
    assert info["status"] == "Succeeded", info
    assert stage.shares(deployment) == [100]
    assert [found["externalId"] for found in stage.task_sets()] == [deployment]
