"""How a service, its deployments and its task sets look from outside, with the counts of this moment."""

from __future__ import annotations

from collections.abc import Sequence

from local_aws.ecs.records import Document, shown, task_sets_of, tasks_of
from local_aws.world import World

# Both words of the API for a task that is not running yet.
_PENDING = ("PROVISIONING", "PENDING", "ACTIVATING")


def described(world: World, service: Document, with_tags: bool = False) -> Document:
    """A service as DescribeServices shows it."""
    tasks = tasks_of(world, service["serviceArn"])
    sets = [_with_counts(task_set, tasks) for task_set in task_sets_of(world, service["serviceArn"])]
    deployments = [_with_counts(deployment, tasks) for deployment in service["deployments"]]
    for deployment in deployments:
        deployment.pop("loadBalancers", None)
    whole = {**service, "deployments": deployments, **_counts(tasks)}
    if service["deploymentController"]["type"] != "ECS":
        whole["taskSets"] = sets
    if not with_tags:
        whole.pop("tags", None)
    return dict(shown(whole))


def described_task_set(world: World, task_set: Document, with_tags: bool = False) -> Document:
    """A task set as DescribeTaskSets shows it."""
    whole = _with_counts(task_set, tasks_of(world, task_set["serviceArn"]))
    if not with_tags:
        whole.pop("tags", None)
    return dict(shown(whole))


def counts_of(world: World, service_arn: str, owner: str) -> Document:
    """The counts of the tasks of one deployment or task set."""
    return _counts([task for task in tasks_of(world, service_arn) if task["_"]["owner"] == owner])


def _with_counts(owner: Document, tasks: Sequence[Document]) -> Document:
    return {**owner, **_counts([task for task in tasks if task["_"]["owner"] == owner["id"]])}


def _counts(tasks: Sequence[Document]) -> Document:
    return {
        "runningCount": sum(task["lastStatus"] == "RUNNING" for task in tasks),
        "pendingCount": sum(task["lastStatus"] in _PENDING for task in tasks),
    }
