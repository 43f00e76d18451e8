"""Deployments that go well, seen from outside: what clients get from the balancer, what the API shows."""

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from tests.blue_green import ALL_AT_ONCE, APPLICATION, CANARY, CLUSTER, HELD_CANARY, BlueGreen, appspec, until
from tests.local_aws_process import LocalAws


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlueGreen]:
    aws = LocalAws(tmp_path_factory.mktemp("rollout"), minute_seconds=1.0).start()
    try:
        yield BlueGreen(aws)
    finally:
        aws.stop()


def test_canary_gives_one_request_in_ten_to_the_new_version(stage: BlueGreen) -> None:
    deployment = stage.deploy(stage.task_definition("v2"), deploymentConfigName=HELD_CANARY)
    stage.shifted(deployment, 10)
    assert stage.answers(40) == {(200, "v1"): 36, (200, "v2"): 4}
    assert stage.answer("test") == (200, "v2")
    stage.codedeploy.stop_deployment(deploymentId=deployment, autoRollbackEnabled=True)
    assert stage.ended(deployment)["status"] == "Stopped"


def test_canary_gives_all_to_the_new_version_after_its_wait(stage: BlueGreen) -> None:
    deployment = stage.deploy(stage.task_definition("v2"), deploymentConfigName=CANARY, description="second")
    stage.shifted(deployment, 100)
    assert stage.answers(10) == {(200, "v2"): 10}
    info = stage.ended(deployment)
    assert (info["status"], info["description"], info["creator"]) == ("Succeeded", "second", "user")
    assert info["createTime"] <= info["startTime"] <= info["completeTime"]
    assert "errorInformation" not in info
    assert "rollbackInfo" not in info
    assert stage.shares(deployment) == [10, 100]


def test_finished_deployment_leaves_one_primary_task_set_and_a_full_record(stage: BlueGreen) -> None:
    deployment = stage.deploy(stage.task_definition("v3"))
    stage.ended(deployment)
    until(lambda: len(stage.task_sets()) == 1, "blue to be gone", stage.aws)
    (primary,) = stage.task_sets()
    assert (primary["status"], primary["externalId"]) == ("PRIMARY", deployment)
    target = stage.target(deployment)
    assert target["targetId"] == f"{CLUSTER}:{APPLICATION}"
    assert set(stage.events(deployment).values()) == {"Succeeded"}
    sets = {found["taskSetLabel"]: found for found in target["taskSetsInfo"]}
    assert {label: found["trafficWeight"] for label, found in sets.items()} == {"Blue": 0.0, "Green": 100.0}
    assert sets["Green"]["identifer"] == primary["id"]
    assert sets["Green"]["targetGroup"]["name"] in stage.weights()
    assert sets["Blue"]["status"] == "DRAINING"


def test_no_request_fails_while_versions_change(stage: BlueGreen) -> None:
    deployment = stage.deploy(stage.task_definition("v4"))
    seen = stage.answers(1)
    while stage.info(deployment)["status"] not in {"Succeeded", "Failed", "Stopped"}:
        seen += stage.answers(10)
    seen += stage.answers(10)
    assert {status for status, _ in seen} == {200}
    assert (200, "v4") in seen


def test_second_deployment_of_a_group_is_refused_and_names_the_first(stage: BlueGreen) -> None:
    first = stage.deploy(stage.task_definition("v5"), deploymentConfigName=HELD_CANARY)
    with pytest.raises(ClientError) as refused:
        stage.deploy(stage.task_definition("v6"))
    error = refused.value.response["Error"]
    assert error["Code"] == "DeploymentLimitExceededException"
    assert error["Message"] == f"The Deployment Group 'greeter' already has an active Deployment '{first}'"
    stage.codedeploy.stop_deployment(deploymentId=first, autoRollbackEnabled=True)
    assert stage.ended(first)["status"] == "Stopped"


def test_termination_wait_can_be_cut_short_and_shows_itself(stage: BlueGreen) -> None:
    wait = {
        "terminateBlueInstancesOnDeploymentSuccess": {"action": "TERMINATE", "terminationWaitTimeInMinutes": 2880},
        "deploymentReadyOption": {"actionOnTimeout": "CONTINUE_DEPLOYMENT", "waitTimeInMinutes": 0},
    }
    names = {"applicationName": APPLICATION, "currentDeploymentGroupName": APPLICATION}
    stage.codedeploy.update_deployment_group(**names, blueGreenDeploymentConfiguration=wait)
    deployment = stage.deploy(stage.task_definition("v7"))
    until(lambda: stage.info(deployment)["instanceTerminationWaitTimeStarted"], "the wait to start", stage.aws)
    assert stage.info(deployment)["status"] == "InProgress"
    assert len(stage.task_sets()) == 2
    with pytest.raises(ClientError, match="DeploymentIsNotInReadyState"):
        stage.codedeploy.continue_deployment(deploymentId=deployment, deploymentWaitType="READY_WAIT")
    stage.codedeploy.continue_deployment(deploymentId=deployment, deploymentWaitType="TERMINATION_WAIT")
    assert stage.ended(deployment)["status"] == "Succeeded"
    group = stage.group()["blueGreenDeploymentConfiguration"]
    stage.codedeploy.update_deployment_group(**names, blueGreenDeploymentConfiguration=group)


