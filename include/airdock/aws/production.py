"""What a service runs now, as ECS tells it: the truth that every claim about production is checked against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airdock.aws.faults import spoken
from airdock.aws.hooks import Account
from airdock.errors import Refused
from airdock.release import TaskDefinition

if TYPE_CHECKING:
    from airdock.spec.environment import Environment


BATCH = 100
"""How many tasks DescribeTasks takes."""


@dataclass(frozen=True, slots=True)
class Service:
    """One container of one ECS service: the thing that is delivered to; `container` None where there is only one."""

    account: Account
    cluster: str
    name: str
    container: str | None = None

    @classmethod
    def of(cls, target: Environment) -> Service:
        account = Account(target.aws_connection, target.region)
        return cls(account, target.cluster, target.service, target.container)

    def __str__(self) -> str:
        return f"{self.cluster}/{self.name}"


@dataclass(frozen=True, slots=True)
class Standing:
    """What production runs; `digest` is "" when neither the task definition nor a running task tells it.

    `desired` is how many tasks the service wants, None when it is not known; `service` is its ARN, "" when it is not.
    """

    task_definition: str
    image: str
    digest: str
    desired: int | None = None
    service: str = ""

    def to_json(self) -> dict[str, str]:
        return {"task_definition": self.task_definition, "image": self.image, "digest": self.digest}

    def runs(self, released: TaskDefinition) -> bool:
        """Whether it is exactly this revision, with its image."""
        return self.task_definition == released.arn and self.digest == digest_in(released.image)


@dataclass(frozen=True, slots=True)
class RunningTask:
    arn: str
    task_definition: str
    image: str
    digest: str

    def carries(self, released: TaskDefinition) -> bool:
        """By the digest that ECS resolved, or by the pin: an image index has another digest than its images."""
        digest = digest_in(released.image)
        return self.task_definition == released.arn and digest in (self.digest, digest_in(self.image))


def standing(service: Service) -> Standing:
    """The primary task definition of the service, with its image and digest.

    Raises:
        Refused: no such service or container.
        Fault: AWS is out of reach.
    """
    told = described(service)
    arn = primary_task_definition(told)
    image = _image(service, arn)
    digest = digest_in(image) or _running_digest(service, arn)
    return Standing(arn, image, digest, told.get("desiredCount"), told["serviceArn"])


def described(service: Service) -> dict[str, Any]:
    """`DescribeServices` of an active service. Raises Refused or Fault."""
    with spoken(f"asking ECS for the service {service}"):
        ecs = service.account.client("ecs")
        found = ecs.describe_services(cluster=service.cluster, services=[service.name])["services"]
    active = [entry for entry in found if entry.get("status") == "ACTIVE"]
    if not active:
        raise Refused(f"there is no active ECS service {service.name!r} in the cluster {service.cluster!r}")
    return dict(active[0])


def primary_task_definition(told: Mapping[str, Any]) -> str:
    """The task definition that serves production: the primary task set's where CodeDeploy deploys."""
    for task_set in told.get("taskSets", []):
        if task_set.get("status") == "PRIMARY":
            return str(task_set["taskDefinition"])
    return str(told["taskDefinition"])


def target_groups(revision: Mapping[str, Any]) -> list[str]:
    """The ARNs of the target groups that a service revision's tasks are in: those that ECS chose, where it tells."""
    resolved = (revision.get("resolvedConfiguration") or {}).get("loadBalancers")
    found = resolved or revision.get("loadBalancers") or []
    return [str(each["targetGroupArn"]) for each in found if each.get("targetGroupArn")]


def running_tasks(service: Service) -> list[RunningTask]:
    """The service's running tasks, old and new ones, with what their container runs. Raises Refused or Fault."""
    asked = {"cluster": service.cluster, "serviceName": service.name, "desiredStatus": "RUNNING"}
    with spoken(f"asking ECS for the running tasks of {service}"):
        ecs = service.account.client("ecs")
        arns = [arn for page in ecs.get_paginator("list_tasks").paginate(**asked) for arn in page["taskArns"]]
        tasks = [
            task
            for start in range(0, len(arns), BATCH)
            for task in ecs.describe_tasks(cluster=service.cluster, tasks=arns[start : start + BATCH])["tasks"]
        ]
    return [_running(task, service.container) for task in tasks if task.get("lastStatus") == "RUNNING"]


def stamp(service: Service, arn: str, tags: Mapping[str, str]) -> None:
    """Tag the service with what it runs; its other tags stay. `arn`: its own, "" where it must be asked for.

    Raises:
        Refused: no such service, or it may not be tagged.
        Fault: AWS is out of reach.
    """
    arn = arn or described(service)["serviceArn"]
    with spoken(f"tagging the service {service}"):
        told = [{"key": key, "value": value} for key, value in tags.items()]
        service.account.client("ecs").tag_resource(resourceArn=arn, tags=told)


def digest_in(image: str) -> str:
    """The digest that an image reference is pinned to, or ""."""
    _, pinned, digest = image.partition("@")
    return digest if pinned else ""


def container_of(containers: Sequence[Mapping[str, Any]], name: str | None) -> Mapping[str, Any] | None:
    """The container of that name, or the only one when no name is given; None if there is no such."""
    if name is None:
        return containers[0] if len(containers) == 1 else None
    return next((container for container in containers if container.get("name") == name), None)


def _running(task: Mapping[str, Any], name: str | None) -> RunningTask:
    container = container_of(task.get("containers", []), name) or {}
    digest = container.get("imageDigest", "")
    return RunningTask(task["taskArn"], task["taskDefinitionArn"], container.get("image", ""), digest)


def _image(service: Service, arn: str) -> str:
    with spoken(f"asking ECS for the task definition {arn}"):
        answer = service.account.client("ecs").describe_task_definition(taskDefinition=arn)
    container = container_of(answer["taskDefinition"]["containerDefinitions"], service.container)
    if container is None:
        wanted = f"no container {service.container!r}" if service.container else "several containers, and none is named"
        raise Refused(f"the task definition {arn} has {wanted}")
    return str(container["image"])


def _running_digest(service: Service, arn: str) -> str:
    tasks = (task for task in running_tasks(service) if task.task_definition == arn)
    return next((task.digest for task in tasks if task.digest), "")
