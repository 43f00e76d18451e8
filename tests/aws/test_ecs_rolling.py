"""Rolling service deployments: what they replace, what fails them, and where they go back to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.blue_green import CLUSTER, until
from tests.local_aws_process import LocalAws
from tests.native_service import NativeService

BREAKER = {"enable": True, "rollback": True}
CRASHING = {"CRASH": "1"}
UNHEALTHY = {"HEALTH": "500"}


@pytest.fixture(scope="module")
def service(local_aws: LocalAws) -> NativeService:
    return NativeService(local_aws, desired=2)


@pytest.fixture
def settled(service: NativeService) -> NativeService:
    """The service with nothing under way and v1 in service, with a plain configuration."""
    plain = {
        "deploymentCircuitBreaker": {"enable": False, "rollback": False},
        "alarms": {"enable": False, "rollback": False, "alarmNames": []},
    }
    assert service.ended(service.update(service.task_definition("v1"), **plain))["status"] == "SUCCESSFUL"
    return service


def versions(service: NativeService) -> set[tuple[int, str]]:
    return set(service.answers(8))


def test_first_deployment_has_a_target_and_no_source(service: NativeService) -> None:
    first = service.deployment(service.deployments()[-1]["serviceDeploymentArn"])
    assert (first["status"], first.get("sourceServiceRevisions", [])) == ("SUCCESSFUL", [])
    assert first["createdAt"] <= first["startedAt"] <= first["finishedAt"] <= first["updatedAt"]
    revision = service.revision(first["targetServiceRevision"]["arn"])
    assert revision["containerImages"] == [
        {"containerName": "web", "image": service.image, "imageDigest": service.image.partition("@")[2]}
    ]
    assert revision["loadBalancers"][0]["targetGroupArn"] == service.target_groups["blue"]
    assert revision["resolvedConfiguration"]["loadBalancers"] == [
        {"targetGroupArn": service.target_groups["blue"], "productionListenerRule": service.rules["production"]}
    ]


def test_update_replaces_the_source_and_both_revisions_are_told(settled: NativeService) -> None:
    before = settled.deployments()[0]["targetServiceRevisionArn"]
    definition = settled.task_definition("v2")
    arn = settled.update(definition)
    ended = settled.ended(arn)
    assert (ended["status"], settled.states(arn)) == ("SUCCESSFUL", ["IN_PROGRESS", "SUCCESSFUL"])
    (source,) = ended["sourceServiceRevisions"]
    assert (source["arn"], source["requestedTaskCount"], source["runningTaskCount"]) == (before, 0, 0)
    target = ended["targetServiceRevision"]
    assert (target["requestedTaskCount"], target["runningTaskCount"], target["pendingTaskCount"]) == (2, 2, 0)
    assert settled.revision(target["arn"])["taskDefinition"] == definition
    assert versions(settled) == {(200, "v2")}
    assert settled.rollouts() == [("PRIMARY", "COMPLETED")]


def test_list_is_filtered_by_status_and_time_and_paged(settled: NativeService) -> None:
    arns = [each["serviceDeploymentArn"] for each in settled.deployments()]
    assert len(arns) >= 2 and len(set(arns)) == len(arns)
    later = datetime.now(UTC) + timedelta(minutes=1)
    assert settled.deployments(status=["ROLLBACK_FAILED"], createdAt={"before": later}) == []
    assert settled.deployments(createdAt={"after": later}) == []
    where = {"cluster": CLUSTER, "service": "greeter"}
    page = settled.ecs.list_service_deployments(**where, maxResults=1)
    assert [each["serviceDeploymentArn"] for each in page["serviceDeployments"]] == arns[:1]
    rest = settled.ecs.list_service_deployments(**where, nextToken=page["nextToken"])["serviceDeployments"]
    assert [each["serviceDeploymentArn"] for each in rest] == arns[1:20]


def test_unknown_service_deployment_is_missing_or_refused(settled: NativeService) -> None:
    unknown = settled.deployments()[0]["serviceDeploymentArn"][:-4] + "none"
    told = settled.ecs.describe_service_deployments(serviceDeploymentArns=[unknown])
    assert told["failures"] == [{"arn": unknown, "reason": "MISSING"}]
    with pytest.raises(settled.ecs.exceptions.ServiceDeploymentNotFoundException):
        settled.ecs.stop_service_deployment(serviceDeploymentArn=unknown)


def test_circuit_breaker_rolls_back_to_the_last_completed_deployment(settled: NativeService) -> None:
    proven = settled.deployments()[0]["targetServiceRevisionArn"]
    arn = settled.update(settled.task_definition("v2", **CRASHING), deploymentCircuitBreaker=BREAKER)
    failed = settled.service()["deployments"][0]["id"]
    ended = settled.ended(arn)
    assert (ended["status"], ended["rollback"]["serviceRevisionArn"]) == ("ROLLBACK_SUCCESSFUL", proven)
    assert "circuit breaker" in ended["rollback"]["reason"]
    breaker = ended["deploymentCircuitBreaker"]
    assert (breaker["status"], breaker["failureCount"] >= 3, breaker["threshold"]) == ("TRIGGERED", True, 3)
    assert settled.states(arn) == ["IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL"]
    assert versions(settled) == {(200, "v1")}
    assert settled.rollouts() == [("PRIMARY", "COMPLETED")]
    told = settled.service()
    assert told["taskDefinition"] == settled.revision(proven)["taskDefinition"]
    messages = [event["message"] for event in told["events"]]
    assert f"(service greeter) (deployment {failed}) deployment failed: tasks failed to start." in messages
    events = [each for each in settled.events("ECS Deployment State Change") if "circuit breaker" in each["reason"]]
    assert [each["eventName"] for each in events] == ["SERVICE_DEPLOYMENT_FAILED", "SERVICE_DEPLOYMENT_IN_PROGRESS"]
    assert (events[0]["deploymentId"], events[0]["eventType"]) == (failed, "ERROR")
    assert events[1]["reason"].startswith("ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/")


def test_circuit_breaker_without_rollback_stops_and_leaves_the_source_serving(settled: NativeService) -> None:
    limit = {"type": "COUNT", "value": 1}
    breaker = {"enable": True, "rollback": False, "thresholdConfiguration": limit}
    arn = settled.update(settled.task_definition("v2", **CRASHING), deploymentCircuitBreaker=breaker)
    ended = settled.ended(arn)
    assert (ended["status"], ended["deploymentCircuitBreaker"]["threshold"]) == ("STOPPED", 1)
    assert "rollback" not in ended and ended["stoppedAt"] == ended["finishedAt"]
    assert settled.rollouts()[0] == ("PRIMARY", "FAILED")
    assert versions(settled) == {(200, "v1")}


def make_alarm(service: NativeService, name: str) -> Any:
    cloudwatch = service.aws.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="Tests",
        MetricName=name,
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="ignore",
    )
    return cloudwatch


def test_alarm_that_begins_to_fire_rolls_back(settled: NativeService) -> None:
    cloudwatch = make_alarm(settled, "turns-red")
    alarms = {"enable": True, "rollback": True, "alarmNames": ["turns-red"]}
    arn = settled.update(settled.task_definition("v2"), alarms=alarms, bakeTimeInMinutes=1440)
    settled.reached(arn, "BAKE_TIME")
    assert settled.deployment(arn)["alarms"] == {"status": "MONITORING", "alarmNames": ["turns-red"]}
    cloudwatch.set_alarm_state(AlarmName="turns-red", StateValue="ALARM", StateReason="a test")
    ended = settled.ended(arn)
    assert (ended["status"], ended["alarms"]["status"]) == ("ROLLBACK_SUCCESSFUL", "TRIGGERED")
    assert ended["alarms"]["triggeredAlarmNames"] == ["turns-red"]
    assert versions(settled) == {(200, "v1")}
    settled.ended(
        settled.update(settled.task_definition("v1"), bakeTimeInMinutes=0, alarms={**alarms, "enable": False})
    )


def test_alarm_that_fires_from_the_start_is_ignored(settled: NativeService) -> None:
    cloudwatch = make_alarm(settled, "always-red")
    cloudwatch.set_alarm_state(AlarmName="always-red", StateValue="ALARM", StateReason="a test")
    alarms = {"enable": True, "rollback": True, "alarmNames": ["always-red"]}
    ended = settled.ended(settled.update(settled.task_definition("v2"), alarms=alarms))
    assert (ended["status"], ended["alarms"]["status"]) == ("SUCCESSFUL", "MONITORING_COMPLETE")


def test_newer_update_stops_the_running_deployment(settled: NativeService) -> None:
    stuck = settled.update(settled.task_definition("v2", **UNHEALTHY))
    newer = settled.update(settled.task_definition("v3"))
    assert settled.ended(newer)["status"] == "SUCCESSFUL"
    ended = settled.ended(stuck)
    assert (ended["status"], "rollback" in ended) == ("STOPPED", False)
    assert "newer service deployment" in ended["statusReason"]
    assert versions(settled) == {(200, "v3")}


def test_stop_with_rollback_needs_no_configured_rollback(settled: NativeService) -> None:
    arn = settled.update(settled.task_definition("v2", **UNHEALTHY))
    settled.reached(arn, "SCALE_UP")
    settled.ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")
    ended = settled.ended(arn)
    assert (ended["status"], settled.states(arn)[1:3]) == (
        "ROLLBACK_SUCCESSFUL",
        ["ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"],
    )
    assert versions(settled) == {(200, "v1")}
    with pytest.raises(settled.ecs.exceptions.ConflictException):
        settled.ecs.stop_service_deployment(serviceDeploymentArn=arn)


def test_abort_leaves_things_as_they_are(settled: NativeService) -> None:
    arn = settled.update(settled.task_definition("v2", **UNHEALTHY))
    settled.reached(arn, "SCALE_UP")
    settled.ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ABORT")
    ended = settled.ended(arn)
    assert (ended["status"], settled.states(arn)) == ("STOPPED", ["IN_PROGRESS", "STOP_REQUESTED", "STOPPED"])
    assert versions(settled) == {(200, "v1")}


def test_rollback_goes_on_after_kill_9(settled: NativeService) -> None:
    arn = settled.update(settled.task_definition("v2", **CRASHING), deploymentCircuitBreaker=BREAKER)
    settled.reached(arn, "SCALE_UP")
    settled.aws.kill9()
    settled.aws.restart()
    assert settled.ended(arn)["status"] == "ROLLBACK_SUCCESSFUL"
    assert settled.states(arn) == ["IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL"]
    assert versions(settled) == {(200, "v1")}


@pytest.mark.parametrize("cleanup", ["BLOCKING", "DEFERRED"])
def test_early_success_needs_no_more_than_its_share_of_healthy_tasks(settled: NativeService, cleanup: str) -> None:
    early = {"enable": True, "healthyPercent": 50, "sourceServiceRevisionCleanup": cleanup}
    config = {"minimumHealthyPercent": 50, "maximumPercent": 200}
    arn = settled.update(settled.task_definition("v2"), earlySuccessCriteria=early, **config)
    assert settled.ended(arn)["status"] == "SUCCESSFUL"
    until(lambda: versions(settled) == {(200, "v2")}, "only v2 to answer", settled.aws)
    until(lambda: settled.service()["runningCount"] == 2, "both tasks", settled.aws)
    disabled = {**early, "enable": False}
    settled.ended(
        settled.update(settled.task_definition("v1"), earlySuccessCriteria=disabled, minimumHealthyPercent=100)
    )


def test_force_new_deployment_is_a_service_deployment_and_scaling_is_none(settled: NativeService) -> None:
    known = len(settled.deployments(maxResults=100))
    where = {"cluster": CLUSTER, "service": "greeter"}
    settled.ecs.update_service(**where, desiredCount=1)
    until(lambda: settled.service()["runningCount"] == 1, "one task less", settled.aws)
    assert len(settled.deployments(maxResults=100)) == known
    settled.ecs.update_service(**where, desiredCount=2, forceNewDeployment=True)
    assert len(settled.deployments(maxResults=100)) == known + 1
    assert settled.ended(settled.deployments()[0]["serviceDeploymentArn"])["status"] == "SUCCESSFUL"


def test_first_deployment_that_fails_has_nothing_to_roll_back_to(service: NativeService) -> None:
    broken = service.task_definition("v1", **CRASHING)
    service.ecs.create_service(
        cluster=CLUSTER,
        serviceName="stillborn",
        taskDefinition=broken,
        desiredCount=1,
        loadBalancers=[service.balanced()],
        networkConfiguration=service.network,
        deploymentConfiguration={"deploymentCircuitBreaker": BREAKER},
    )
    where = {"cluster": CLUSTER, "service": "stillborn"}
    (only,) = service.ecs.list_service_deployments(**where)["serviceDeployments"]
    ended = service.ended(only["serviceDeploymentArn"])
    assert (ended["status"], "No rollback candidate" in ended["statusReason"]) == ("ROLLBACK_FAILED", True)
    service.ecs.delete_service(**where, force=True)


def test_refused_update_leaves_no_service_deployment(settled: NativeService) -> None:
    known = settled.deployments(maxResults=100)
    with pytest.raises(ClientError):
        settled.update("nothing:1")
    assert settled.deployments(maxResults=100) == known