def test_stop_deployment_ready_option_waits_to_be_continued(stage: BlueGreen) -> None:
    wait = {
        "terminateBlueInstancesOnDeploymentSuccess": {"action": "TERMINATE", "terminationWaitTimeInMinutes": 0},
        "deploymentReadyOption": {"actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": 60},
    }
    names = {"applicationName": APPLICATION, "currentDeploymentGroupName": APPLICATION}
    stage.codedeploy.update_deployment_group(**names, blueGreenDeploymentConfiguration=wait)
    before = stage.answer()
    deployment = stage.deploy(stage.task_definition("v8"))
    until(lambda: stage.info(deployment)["status"] == "Ready", "the deployment to be ready", stage.aws)
    assert stage.answer("test") == (200, "v8")
    assert stage.answer() == before
    stage.codedeploy.continue_deployment(deploymentId=deployment, deploymentWaitType="READY_WAIT")
    assert stage.ended(deployment)["status"] == "Succeeded"
    assert stage.answer() == (200, "v8")
    group = stage.group()["blueGreenDeploymentConfiguration"]
    stage.codedeploy.update_deployment_group(**names, blueGreenDeploymentConfiguration=group)


def test_deployments_are_listed_newest_first_and_filtered(stage: BlueGreen) -> None:
    names = {"applicationName": APPLICATION, "deploymentGroupName": APPLICATION}
    listed = stage.codedeploy.list_deployments(**names)["deployments"]
    infos = stage.codedeploy.batch_get_deployments(deploymentIds=listed[:25])["deploymentsInfo"]
    times = [info["createTime"] for info in infos]
    assert len(listed) >= 2
    assert times == sorted(times, reverse=True)
    assert stage.codedeploy.list_deployments(**names, includeOnlyStatuses=["Failed"])["deployments"] == []
    since = {"start": times[0] - timedelta(milliseconds=1)}
    assert stage.codedeploy.list_deployments(**names, createTimeRange=since)["deployments"] == listed[:1]


def test_revision_shows_its_hash_and_the_application_keeps_its_content(stage: BlueGreen) -> None:
    (newest, *_) = stage.codedeploy.list_deployments(applicationName=APPLICATION, deploymentGroupName=APPLICATION)[
        "deployments"
    ]
    revision = stage.info(newest)["revision"]
    assert "content" not in revision["appSpecContent"]
    kept = stage.codedeploy.get_application_revision(applicationName=APPLICATION, revision=revision)
    content = kept["revision"]["appSpecContent"]["content"]
    assert hashlib.sha256(content.encode()).hexdigest() == revision["appSpecContent"]["sha256"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"deploymentConfigName": "CodeDeployDefault.Nonsense"}, "DeploymentConfigDoesNotExistException"),
        ({"deploymentConfigName": "x" * 101}, "InvalidDeploymentConfigNameException"),
        ({"description": "x" * 513}, "DescriptionTooLongException"),
        ({"deploymentGroupName": "nobody"}, "DeploymentGroupDoesNotExistException"),
        ({"applicationName": "nobody"}, "ApplicationDoesNotExistException"),
        (
            {"revision": {"revisionType": "AppSpecContent", "appSpecContent": {"content": "{"}}},
            "InvalidRevisionException",
        ),
        ({"autoRollbackConfiguration": {"enabled": True}}, "InvalidAutoRollbackConfigException"),
        ({"overrideAlarmConfiguration": {"enabled": True}}, "InvalidAlarmConfigException"),
    ],
)
def test_create_deployment_refuses_as_aws_does(stage: BlueGreen, change: dict[str, object], code: str) -> None:
    content = json.dumps(appspec("greeter:1", {}))
    request = {
        "applicationName": APPLICATION,
        "deploymentGroupName": APPLICATION,
        "revision": {"revisionType": "AppSpecContent", "appSpecContent": {"content": content}},
    }
    with pytest.raises(ClientError) as refused:
        stage.codedeploy.create_deployment(**{**request, **change})
    assert refused.value.response["Error"]["Code"] == code


@pytest.mark.parametrize(
    "content",
    [{"content": json.dumps(appspec("greeter:1", {})), "sha256": "0" * 64}, {"content": "version: 0.0"}],
)
def test_appspec_that_is_broken_or_not_what_its_hash_says_is_refused(stage: BlueGreen, content: dict[str, str]) -> None:
    revision = {"revisionType": "AppSpecContent", "appSpecContent": content}
    names = {"applicationName": APPLICATION, "deploymentGroupName": APPLICATION}
    with pytest.raises(ClientError, match="InvalidRevisionException"):
        stage.codedeploy.create_deployment(**names, revision=revision)


def test_custom_configuration_moves_in_its_own_steps(stage: BlueGreen) -> None:
    linear = {"type": "TimeBasedLinear", "timeBasedLinear": {"linearPercentage": 40, "linearInterval": 1}}
    stage.codedeploy.create_deployment_config(
        deploymentConfigName="by-forty", computePlatform="ECS", trafficRoutingConfig=linear
    )
    deployment = stage.deploy(stage.task_definition("v9"), deploymentConfigName="by-forty")
    assert stage.ended(deployment)["deploymentConfigName"] == "by-forty"
    assert stage.shares(deployment) == [40, 80, 100]


def test_group_says_what_was_deployed_last(stage: BlueGreen) -> None:
    names = {"applicationName": APPLICATION, "deploymentGroupName": APPLICATION}
    group = stage.codedeploy.get_deployment_group(**names)["deploymentGroupInfo"]
    (newest, *_) = stage.codedeploy.list_deployments(**names)["deployments"]
    assert group["deploymentConfigName"] == ALL_AT_ONCE
    assert group["lastAttemptedDeployment"]["deploymentId"] == newest
    assert group["lastSuccessfulDeployment"]["deploymentId"] == newest


def test_group_of_a_service_that_codedeploy_does_not_control_is_refused(stage: BlueGreen) -> None:
    wrong = stage.group(deploymentGroupName="other", ecsServices=[{"clusterName": CLUSTER, "serviceName": "nobody"}])
    with pytest.raises(ClientError, match="InvalidECSServiceException"):
        stage.codedeploy.create_deployment_group(**wrong)
