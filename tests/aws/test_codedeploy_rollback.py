"""Deployments that go wrong: whatever the cause, production ends on the version it had, and the record says why."""

import io
import zipfile
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from tests.blue_green import ALARM, HELD_CANARY, BlueGreen, until
from tests.local_aws_process import LocalAws

REPORT = """
import boto3
def run(event, context):
    boto3.client("codedeploy").put_lifecycle_event_hook_execution_status(
        deploymentId=event["DeploymentId"],
        lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
        status="{status}")
"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlueGreen]:
    aws = LocalAws(tmp_path_factory.mktemp("rollback"), minute_seconds=1.0).start()
    try:
        alarms = {"enabled": True, "alarms": [{"name": ALARM}]}
        aws.client("cloudwatch").put_metric_alarm(
            AlarmName=ALARM,
            Namespace="Greeter",
            MetricName="Errors",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
            TreatMissingData="ignore",  # a state set by hand stays
        )
        yield BlueGreen(aws, alarmConfiguration=alarms)
    finally:
        aws.stop()


def set_alarm(stage: BlueGreen, state: str) -> None:
    stage.aws.client("cloudwatch").set_alarm_state(AlarmName=ALARM, StateValue=state, StateReason="by a test")


def hook(stage: BlueGreen, name: str, source: str) -> str:
    """A Lambda function for a lifecycle event."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("hook.py", source)
    stage.aws.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.11",
        Handler="hook.run",
        Role="arn:aws:iam::123456789012:role/hooks",
        Code={"ZipFile": held.getvalue()},
    )
    return name


def make_5xx_alarm(stage: BlueGreen, colour: str) -> str:
    """An alarm at the first 5xx answer of a target group's tasks."""
    group, balancer = stage.target_groups[colour].rpartition(":")[2], stage.balancer.partition(":loadbalancer/")[2]
    dimensions = [{"Name": "TargetGroup", "Value": group}, {"Name": "LoadBalancer", "Value": balancer}]
    stage.aws.client("cloudwatch").put_metric_alarm(
        AlarmName=f"greeter-5xx-{colour}",
        Namespace="AWS/ApplicationELB",
        MetricName="HTTPCode_Target_5XX_Count",
        Dimensions=dimensions,
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )
    return f"greeter-5xx-{colour}"


def assert_rolled_back(stage: BlueGreen, deployment: str, status: str, code: str) -> None:
    """The first terminal answer is whole, and production is on v1 with nothing of the replacement left."""
    info = stage.ended(deployment)
    assert (info["status"], info["errorInformation"]["code"]) == (status, code)
    undo = info["rollbackInfo"]["rollbackDeploymentId"]
    assert info["rollbackInfo"]["rollbackMessage"] == (
        f"Deployment {deployment} terminated. Automatic rollback is triggered with a DeploymentId {undo}."
    )
    undone = stage.info(undo)
    assert (undone["status"], undone["creator"]) == ("Succeeded", "codeDeployRollback")
    assert undone["rollbackInfo"]["rollbackTriggeringDeploymentId"] == deployment
    assert stage.answers(10) == {(200, "v1"): 10}
    assert stage.answer("test") == (200, "v1")
    assert [found["status"] for found in stage.task_sets()] == ["PRIMARY"]


def test_alarm_in_the_middle_of_a_canary_brings_the_traffic_back(stage: BlueGreen) -> None:
    deployment = stage.deploy(stage.task_definition("broken"), deploymentConfigName=HELD_CANARY)
    stage.shifted(deployment, 10)
    set_alarm(stage, "ALARM")
    assert_rolled_back(stage, deployment, "Stopped", "ALARM_ACTIVE")
    assert f"Activated alarms: <{ALARM}>" in stage.info(deployment)["errorInformation"]["message"]
    events = stage.events(deployment)
    assert (events["AllowTraffic"], events["AfterAllowTraffic"]) == ("Failed", "Skipped")
    assert stage.shares(deployment) == [10]
    assert stage.shares(stage.info(deployment)["rollbackInfo"]["rollbackDeploymentId"]) == [0]
    set_alarm(stage, "OK")


def test_terminal_status_is_written_after_the_rollback(stage: BlueGreen) -> None:
    states = [
        (entry["params"]["deploymentId"], entry["params"]["status"])
        for entry in stage.aws.effects("codedeploy", "deployment_state")
    ]
    stopped = next(deployment for deployment, status in states if status == "Stopped")
    undo = stage.info(stopped)["rollbackInfo"]["rollbackDeploymentId"]
    assert states.index((undo, "Succeeded")) < states.index((stopped, "Stopped"))


def test_replacement_that_never_gets_healthy_times_out(stage: BlueGreen) -> None:
    deployment = stage.deploy(stage.task_definition("sick", HEALTH="500"))
    assert_rolled_back(stage, deployment, "Failed", "TIMEOUT")
    assert stage.events(deployment)["Install"] == "Failed"
    assert (
        "waiting for the replacement task set to become healthy"
        in (stage.info(deployment)["errorInformation"]["message"])
    )


