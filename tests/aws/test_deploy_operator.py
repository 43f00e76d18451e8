"""Deploying exactly once, against CodeDeploy that shifts real traffic."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airdock.aws.operators.codedeploy import CodeDeployCreateDeploymentOperator
from airdock.errors import Fault
from airdock.release import Deployment
from tests.blue_green import HELD_CANARY, BlueGreen, until
from tests.delivery import a_release, a_source, a_target, connect, take_lease
from tests.fakes import FakeStore, a_context, run_task
from tests.local_aws_process import LocalAws

LOST_REPLY = {"id": "lost", "service": "codedeploy", "operation": "CreateDeployment", "nth": 1, "action": "reset_after"}


@pytest.fixture
def stage(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[BlueGreen]:
    aws = LocalAws(tmp_path / "aws", minute_seconds=0.5).start()
    try:
        connect(aws, monkeypatch)
        yield BlueGreen(aws)
    finally:
        aws.end()


def an_operator(stage: BlueGreen, arn: str, **changes: Any) -> CodeDeployCreateDeploymentOperator:
    [task_set] = [each for each in stage.task_sets() if each["status"] == "PRIMARY"]
    extra = {key: changes.pop(key) for key in ("poll_seconds", "handoff_seconds", "deadline_minutes") if key in changes}
    return CodeDeployCreateDeploymentOperator(
        task_id="deploy",
        application="greeter",
        environment="production",
        target=a_target(**changes),
        source=a_source(),
        task_definition=a_release(arn, before=task_set["taskDefinition"], image=stage.image),
        **{"poll_seconds": 0.5, "handoff_seconds": 1, **extra},
    )


def created(stage: BlueGreen) -> int:
    """How many deployments were created, by CodeDeploy's own account."""
    made = stage.aws.effects("codedeploy", "CreateDeployment")
    return len([entry for entry in made if not entry.get("error")])


def test_deploy_moves_production_and_tells_what_ran_before(stage: BlueGreen) -> None:
    before, arn = stage.task_sets()[0]["taskDefinition"], stage.task_definition("v2")
    context = a_context("deploy")
    record = Deployment.from_json(run_task(an_operator(stage, arn), context))
    assert stage.answer() == (200, "v2")
    assert (record.status, record.task_definition, record.previous_task_definition) == ("Succeeded", arn, before)
    info = stage.info(record.id)
    assert info["description"].startswith("airdock greeter/production/")
    assert set(info["autoRollbackConfiguration"]["events"]) == {
        "DEPLOYMENT_FAILURE",
        "DEPLOYMENT_STOP_ON_ALARM",
        "DEPLOYMENT_STOP_ON_REQUEST",
    }
    xcoms = context["ti"].xcoms
    assert record.id in xcoms["deploy", "console_url"]
    assert created(stage) == 1


def test_a_lost_reply_creates_no_second_deployment(stage: BlueGreen) -> None:
    stage.aws.faults(LOST_REPLY)
    record = run_task(an_operator(stage, stage.task_definition("v2")), a_context("deploy"))
    assert record["status"] == "Succeeded"
    assert created(stage) == 1


def test_a_retry_follows_what_the_try_before_it_has_created(stage: BlueGreen) -> None:
    arn, store = stage.task_definition("v2"), FakeStore()
    first = an_operator(stage, arn).adopt_or_start(a_context("deploy"))  # killed before it could remember the id
    record = run_task(an_operator(stage, arn), a_context("deploy", store=store))
    again = run_task(an_operator(stage, arn), a_context("deploy", store=store))
    assert record["id"] == again["id"] == first
    assert created(stage) == 1


