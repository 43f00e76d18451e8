"""What a team has in its AWS account before it delivers: network, balancer, registry, build project, and so on.

Made with boto3 as one would make it in an account; only the endpoint is local.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from demo.clients import LocalAws
from demo.place import ACCOUNT

APPLICATION = "greeter"
CLUSTER = "demo"
CONTAINER = "web"
CONTAINER_PORT = 8080
LOG_GROUPS = ("/ecs/greeter", "/aws/codebuild/greeter")
ROLES = {
    "greeter-execution": "ecs-tasks.amazonaws.com",
    "greeter-build": "codebuild.amazonaws.com",
    "greeter-deploy": "codedeploy.amazonaws.com",
    "greeter-events": "events.amazonaws.com",
}


@dataclass(frozen=True)
class Network:
    subnets: tuple[str, ...]
    security_group: str


@dataclass(frozen=True)
class Balancer:
    """ARNs of the balancer's parts."""

    arn: str
    blue: str
    green: str
    production: str
    test: str


def role(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def make_roles(aws: LocalAws) -> None:
    for name, service in ROLES.items():
        make_role(aws, name, service)


def make_role(aws: LocalAws, name: str, service: str) -> None:
    """A role that the service may assume."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    aws.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(policy))


def make_network(aws: LocalAws) -> Network:
    """A network with a subnet in each of two zones, as a balancer demands."""
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    subnets = [_subnet(ec2, vpc, number, zone) for number, zone in enumerate(("eu-west-1a", "eu-west-1b"))]
    group = ec2.create_security_group(GroupName="greeter", Description="the greeter's tasks", VpcId=vpc)
    return Network(tuple(subnets), group["GroupId"])


def make_balancer(
    aws: LocalAws, network: Network, app_port: int, test_port: int, application: str = APPLICATION
) -> Balancer:
    """A balancer with two target groups; both of its listeners send everything to blue."""
    elb = aws.client("elbv2")
    arn = elb.create_load_balancer(Name=application, Subnets=list(network.subnets), Type="application")
    balancer = arn["LoadBalancers"][0]
    blue, green = (_target_group(elb, f"{application}-{colour}", balancer["VpcId"]) for colour in ("blue", "green"))
    production, test = (_listener(elb, balancer["LoadBalancerArn"], port, blue) for port in (app_port, test_port))
    return Balancer(balancer["LoadBalancerArn"], blue, green, production, test)


def make_alarms(aws: LocalAws, balancer: Balancer, application: str = APPLICATION) -> tuple[str, ...]:
    """An alarm for each target group that goes off at the first 5xx answer of a target."""
    names = []
    for colour, group in (("blue", balancer.blue), ("green", balancer.green)):
        names.append(f"{application}-5xx-{colour}")
        aws.client("cloudwatch").put_metric_alarm(
            AlarmName=names[-1],
            AlarmDescription=f"A {colour} task answered with a server error",
            Namespace="AWS/ApplicationELB",
            MetricName="HTTPCode_Target_5XX_Count",
            Dimensions=[
                {"Name": "TargetGroup", "Value": group.rpartition(":")[2]},
                {"Name": "LoadBalancer", "Value": balancer.arn.partition(":loadbalancer/")[2]},
            ],
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
            TreatMissingData="notBreaching",
        )
    return tuple(names)


def make_logs(aws: LocalAws) -> None:
    for name in LOG_GROUPS:
        aws.client("logs").create_log_group(logGroupName=name)


def make_registry(aws: LocalAws, application: str = APPLICATION) -> str:
    """An ECR repository whose tags stay what they are and whose images are scanned; its address."""
    made = aws.client("ecr").create_repository(
        repositoryName=application,
        imageTagMutability="IMMUTABLE",
        imageScanningConfiguration={"scanOnPush": True},
    )
    return str(made["repository"]["repositoryUri"])


def make_code_repository(aws: LocalAws) -> str:
    """A CodeCommit repository; the address that git pushes to."""
    made = aws.client("codecommit").create_repository(repositoryName=APPLICATION)
    return str(made["repositoryMetadata"]["cloneUrlHttp"])


def make_build_project(
    aws: LocalAws, code: str, registry: str, base: str | None, application: str = APPLICATION
) -> None:
    """The project that builds the repository; `base` replaces the Dockerfile's base image."""
    variables = {"REPOSITORY_URI": registry, **({"BASE": base} if base else {})}
    aws.client("codebuild").create_project(
        name=application,
        source={"type": "CODECOMMIT", "location": code, "buildspec": "buildspec.yml"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
            "privilegedMode": True,
            "environmentVariables": [
                {"name": name, "value": value, "type": "PLAINTEXT"} for name, value in variables.items()
            ],
        },
        serviceRole=role("greeter-build"),
        logsConfig={"cloudWatchLogs": {"status": "ENABLED", "groupName": "/aws/codebuild/greeter"}},
    )


def make_deployment_group(
    aws: LocalAws, balancer: Balancer, alarms: tuple[str, ...], application: str = APPLICATION
) -> None:
    """Blue/green with traffic control, undone by CodeDeploy itself on failure or alarm."""
    codedeploy = aws.client("codedeploy")
    codedeploy.create_application(applicationName=application, computePlatform="ECS")
    codedeploy.create_deployment_group(
        applicationName=application,
        deploymentGroupName=application,
        serviceRoleArn=role("greeter-deploy"),
        deploymentConfigName="CodeDeployDefault.ECSAllAtOnce",
        deploymentStyle={"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
        ecsServices=[{"clusterName": CLUSTER, "serviceName": application}],
        loadBalancerInfo={"targetGroupPairInfoList": [_pair(balancer, application)]},
        blueGreenDeploymentConfiguration={
            "terminateBlueInstancesOnDeploymentSuccess": {"action": "TERMINATE", "terminationWaitTimeInMinutes": 1},
            "deploymentReadyOption": {"actionOnTimeout": "CONTINUE_DEPLOYMENT", "waitTimeInMinutes": 0},
        },
        alarmConfiguration={"enabled": True, "alarms": [{"name": name} for name in alarms]},
        autoRollbackConfiguration={"enabled": True, "events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"]},
    )


def make_service(
    aws: LocalAws,
    network: Network,
    balancer: Balancer,
    task_definition: str,
    application: str = APPLICATION,
    tasks: int = 2,
) -> None:
    """Tasks behind the balancer, whose deployments are CodeDeploy's."""
    target = {"targetGroupArn": balancer.blue, "containerName": CONTAINER, "containerPort": CONTAINER_PORT}
    vpc = {"subnets": list(network.subnets), "securityGroups": [network.security_group], "assignPublicIp": "DISABLED"}
    aws.client("ecs").create_service(
        cluster=CLUSTER,
        serviceName=application,
        taskDefinition=task_definition,
        desiredCount=tasks,
        launchType="FARGATE",
        deploymentController={"type": "CODE_DEPLOY"},
        loadBalancers=[target],
        networkConfiguration={"awsvpcConfiguration": vpc},
    )


def _subnet(ec2: Any, vpc: str, number: int, zone: str) -> str:
    made = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.20.{number}.0/24", AvailabilityZone=zone)
    return str(made["Subnet"]["SubnetId"])


def _target_group(elb: Any, name: str, vpc: str) -> str:
    made = elb.create_target_group(
        Name=name,
        Protocol="HTTP",
        Port=CONTAINER_PORT,
        VpcId=vpc,
        TargetType="ip",
        HealthCheckPath="/health",
        HealthCheckIntervalSeconds=5,
        HealthCheckTimeoutSeconds=2,
        HealthyThresholdCount=2,
        UnhealthyThresholdCount=2,
    )
    arn = str(made["TargetGroups"][0]["TargetGroupArn"])
    # Requests that a task has begun get half a minute to end before the task is stopped.
    drain = {"Key": "deregistration_delay.timeout_seconds", "Value": "30"}
    elb.modify_target_group_attributes(TargetGroupArn=arn, Attributes=[drain])
    return arn


def _listener(elb: Any, balancer: str, port: int, group: str) -> str:
    made = elb.create_listener(
        LoadBalancerArn=balancer,
        Protocol="HTTP",
        Port=port,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )
    return str(made["Listeners"][0]["ListenerArn"])


def _pair(balancer: Balancer, application: str) -> dict[str, Any]:
    return {
        "targetGroups": [{"name": f"{application}-{colour}"} for colour in ("blue", "green")],
        "prodTrafficRoute": {"listenerArns": [balancer.production]},
        "testTrafficRoute": {"listenerArns": [balancer.test]},
    }