def test_unknown_task_definition_is_an_ecs_update_error(stage: BlueGreen) -> None:
    deployment = stage.deploy("arn:aws:ecs:eu-west-1:123456789012:task-definition/greeter:999")
    assert_rolled_back(stage, deployment, "Failed", "ECS_UPDATE_ERROR")


def test_hook_that_reports_failed_rolls_back(stage: BlueGreen) -> None:
    function = hook(stage, "says-no", REPORT.format(status="Failed"))
    deployment = stage.deploy(stage.task_definition("v2"), {"AfterAllowTestTraffic": function})
    assert_rolled_back(stage, deployment, "Failed", "HOOK_EXECUTION_FAILURE")
    assert stage.events(deployment)["AfterAllowTestTraffic"] == "Failed"


def test_hook_that_reports_success_lets_the_deployment_go_on_to_its_next_failure(stage: BlueGreen) -> None:
    yes = hook(stage, "says-yes", REPORT.format(status="Succeeded"))
    no = hook(stage, "says-no-again", REPORT.format(status="Failed"))
    deployment = stage.deploy(stage.task_definition("v2"), {"BeforeInstall": yes, "AfterAllowTraffic": no})
    assert_rolled_back(stage, deployment, "Failed", "HOOK_EXECUTION_FAILURE")
    events = stage.events(deployment)
    assert (events["BeforeInstall"], events["AllowTraffic"]) == ("Succeeded", "Succeeded")
    assert events["AfterAllowTraffic"] == "Failed"
    assert stage.shares(deployment) == [100]


def test_hook_without_a_function_fails_before_anything_was_made(stage: BlueGreen) -> None:
    deployment = stage.deploy(stage.task_definition("v2"), {"BeforeInstall": "nowhere"})
    info = stage.ended(deployment)
    assert (info["status"], info["errorInformation"]["code"]) == ("Failed", "HOOK_EXECUTION_FAILURE")
    assert "rollbackInfo" not in info
    assert len(stage.task_sets()) == 1


def test_version_that_answers_500_sets_off_its_own_alarm(stage: BlueGreen) -> None:
    alarms = [make_5xx_alarm(stage, colour) for colour in ("blue", "green")]
    override = {"enabled": True, "alarms": [{"name": name} for name in alarms]}
    broken = stage.task_definition("broken", STATUS="500")
    deployment = stage.deploy(broken, deploymentConfigName=HELD_CANARY, overrideAlarmConfiguration=override)
    stage.shifted(deployment, 10)
    # The alarm may fire, and the traffic go back, before all twenty are asked.
    assert stage.answers(20)[(500, "broken")] in {1, 2}
    assert_rolled_back(stage, deployment, "Stopped", "ALARM_ACTIVE")
    assert stage.shares(deployment) == [10]


def test_stop_with_rollback_in_the_middle_of_a_canary(stage: BlueGreen) -> None:
    deployment = stage.deploy(stage.task_definition("v2"), deploymentConfigName=HELD_CANARY)
    stage.shifted(deployment, 10)
    told = stage.codedeploy.stop_deployment(deploymentId=deployment, autoRollbackEnabled=True)
    assert told["status"] == "Pending"
    assert_rolled_back(stage, deployment, "Stopped", "MANUAL_STOP")
    with pytest.raises(ClientError, match="DeploymentAlreadyCompletedException"):
        stage.codedeploy.stop_deployment(deploymentId=deployment, autoRollbackEnabled=True)


def test_stop_with_rollback_while_blue_waits_for_its_end(stage: BlueGreen) -> None:
    wait = stage.group()["blueGreenDeploymentConfiguration"]
    wait["terminateBlueInstancesOnDeploymentSuccess"]["terminationWaitTimeInMinutes"] = 2880
    names = {"applicationName": "greeter", "currentDeploymentGroupName": "greeter"}
    stage.codedeploy.update_deployment_group(**names, blueGreenDeploymentConfiguration=wait)
    deployment = stage.deploy(stage.task_definition("v2"))
    until(lambda: stage.info(deployment)["instanceTerminationWaitTimeStarted"], "the wait to start", stage.aws)
    assert stage.answer() == (200, "v2")
    stage.codedeploy.stop_deployment(deploymentId=deployment, autoRollbackEnabled=True)
    assert_rolled_back(stage, deployment, "Stopped", "MANUAL_STOP")


def test_stop_without_rollback_leaves_the_canary_and_the_next_deployment_cleans_up(stage: BlueGreen) -> None:
    off = {"enabled": False}
    deployment = stage.deploy(
        stage.task_definition("v2"), deploymentConfigName=HELD_CANARY, autoRollbackConfiguration=off
    )
    stage.shifted(deployment, 10)
    stage.codedeploy.stop_deployment(deploymentId=deployment, autoRollbackEnabled=False)
    info = stage.ended(deployment)
    assert (info["status"], "rollbackInfo" in info) == ("Stopped", False)
    assert sorted(stage.weights().values()) == [10, 90]
    after = stage.deploy(stage.task_definition("broken", HEALTH="500"))
    assert_rolled_back(stage, after, "Failed", "TIMEOUT")
