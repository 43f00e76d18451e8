"""Services keep what they were asked to run, and replace it without a client noticing."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.blue_green import until
from tests.local_aws_process import LocalAws, free_port
from tests.steady_traffic import Traffic
from tests.tasks import NETWORK, SERVE, Cluster, processes


@pytest.fixture(scope="module")
def cluster(local_aws: LocalAws) -> Cluster:
    return Cluster(local_aws)


class Balanced:
    """A listener with one target group in front of a service."""

    def __init__(self, aws: LocalAws) -> None:
        elb, ec2 = aws.client("elbv2"), aws.client("ec2")
        subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]]
        self.port = free_port()
        self.elb = elb
        group = elb.create_target_group(
            Name=f"group-{self.port}", Protocol="HTTP", Port=8080, TargetType="ip", HealthCheckPath="/health",
            HealthCheckIntervalSeconds=5, HealthyThresholdCount=2, VpcId=ec2.describe_vpcs()["Vpcs"][0]["VpcId"],
        )  # fmt: skip
        self.group = group["TargetGroups"][0]["TargetGroupArn"]
        balancer = elb.create_load_balancer(Name=f"lb-{self.port}", Subnets=subnets[:2])["LoadBalancers"][0]
        forward = {"Type": "forward", "TargetGroupArn": self.group}
        elb.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=self.port, DefaultActions=[forward]
        )

    @property
    def of_service(self) -> list[dict[str, Any]]:
        """For CreateService."""
        return [{"targetGroupArn": self.group, "containerName": "web", "containerPort": 8080}]

    def states(self) -> list[str]:
        """The states of all targets."""
        told = self.elb.describe_target_health(TargetGroupArn=self.group)["TargetHealthDescriptions"]
        return [entry["TargetHealth"]["State"] for entry in told]


@pytest.fixture
def balanced(local_aws: LocalAws) -> Balanced:
    return Balanced(local_aws)


def version(cluster: Cluster, number: int) -> str:
    return cluster.definition(SERVE, environment=[{"name": "VERSION", "value": f"v{number}"}])


def messages(service: dict[str, Any]) -> list[str]:
    return [event["message"] for event in service["events"]]


def emitted(cluster: Cluster, detail_type: str) -> list[str]:
    """The names of the events of a kind, oldest first."""
    events = [entry["params"] for entry in cluster.aws.effects("events", "event_emitted")]
    return [event["detail"]["eventName"] for event in events if event["detail-type"] == detail_type]


def test_service_becomes_steady_and_says_so(cluster: Cluster) -> None:
    service = cluster.serve("plain", version(cluster, 1), desiredCount=2)
    assert (service["runningCount"], service["pendingCount"], service["desiredCount"]) == (2, 0, 2)
    until(
        lambda: "(service plain) has reached a steady state." in messages(cluster.service("plain")), "it", cluster.aws
    )
    (deployment,) = service["deployments"]
    assert (deployment["status"], deployment["runningCount"], deployment["failedTasks"]) == ("PRIMARY", 2, 0)
    assert {task["startedBy"] for task in cluster.tasks("plain")} == {deployment["id"]}
    assert "SERVICE_STEADY_STATE" in emitted(cluster, "ECS Service Action")
    rollout = ["SERVICE_DEPLOYMENT_IN_PROGRESS", "SERVICE_DEPLOYMENT_COMPLETED"]
    assert emitted(cluster, "ECS Deployment State Change") == rollout


def test_task_that_dies_is_replaced(cluster: Cluster) -> None:
    cluster.serve("mortal", version(cluster, 1))
    (first,) = cluster.tasks("mortal")
    os.kill(max(processes(cluster.aws, first["taskArn"])), signal.SIGKILL)
    assert cluster.reached(first["taskArn"], "STOPPED")["stoppedReason"] == "Essential container in task exited"
    until(lambda: cluster.service("mortal")["runningCount"] == 1, "another task", cluster.aws)
    (second,) = cluster.tasks("mortal")
    assert second["taskArn"] != first["taskArn"]


def test_task_that_never_starts_is_tried_again_ever_more_rarely(cluster: Cluster) -> None:
    missing = cluster.definition(image=cluster.image.partition("@")[0] + ":nowhere")
    cluster.ecs.create_service(
        cluster=cluster.name,
        serviceName="hopeless",
        taskDefinition=missing,
        desiredCount=1,
        networkConfiguration=NETWORK,
    )
    impaired = "(service hopeless) is unable to consistently start tasks successfully."
    until(lambda: impaired in messages(cluster.service("hopeless")), "the service to complain", cluster.aws)
    (deployment,) = cluster.service("hopeless")["deployments"]
    assert (deployment["rolloutState"], deployment["failedTasks"] >= 3) == ("IN_PROGRESS", True)
    cluster.ecs.delete_service(cluster=cluster.name, service="hopeless", force=True)


def test_unhealthy_container_is_replaced_with_its_reason(cluster: Cluster) -> None:
    # Healthy until the file is there: the check runs in the container's own directory.
    check = {"command": ["CMD-SHELL", "test ! -e sick"], "interval": 5, "retries": 1}
    definition = cluster.definition(SERVE, healthCheck=check)
    cluster.serve("frail", definition)
    (first,) = cluster.tasks("frail")
    assert first["healthStatus"] == "HEALTHY"
    place = cluster.aws.state_dir / "containers" / first["taskArn"].rpartition("/")[2] / "web" / "root" / "app"
    (place / "sick").touch()
    stopped = cluster.reached(first["taskArn"], "STOPPED")
    assert (stopped["stopCode"], stopped["stoppedReason"]) == (
        "ServiceSchedulerInitiated",
        "Task failed container health checks",
    )
    until(lambda: cluster.service("frail")["runningCount"] == 1, "another task", cluster.aws)


def test_rolling_update_loses_no_request(cluster: Cluster, balanced: Balanced) -> None:
    cluster.serve("rolling", version(cluster, 1), desiredCount=2, loadBalancers=balanced.of_service)
    with Traffic(balanced.port) as traffic:
        until(lambda: traffic.answers["v1"] > 50, "v1 to answer", cluster.aws)
        cluster.ecs.update_service(cluster=cluster.name, service="rolling", taskDefinition=version(cluster, 2))
        assert len(cluster.service("rolling")["deployments"]) == 2
        service = cluster.steady("rolling")
        before = traffic.answers["v1"]
        until(lambda: traffic.answers["v2"] > 50, "v2 to answer", cluster.aws)
    assert traffic.failures == []
    assert traffic.answers["v1"] - before <= 3
    assert service["runningCount"] == 2
    assert balanced.states() == ["healthy", "healthy"]


def test_stopping_a_task_behind_the_balancer_loses_no_request(cluster: Cluster, balanced: Balanced) -> None:
    cluster.serve("calm", version(cluster, 1), desiredCount=2, loadBalancers=balanced.of_service)
    with Traffic(balanced.port) as traffic:
        until(lambda: traffic.answers["v1"] > 50, "answers", cluster.aws)
        victim = cluster.tasks("calm")[0]["taskArn"]
        cluster.ecs.stop_task(cluster=cluster.name, task=victim)
        cluster.reached(victim, "STOPPED")
        until(lambda: balanced.states().count("healthy") == 2, "a replacement", cluster.aws)
    assert traffic.failures == []


def test_scaling_in_and_deleting_leave_no_process(cluster: Cluster) -> None:
    cluster.serve("brief", version(cluster, 1), desiredCount=2)
    arns = [task["taskArn"] for task in cluster.tasks("brief")]
    cluster.ecs.update_service(cluster=cluster.name, service="brief", desiredCount=1)
    until(lambda: cluster.service("brief")["runningCount"] == 1, "one task less", cluster.aws)
    with pytest.raises(ClientError, match="cannot be stopped while it is scaled above 0"):
        cluster.ecs.delete_service(cluster=cluster.name, service="brief")
    cluster.ecs.delete_service(cluster=cluster.name, service="brief", force=True)
    until(lambda: cluster.service("brief")["status"] == "INACTIVE", "the service to end", cluster.aws)
    assert [pid for arn in arns for pid in processes(cluster.aws, arn)] == []
    reasons = {cluster.task(arn)["stoppedReason"].partition(" (")[0] for arn in arns}
    assert reasons == {"Scaling activity initiated by"}


@pytest.fixture
def shifting(cluster: Cluster, balanced: Balanced) -> Iterator[dict[str, Any]]:
    """A service that CodeDeploy would deploy, with its blue task set."""
    name = f"shifting-{balanced.port}"
    where = {"cluster": cluster.name, "service": name}
    cluster.ecs.create_service(
        cluster=cluster.name,
        serviceName=name,
        taskDefinition=version(cluster, 1),
        desiredCount=2,
        deploymentController={"type": "CODE_DEPLOY"},
        loadBalancers=balanced.of_service,
        networkConfiguration=NETWORK,
    )
    yield where
    cluster.ecs.delete_service(**where, force=True)


def set_of(cluster: Cluster, where: dict[str, Any], key: str) -> dict[str, Any]:
    (found,) = cluster.ecs.describe_task_sets(**where, taskSets=[key])["taskSets"]
    return dict(found)


def test_service_of_codedeploy_begins_with_a_primary_task_set(cluster: Cluster, shifting: dict[str, Any]) -> None:
    (blue,) = cluster.ecs.describe_task_sets(**shifting)["taskSets"]
    assert (blue["status"], blue["computedDesiredCount"]) == ("PRIMARY", 2)
    until(lambda: set_of(cluster, shifting, blue["id"])["stabilityStatus"] == "STEADY_STATE", "blue", cluster.aws)
    assert set_of(cluster, shifting, blue["id"])["runningCount"] == 2
    service = cluster.service(shifting["service"])
    assert (service["deployments"], [each["id"] for each in service["taskSets"]]) == ([], [blue["id"]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"forceNewDeployment": True},
            "Cannot force a new deployment on services with a CODE_DEPLOY deployment controller. "
            "Use AWS CodeDeploy to trigger a new deployment.",
        ),
        (
            {"networkConfiguration": NETWORK},
            "Unable to update network parameters on services with a CODE_DEPLOY deployment controller. "
            "Use AWS CodeDeploy to trigger a new deployment.",
        ),
    ],
)
def test_update_leaves_codedeploys_part_to_codedeploy(
    cluster: Cluster, shifting: dict[str, Any], change: dict[str, Any], message: str
) -> None:
    with pytest.raises(cluster.ecs.exceptions.InvalidParameterException) as refused:
        cluster.ecs.update_service(**shifting, **change)
    assert refused.value.response["Error"]["Message"] == message
    with pytest.raises(cluster.ecs.exceptions.InvalidParameterException, match="Unable to update task definition on"):
        cluster.ecs.update_service(**shifting, taskDefinition=version(cluster, 2))


def test_task_set_is_created_once_promoted_scaled_and_drained(cluster: Cluster, shifting: dict[str, Any]) -> None:
    green_balancer = Balanced(cluster.aws)
    wanted = {
        "taskDefinition": version(cluster, 2),
        "externalId": "d-1",
        "clientToken": "d-1",
        "loadBalancers": green_balancer.of_service,
        "networkConfiguration": NETWORK,
        "scale": {"value": 50, "unit": "PERCENT"},
    }
    green = cluster.ecs.create_task_set(**shifting, **wanted)["taskSet"]
    assert cluster.ecs.create_task_set(**shifting, **wanted)["taskSet"]["id"] == green["id"]
    assert (green["computedDesiredCount"], green["stabilityStatus"], green["externalId"]) == (1, "STABILIZING", "d-1")
    cluster.ecs.update_task_set(**shifting, taskSet=green["id"], scale={"value": 100, "unit": "PERCENT"})
    until(lambda: set_of(cluster, shifting, green["id"])["stabilityStatus"] == "STEADY_STATE", "green", cluster.aws)
    assert green_balancer.states() == ["healthy", "healthy"]
    cluster.ecs.update_service_primary_task_set(**shifting, primaryTaskSet=green["id"])
    service = cluster.service(shifting["service"])
    assert (service["taskDefinition"], service["loadBalancers"]) == (wanted["taskDefinition"], wanted["loadBalancers"])
    by_status = {each["status"]: each for each in service["taskSets"]}
    assert set(by_status) == {"PRIMARY", "ACTIVE"}
    with pytest.raises(ClientError, match="primary task set cannot be deleted"):
        cluster.ecs.delete_task_set(**shifting, taskSet=green["id"], force=True)
    cluster.ecs.delete_task_set(**shifting, taskSet=by_status["ACTIVE"]["id"], force=True)
    until(lambda: len(cluster.service(shifting["service"])["taskSets"]) == 1, "blue to be gone", cluster.aws)


def test_what_is_not_built_is_refused_by_name(cluster: Cluster) -> None:
    with pytest.raises(ClientError, match="Service Connect"):
        cluster.ecs.create_service(
            cluster=cluster.name,
            serviceName="refused",
            taskDefinition=version(cluster, 1),
            desiredCount=1,
            networkConfiguration=NETWORK,
            serviceConnectConfiguration={"enabled": True},
        )


def test_container_port_that_is_not_there_is_refused(cluster: Cluster, balanced: Balanced) -> None:
    wrong = [{**balanced.of_service[0], "containerPort": 9999}]
    with pytest.raises(ClientError, match="did not have a container port 9999 defined"):
        cluster.ecs.create_service(
            cluster=cluster.name,
            serviceName="refused",
            taskDefinition=version(cluster, 1),
            desiredCount=1,
            networkConfiguration=NETWORK,
            loadBalancers=wrong,
        )


def test_service_goes_on_after_kill_9_and_traffic_with_it(cluster: Cluster, balanced: Balanced) -> None:
    cluster.serve("lasting", version(cluster, 1), loadBalancers=balanced.of_service)
    (task,) = cluster.tasks("lasting")
    cluster.aws.kill9()
    cluster.aws.restart()
    with Traffic(balanced.port) as traffic:
        until(lambda: traffic.answers["v1"] > 20, "v1 to answer again", cluster.aws)
    assert [each["taskArn"] for each in cluster.tasks("lasting")] == [task["taskArn"]]
