"""The two task sets of an ECS service under deployment, through ECS's own API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from local_aws.codedeploy.progress import TaskSet


@dataclass(frozen=True)
class Target:
    """What is deployed where; `network` and `capacity_providers` are in ECS's shapes."""

    region: str
    cluster: str
    service: str
    target_groups: list[str]
    production_route: str
    test_route: str | None
    task_definition: str
    container_name: str
    container_port: int
    platform_version: str | None = None
    network: dict[str, Any] | None = None
    capacity_providers: list[dict[str, Any]] = field(default_factory=list)


class TaskSets:
    """The task sets of one service; every method raises botocore's ClientError."""

    def __init__(self, ecs: Any, target: Target) -> None:
        self._ecs = ecs
        self._target = target
        self._where = {"cluster": target.cluster, "service": target.service}

    def all(self) -> list[dict[str, Any]]:
        """All of them, as ECS describes them."""
        return list(self._ecs.describe_task_sets(**self._where)["taskSets"])

    def primary(self) -> dict[str, Any] | None:
        """The one that serves production."""
        return next((task_set for task_set in self.all() if task_set["status"] == "PRIMARY"), None)

    def of(self, deployment_id: str) -> dict[str, Any] | None:
        """The one that a deployment made."""
        return next((task_set for task_set in self.all() if task_set.get("externalId") == deployment_id), None)

    def by_id(self, task_set_id: str) -> dict[str, Any] | None:
        """The one with this id."""
        return next((task_set for task_set in self.all() if task_set["id"] == task_set_id), None)

    def leftovers(self, deployment_id: str) -> list[dict[str, Any]]:
        """Those which an earlier deployment left behind when it ended without a rollback."""
        return [
            task_set
            for task_set in self.all()
            if task_set["status"] != "PRIMARY" and task_set.get("externalId") != deployment_id
        ]

    def create(self, deployment_id: str, like: dict[str, Any], target_group_arn: str) -> dict[str, Any]:
        """Create the replacement as the AppSpec says.

        Where it says nothing, the network is the primary task set's; capacity providers and platform version are not.
        """
        target = self._target
        balancer = {
            "targetGroupArn": target_group_arn,
            "containerName": target.container_name,
            "containerPort": target.container_port,
        }
        wanted = {
            "externalId": deployment_id,
            "clientToken": deployment_id,
            "taskDefinition": target.task_definition,
            "loadBalancers": [balancer],
            "scale": {"value": 100.0, "unit": "PERCENT"},
            "networkConfiguration": target.network or like.get("networkConfiguration"),
            "platformVersion": target.platform_version,
            "serviceRegistries": like.get("serviceRegistries"),
            "capacityProviderStrategy": target.capacity_providers,
        }
        given = {key: value for key, value in wanted.items() if value}
        return dict(self._ecs.create_task_set(**self._where, **given)["taskSet"])

    def promote(self, task_set_id: str) -> None:
        """Make a task set the primary one."""
        self._ecs.update_service_primary_task_set(**self._where, primaryTaskSet=task_set_id)

    def delete(self, task_set: dict[str, Any]) -> None:
        """Begin to drain and delete a task set that is not on its way out already."""
        if task_set["status"] != "DRAINING":
            self._ecs.delete_task_set(**self._where, taskSet=task_set["id"], force=True)


def seen(task_set: dict[str, Any], target_group: str, target_group_arn: str) -> TaskSet:
    """What a deployment remembers of a task set."""
    return TaskSet(
        target_group=target_group,
        target_group_arn=target_group_arn,
        id=task_set["id"],
        status=task_set["status"],
        desired=task_set.get("computedDesiredCount", 0),
        pending=task_set.get("pendingCount", 0),
        running=task_set.get("runningCount", 0),
    )