def test_a_run_of_another_dag_with_the_same_id_has_a_deployment_of_its_own(stage: BlueGreen) -> None:
    before = stage.task_sets()[0]["taskDefinition"]
    run_task(an_operator(stage, stage.task_definition("v2")), a_context("deploy", run_id="by-api-1"))
    context = a_context("deploy", run_id="by-api-1")
    context["dag_run"].dag_id = "deploy_greeter"
    until(lambda: len(stage.task_sets()) == 1, "the old tasks to end", stage.aws)
    take_lease("by-api-1", "deploy_greeter")
    record = run_task(an_operator(stage, before), context)
    assert (stage.answer(), created(stage)) == ((200, "v1"), 2)
    assert record["task_definition"] == before


def test_a_clear_while_it_runs_follows_the_running_deployment(stage: BlueGreen) -> None:
    arn, store = stage.task_definition("v2"), FakeStore()
    target: dict[str, Any] = {"traffic": {"type": "canary", "percent": 20, "wait_minutes": 4}}
    first = an_operator(stage, arn, **target).adopt_or_start(a_context("deploy", store=store))
    record = run_task(an_operator(stage, arn, **target), a_context("deploy", store=store, clear_number=1))
    assert record["id"] == first
    assert created(stage) == 1


def test_custom_traffic_is_created_once_under_a_telling_name(stage: BlueGreen) -> None:
    target: dict[str, Any] = {"traffic": {"type": "canary", "percent": 20, "wait_minutes": 2}}
    record = run_task(an_operator(stage, stage.task_definition("v2"), **target), a_context("deploy"))
    assert stage.info(record["id"])["deploymentConfigName"] == "Airdock.ECSCanary20Percent2Minutes"
    assert 20 in stage.shares(record["id"])
    take_lease("manual__2")
    run_task(an_operator(stage, stage.task_definition("v3"), **target), a_context("deploy", run_id="manual__2"))
    made = [entry["params"] for entry in stage.aws.effects("codedeploy", "CreateDeploymentConfig")]
    assert [each["deploymentConfigName"] for each in made].count("Airdock.ECSCanary20Percent2Minutes") == 1


def test_a_group_that_is_busy_with_another_is_a_fault_that_names_it(stage: BlueGreen) -> None:
    other = stage.deploy(stage.task_definition("v9"), deploymentConfigName=HELD_CANARY)
    with pytest.raises(Fault, match=other):
        run_task(an_operator(stage, stage.task_definition("v2")), a_context("deploy"))


def test_a_version_that_never_gets_healthy_is_refused_with_its_cause_and_production_stays(stage: BlueGreen) -> None:
    arn, context = stage.task_definition("v3", HEALTH="500"), a_context("deploy")
    operator = an_operator(stage, arn)
    with pytest.raises(AirflowFailException) as failed:
        run_task(operator, context)
    assert stage.answer() == (200, "v1")
    assert context["ti"].xcoms["deploy", "reason"] == str(failed.value)
    assert context["ti"].xcoms["deploy", "deployment_outcome"] in ("rolled_back", "failed")
    assert "health" in str(failed.value).lower()


def test_an_overdue_deployment_is_stopped_and_rolled_back(stage: BlueGreen) -> None:
    target: dict[str, Any] = {"traffic": {"type": "canary", "percent": 20, "wait_minutes": 600}}
    operator = an_operator(stage, stage.task_definition("v2"), deadline_minutes=0.1, **target)
    context = a_context("deploy")
    with pytest.raises(AirflowFailException, match=r"not over after 0\.1 minutes"):
        run_task(operator, context)
    until(lambda: stage.answer() == (200, "v1"), "v1 to answer again", stage.aws)
    assert context["ti"].xcoms["deploy", "deployment_outcome"] == "rolled_back"
    assert len(stage.aws.effects("codedeploy", "StopDeployment")) == 1


def test_success_at_traffic_shift_leaves_the_old_tasks_to_codedeploy(stage: BlueGreen) -> None:
    record = run_task(an_operator(stage, stage.task_definition("v2"), success_at="traffic_shift"), a_context("deploy"))
    assert stage.answer() == (200, "v2")
    assert record["status"] in ("InProgress", "Succeeded")
