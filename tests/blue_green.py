"""A service behind a balancer, delivered by CodeDeploy in the local AWS: what the tests of deployments stand on."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

from tests.local_aws_process import LocalAws, free_port

APPLICATION = "greeter"
CLUSTER = "demo"
ENDED = {"Succeeded", "Failed", "Stopped"}
CANARY = "CodeDeployDefault.ECSCanary10Percent5Minutes"
HELD_CANARY = "Tests.ECSCanary10PercentHeld"
"""A canary that stays at 10 %: a test that acts in the middle must not race against the shift."""
ALL_AT_ONCE = "CodeDeployDefault.ECSAllAtOnce"
ALARM = "greeter-5xx"

ROLES = {"deploy": "codedeploy", "balancer": "ecs", "hooks": "ecs"}
"""What CodeDeploy and ECS act with, and which of them may."""

_APP = """
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Greeter(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        healthy = self.path == "/health"
        status = int(os.environ.get("HEALTH" if healthy else "STATUS", "200"))
        if not healthy and os.path.exists(os.environ.get("BREAKS_WITH", "")):
            status = 500
        body = os.environ.get("VERSION", "v1").encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass

if "CRASH" in os.environ:
    raise SystemExit("the configuration is missing: " + os.environ["CRASH"])
ThreadingHTTPServer((os.environ.get("HOST", "0.0.0.0"), 8080), Greeter).serve_forever()
"""
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def make_role(aws: LocalAws, name: str, service: str) -> None:
    """A role that an AWS service may assume."""
    statement = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=policy)


class Greeter:
    """A network, a balancer with two listeners and two target groups, a cluster, and the greeter's image."""

    def __init__(self, aws: LocalAws) -> None:
        self.aws = aws
        for name, service in ROLES.items():
            make_role(aws, name, service)
        self.ports = {"production": free_port(), "test": free_port()}
        self._make_network()
        self._make_balancer()
        self.image = push_image(aws, APPLICATION)
        aws.client("ecs").create_cluster(clusterName=CLUSTER)

    def task_definition(self, version: str, **variables: str) -> str:
        """Register a version; STATUS and HEALTH set what `/` and `/health` answer with, CRASH ends it at once."""
        environment = {"VERSION": version, **variables}
        container = {
            "name": "web",
            "image": self.image,
            "essential": True,
            "portMappings": [{"containerPort": 8080}],
            "environment": [{"name": name, "value": value} for name, value in environment.items()],
        }
        made = self.aws.client("ecs").register_task_definition(
            family=APPLICATION,
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="512",
            containerDefinitions=[container],
        )
        return str(made["taskDefinition"]["taskDefinitionArn"])

    @property
    def network(self) -> dict[str, Any]:
        """The network configuration of the service."""
        vpc = {"subnets": self.subnets, "securityGroups": [self.security_group], "assignPublicIp": "DISABLED"}
        return {"awsvpcConfiguration": vpc}

    def answer(self, listener: str = "production") -> tuple[int, str]:
        """One request through the balancer: status and version; (0, "") when nobody answers."""
        try:
            with _OPENER.open(f"http://127.0.0.1:{self.ports[listener]}/", timeout=10) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def answers(self, count: int) -> Counter[tuple[int, str]]:
        """Many requests through the production listener."""
        return Counter(self.answer() for _ in range(count))

    def _make_network(self) -> None:
        ec2 = self.aws.client("ec2")
        self.vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
        zones = enumerate(("eu-west-1a", "eu-west-1b"))
        made = [
            ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"10.20.{n}.0/24", AvailabilityZone=zone) for n, zone in zones
        ]
        self.subnets = [subnet["Subnet"]["SubnetId"] for subnet in made]
        group = ec2.create_security_group(GroupName=APPLICATION, Description="tasks", VpcId=self.vpc)
        self.security_group = group["GroupId"]

    def _make_balancer(self) -> None:
        elb = self.aws.client("elbv2")
        balancer = elb.create_load_balancer(Name="demo", Subnets=self.subnets)["LoadBalancers"][0]
        self.balancer = balancer["LoadBalancerArn"]
        self.target_groups = {colour: self._target_group(elb, colour) for colour in ("blue", "green")}
        forward = [{"Type": "forward", "TargetGroupArn": self.target_groups["blue"]}]
        self.listeners = {
            name: elb.create_listener(
                LoadBalancerArn=self.balancer, Protocol="HTTP", Port=port, DefaultActions=forward
            )["Listeners"][0]["ListenerArn"]
            for name, port in self.ports.items()
        }

    def _target_group(self, elb: Any, colour: str) -> str:
        made = elb.create_target_group(
            Name=f"greeter-{colour}",
            Protocol="HTTP",
            Port=8080,
            VpcId=self.vpc,
            TargetType="ip",
            HealthCheckPath="/health",
            HealthCheckIntervalSeconds=5,
            HealthCheckTimeoutSeconds=2,
            HealthyThresholdCount=2,
            UnhealthyThresholdCount=2,
        )
        arn = str(made["TargetGroups"][0]["TargetGroupArn"])
        drain = {"Key": "deregistration_delay.timeout_seconds", "Value": "10"}
        elb.modify_target_group_attributes(TargetGroupArn=arn, Attributes=[drain])
        return arn


