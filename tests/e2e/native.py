"""A second service beside the demonstration's, whose deployments are ECS's own."""

from __future__ import annotations

import socket
from typing import Any

from demo.clients import LocalAws
from demo.infrastructure import CLUSTER, CONTAINER, CONTAINER_PORT, make_role, role
from tests.e2e.line import Line
from tests.e2e.pipelines import STEPWISE_SERVICE

BALANCER_ROLE = "stepwise-balancer"


def make_service(line: Line) -> str:
    """The service, on the greeter's task definition behind a balancer of its own; its address, which answers."""
    aws, port = line.aws, _free_port()
    make_role(aws, BALANCER_ROLE, "ecs.amazonaws.com")
    vpc = network(aws)
    balancer = _balancer(aws, vpc["subnets"])
    rule = _rule(aws, balancer, port)
    target = {
        "targetGroupArn": balancer["blue"],
        "containerName": CONTAINER,
        "containerPort": CONTAINER_PORT,
        "advancedConfiguration": {
            "alternateTargetGroupArn": balancer["green"],
            "productionListenerRule": rule,
            "roleArn": role(BALANCER_ROLE),
        },
    }
    aws.client("ecs").create_service(
        cluster=CLUSTER,
        serviceName=STEPWISE_SERVICE,
        taskDefinition="greeter",
        desiredCount=1,
        launchType="FARGATE",
        loadBalancers=[target],
        networkConfiguration={"awsvpcConfiguration": vpc},
    )
    address = f"http://127.0.0.1:{port}/"
    line.until(lambda: _deployed(aws), 60, lambda: "the second service never came up")
    return address


def _deployed(aws: LocalAws) -> bool:
    ecs = aws.client("ecs")
    found = ecs.list_service_deployments(cluster=CLUSTER, service=STEPWISE_SERVICE)["serviceDeployments"]
    return bool(found) and all(each["status"] == "SUCCESSFUL" for each in found)


def network(aws: LocalAws) -> dict[str, Any]:
    """The network of the demonstration's service, for services beside it."""
    told = aws.client("ecs").describe_services(cluster=CLUSTER, services=["greeter"])["services"][0]
    set_up = told.get("networkConfiguration") or told["taskSets"][0]["networkConfiguration"]
    return dict(set_up["awsvpcConfiguration"])


def _balancer(aws: LocalAws, subnets: list[str]) -> dict[str, str]:
    elb = aws.client("elbv2")
    made = elb.create_load_balancer(Name=STEPWISE_SERVICE, Subnets=subnets, Type="application")["LoadBalancers"][0]
    groups = {colour: _target_group(elb, colour, made["VpcId"]) for colour in ("blue", "green")}
    return {"arn": made["LoadBalancerArn"], **groups}


def _target_group(elb: Any, colour: str, vpc: str) -> str:
    made = elb.create_target_group(
        Name=f"{STEPWISE_SERVICE}-{colour}",
        Protocol="HTTP",
        Port=CONTAINER_PORT,
        VpcId=vpc,
        TargetType="ip",
        HealthCheckPath="/health",
        HealthCheckIntervalSeconds=5,
        HealthyThresholdCount=2,
    )
    return str(made["TargetGroups"][0]["TargetGroupArn"])


def _rule(aws: LocalAws, balancer: dict[str, str], port: int) -> str:
    """A rule for all paths that forwards to both target groups, all of it to blue."""
    elb, weights = aws.client("elbv2"), {"blue": 1, "green": 0}
    action = {"Type": "forward", "TargetGroupArn": balancer["blue"]}
    listener = elb.create_listener(
        LoadBalancerArn=balancer["arn"], Protocol="HTTP", Port=port, DefaultActions=[action]
    )["Listeners"][0]["ListenerArn"]
    groups = [{"TargetGroupArn": balancer[colour], "Weight": weight} for colour, weight in weights.items()]
    made = elb.create_rule(
        ListenerArn=listener,
        Priority=1,
        Conditions=[{"Field": "path-pattern", "Values": ["/*"]}],
        Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}],
    )
    return str(made["Rules"][0]["RuleArn"])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
