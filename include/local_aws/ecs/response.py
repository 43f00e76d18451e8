"""ECS's API: clusters and task definitions are moto's; services, task sets and tasks are ours and act."""

from __future__ import annotations

from moto.core.responses import ActionResult

from local_aws.ecs.records import SERVICE, TASK, Document
from local_aws.ecs.refusals import ClientError
from local_aws.ecs.rollouts.api import ServiceDeployments
from local_aws.ecs.tasks import Tasks
from local_aws.world import world


class EcsResponse(ServiceDeployments, Tasks):
    """All of ECS's actions."""

    def describe_clusters(self) -> ActionResult:
        """Clusters, with the counts of what runs in them."""
        result = super().describe_clusters()
        for cluster in result.result["clusters"]:  # type: ignore[index]
            self._count(cluster)
        return result

    def delete_cluster(self) -> ActionResult:
        """Delete a cluster in which nothing is left."""
        cluster = self._cluster().arn
        if any(_lives(service) for service in world().store.all(SERVICE) if service["clusterArn"] == cluster):
            raise ClientError("The Cluster cannot be deleted while Services are active.")
        if any(_lives(task) for task in world().store.all(TASK) if task["clusterArn"] == cluster):
            raise ClientError("The Cluster cannot be deleted while Tasks are active.")
        return super().delete_cluster()

    def _count(self, cluster: object) -> None:
        arn = cluster.arn  # type: ignore[attr-defined]
        tasks = [task["lastStatus"] for task in world().store.all(TASK) if task["clusterArn"] == arn]
        services = [service for service in world().store.all(SERVICE) if service["clusterArn"] == arn]
        cluster.running_tasks_count = tasks.count("RUNNING")  # type: ignore[attr-defined]
        cluster.pending_tasks_count = sum(status in ("PROVISIONING", "PENDING", "ACTIVATING") for status in tasks)  # type: ignore[attr-defined]
        cluster.active_services_count = sum(map(_lives, services))  # type: ignore[attr-defined]


def _lives(document: Document) -> bool:
    return document.get("status", document.get("lastStatus")) not in ("INACTIVE", "STOPPED")