class BlueGreen(Greeter):
    """A balancer with two listeners, an ECS service of one task at version v1, a deployment group."""

    def __init__(self, aws: LocalAws, **group: Any) -> None:
        super().__init__(aws)
        self.codedeploy = aws.client("codedeploy")
        self._make_service(self.task_definition("v1"))
        self.codedeploy.create_application(applicationName=APPLICATION, computePlatform="ECS")
        self.codedeploy.create_deployment_config(
            deploymentConfigName=HELD_CANARY,
            computePlatform="ECS",
            trafficRoutingConfig={
                "type": "TimeBasedCanary",
                "timeBasedCanary": {"canaryPercentage": 10, "canaryInterval": 2880},
            },
        )
        self.codedeploy.create_deployment_group(**self.group(**group))
        until(lambda: self.answer() == (200, "v1"), "v1 to answer", aws)

    def group(self, **changes: Any) -> dict[str, Any]:
        """The request that creates the deployment group."""
        arns = self.listeners
        pair = {
            "targetGroups": [{"name": "greeter-blue"}, {"name": "greeter-green"}],
            "prodTrafficRoute": {"listenerArns": [arns["production"]]},
            "testTrafficRoute": {"listenerArns": [arns["test"]]},
        }
        termination = {"action": "TERMINATE", "terminationWaitTimeInMinutes": 1}
        return {
            "applicationName": APPLICATION,
            "deploymentGroupName": APPLICATION,
            "serviceRoleArn": "arn:aws:iam::123456789012:role/deploy",
            "deploymentConfigName": ALL_AT_ONCE,
            "deploymentStyle": {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
            "ecsServices": [{"clusterName": CLUSTER, "serviceName": APPLICATION}],
            "loadBalancerInfo": {"targetGroupPairInfoList": [pair]},
            "blueGreenDeploymentConfiguration": {
                "terminateBlueInstancesOnDeploymentSuccess": termination,
                "deploymentReadyOption": {"actionOnTimeout": "CONTINUE_DEPLOYMENT", "waitTimeInMinutes": 0},
            },
            "autoRollbackConfiguration": {
                "enabled": True,
                "events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"],
            },
            **changes,
        }

    def deploy(self, task_definition: str, hooks: dict[str, str] | None = None, **request: Any) -> str:
        """Create a deployment and return its id."""
        content = json.dumps(appspec(task_definition, hooks or {}))
        sha256 = hashlib.sha256(content.encode()).hexdigest()
        made = self.codedeploy.create_deployment(
            applicationName=APPLICATION,
            deploymentGroupName=APPLICATION,
            revision={"revisionType": "AppSpecContent", "appSpecContent": {"content": content, "sha256": sha256}},
            **request,
        )
        return str(made["deploymentId"])

    def info(self, deployment_id: str) -> dict[str, Any]:
        """GetDeployment."""
        return dict(self.codedeploy.get_deployment(deploymentId=deployment_id)["deploymentInfo"])

    def target(self, deployment_id: str) -> dict[str, Any]:
        """The ECS target of a deployment."""
        ids = self.codedeploy.list_deployment_targets(deploymentId=deployment_id)["targetIds"]
        found = self.codedeploy.batch_get_deployment_targets(deploymentId=deployment_id, targetIds=ids)
        return dict(found["deploymentTargets"][0]["ecsTarget"])

    def events(self, deployment_id: str) -> dict[str, str]:
        """Status by lifecycle event."""
        return {event["lifecycleEventName"]: event["status"] for event in self.target(deployment_id)["lifecycleEvents"]}

    def ended(self, deployment_id: str, seconds: float = 60) -> dict[str, Any]:
        """The deployment once it is over."""
        until(lambda: self.info(deployment_id)["status"] in ENDED, f"{deployment_id} to end", self.aws, seconds)
        return self.info(deployment_id)

    def shifted(self, deployment_id: str, percent: int, seconds: float = 40) -> None:
        """Wait until this share of production is on the replacement."""
        until(lambda: percent in self.shares(deployment_id), f"{percent} % on green", self.aws, seconds)

    def shares(self, deployment_id: str) -> list[int]:
        """The shares that the replacement had in production, in order, from the log of effects."""
        return [
            entry["params"]["weights"]["green"]
            for entry in self.aws.effects("codedeploy", "traffic_shifted")
            if entry["params"]["deploymentId"] == deployment_id and entry["params"]["route"] == "production"
        ]

    def weights(self, listener: str = "production") -> dict[str, int]:
        """Weight by target group, as the listener has it now."""
        found = self.aws.client("elbv2").describe_listeners(ListenerArns=[self.listeners[listener]])
        action = found["Listeners"][0]["DefaultActions"][0]
        groups = action.get("ForwardConfig", {}).get("TargetGroups") or [action]
        return {group["TargetGroupArn"].split("/")[1]: group.get("Weight", 1) for group in groups}

    def task_sets(self) -> list[dict[str, Any]]:
        """The service's task sets."""
        found = self.aws.client("ecs").describe_task_sets(cluster=CLUSTER, service=APPLICATION)
        return list(found["taskSets"])

    def _make_service(self, task_definition: str) -> None:
        balancer = {"targetGroupArn": self.target_groups["blue"], "containerName": "web", "containerPort": 8080}
        self.aws.client("ecs").create_service(
            cluster=CLUSTER,
            serviceName=APPLICATION,
            taskDefinition=task_definition,
            desiredCount=1,
            launchType="FARGATE",
            deploymentController={"type": "CODE_DEPLOY"},
            loadBalancers=[balancer],
            networkConfiguration=self.network,
        )


