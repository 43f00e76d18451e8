"""A cluster of the local AWS with an image in its registry: what the tests of ECS stand on."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.blue_green import push_image, until
from tests.local_aws_process import LocalAws

NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": [], "assignPublicIp": "DISABLED"}}
SERVE = ["python", "app.py"]


class Cluster:
    """Runs Python programs as tasks."""

    def __init__(self, aws: LocalAws) -> None:
        self.aws = aws
        self.ecs = aws.client("ecs")
        self.name = f"cluster-{uuid4().hex[:8]}"
        self.ecs.create_cluster(clusterName=self.name)
        self.image = push_image(aws, f"app-{uuid4().hex[:8]}")

    def definition(self, command: list[str] | None = None, **container: Any) -> str:
        """Register a task definition of one container; its ARN."""
        whole: dict[str, Any] = {
            "name": "web",
            "image": self.image,
            "essential": True,
            "portMappings": [{"containerPort": 8080}],
            "environment": [{"name": "VERSION", "value": "v1"}],
            "stopTimeout": 60,
            **({"command": command} if command else {}),
            **container,
        }
        made = self.ecs.register_task_definition(
            family=f"family-{self.name}",
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="512",
            containerDefinitions=[whole],
        )
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def run(self, definition: str, **request: Any) -> str:
        """Run one task; its ARN."""
        started = self.ecs.run_task(
            cluster=self.name, taskDefinition=definition, networkConfiguration=NETWORK, **request
        )
        return str(started["tasks"][0]["taskArn"])

    def task(self, arn: str) -> dict[str, Any]:
        """DescribeTasks of one."""
        return dict(self.ecs.describe_tasks(cluster=self.name, tasks=[arn])["tasks"][0])

    def reached(self, arn: str, status: str) -> dict[str, Any]:
        """The task once it has this status."""
        until(lambda: self.task(arn)["lastStatus"] == status, f"the task to be {status}", self.aws)
        return self.task(arn)

    def finished(self, definition: str, **request: Any) -> dict[str, Any]:
        """Run one task to its end."""
        return self.reached(self.run(definition, **request), "STOPPED")

    def serve(self, name: str, definition: str, **request: Any) -> dict[str, Any]:
        """Create a service of one task and wait until it is steady."""
        given = {"desiredCount": 1, "networkConfiguration": NETWORK, **request}
        self.ecs.create_service(cluster=self.name, serviceName=name, taskDefinition=definition, **given)
        return self.steady(name)

    def service(self, name: str) -> dict[str, Any]:
        """DescribeServices of one."""
        return dict(self.ecs.describe_services(cluster=self.name, services=[name])["services"][0])

    def steady(self, name: str) -> dict[str, Any]:
        """The service once its only deployment is completed."""

        def completed() -> bool:
            deployments = self.service(name)["deployments"]
            return [each["rolloutState"] for each in deployments] == ["COMPLETED"]

        until(completed, f"{name} to be steady", self.aws)
        return self.service(name)

    def tasks(self, name: str) -> list[dict[str, Any]]:
        """A service's tasks that are to run."""
        arns = self.ecs.list_tasks(cluster=self.name, serviceName=name)["taskArns"]
        return [self.task(arn) for arn in arns]


def processes(aws: LocalAws, task_arn: str = "") -> list[int]:
    """The processes of a task, or of all tasks of a local AWS."""
    mark = f"LOCAL_AWS_CONTAINER={aws.state_dir}/containers/{task_arn.rpartition('/')[2]}".encode()
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal() and _bears(entry, mark)]


def _bears(process: Path, mark: bytes) -> bool:
    try:
        return mark in (process / "environ").read_bytes()
    except OSError:
        return False