def appspec(task_definition: str, hooks: dict[str, str]) -> dict[str, Any]:
    """The AppSpec of the greeter."""
    balancer = {"ContainerName": "web", "ContainerPort": 8080}
    properties = {"TaskDefinition": task_definition, "LoadBalancerInfo": balancer}
    return {
        "version": 0.0,
        "Resources": [{"TargetService": {"Type": "AWS::ECS::Service", "Properties": properties}}],
        "Hooks": [{event: function} for event, function in hooks.items()],
    }


def push_image(aws: LocalAws, repository: str) -> str:
    """Make the repository and push the greeter's image to it; the address with its digest."""
    aws.client("ecr").create_repository(repositoryName=repository)
    return push_version(aws, repository, "v1")


def push_version(aws: LocalAws, repository: str, tag: str, **variables: str) -> str:
    """Push the greeter with these variables set, through the registry API; the address with its digest."""
    ecr = aws.client("ecr")
    uri = ecr.describe_repositories(repositoryNames=[repository])["repositories"][0]["repositoryUri"]
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    layer = gzip.compress(_tar("app/app.py", _APP.encode()), mtime=0)
    diff_id = _digest(gzip.decompress(layer))
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {
                "Cmd": ["python", "app.py"],
                "WorkingDir": "/app",
                "ExposedPorts": {"8080/tcp": {}},
                "Env": [f"{name}={value}" for name, value in variables.items()],
            },
            "rootfs": {"type": "layers", "diff_ids": [diff_id]},
        }
    ).encode()
    oci = "application/vnd.oci.image"
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{oci}.manifest.v1+json",
        "config": _descriptor(f"{oci}.config.v1+json", config),
        "layers": [_descriptor(f"{oci}.layer.v1.tar+gzip", layer)],
    }
    registry = f"{aws.endpoint}/v2/{repository}"
    for blob in (layer, config):
        place = _send("POST", f"{registry}/blobs/uploads/", token, b"").headers["Location"]
        joint = "&" if "?" in place else "?"
        _send("PUT", urljoin(aws.endpoint, f"{place}{joint}digest={_digest(blob)}"), token, blob)
    body = json.dumps(manifest).encode()
    _send("PUT", f"{registry}/manifests/{tag}", token, body, str(manifest["mediaType"]))
    return f"{uri}@{_digest(body)}"


def until(holds: Callable[[], bool], what: str, aws: LocalAws, seconds: float = 40) -> None:
    """Wait for a condition, and show what the local AWS did when it does not come true."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            done = [f"{entry['operation']} {str(entry['params'])[:120]}" for entry in aws.effects("codedeploy")[-12:]]
            raise AssertionError("\n".join([f"waited {seconds} s for {what}", *done, aws.log()[-2000:]]))
        time.sleep(0.1)


def _tar(name: str, content: bytes) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(content), 0o644
        tar.addfile(entry, io.BytesIO(content))
    return held.getvalue()


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": _digest(content), "size": len(content)}


def _send(method: str, url: str, token: str, body: bytes, media_type: str = "application/octet-stream") -> Any:
    headers = {"Authorization": f"Basic {token}", "Content-Type": media_type}
    return _OPENER.open(urllib.request.Request(url, body, headers, method=method), timeout=20)
