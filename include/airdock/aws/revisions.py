"""The revisions of a task definition's family: which there are, what runs them, and the end of the old ones."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any

from airdock.aws.faults import spoken
from airdock.aws.hooks import Account
from airdock.aws.production import BATCH
from airdock.aws.task_definitions import definition
from airdock.names import APPLICATION_TAG
from airdock.plan.revisions import Pruning, candidates, prunable

MOST_LOOKED_AT = 200
"""How many revisions of a family are looked at, newest first."""
SERVICES_AT_ONCE = 10
"""How many services DescribeServices takes."""


def prune(
    account: Account, application: str, family: str, *, keep: int, needed: Collection[str], anyones: bool = False
) -> Pruning:
    """Deregister old revisions of a family; running tasks would not mind, but a way back needs an active one.

    Never one of the `keep` newest, one of `needed` (ARNs), or one that a service, deployment, task set or running
    task of any cluster uses; only those that Airdock has registered for the application, unless `anyones`.

    Raises:
        Refused: ECS does not allow a look or a deregistration.
        Fault: throttled or out of reach; what is left goes the next time.
    """
    with spoken(f"asking ECS for the revisions of {family}"):
        old = candidates(_active(account, family), keep, needed)
        used = in_use(account, family) if old else set()
    mark = {"key": APPLICATION_TAG, "value": application}
    pruning = prunable(old, used, lambda arn: anyones or mark in definition(account, arn)["tags"])
    for arn in pruning.arns:
        with spoken(f"deregistering {arn}"):
            account.client("ecs").deregister_task_definition(taskDefinition=arn)
    return pruning


def in_use(account: Account, family: str) -> set[str]:
    """The family's revisions that anything in any cluster of the account runs or is to run."""
    client, found = account.client("ecs"), set[str]()
    for cluster in _listed(client, "list_clusters", "clusterArns"):
        arns = list(_listed(client, "list_services", "serviceArns", cluster=cluster))
        for some in _batches(arns, SERVICES_AT_ONCE):
            for service in client.describe_services(cluster=cluster, services=some)["services"]:
                found |= _of_service(service)
        tasks = list(_listed(client, "list_tasks", "taskArns", cluster=cluster, family=family))
        for some in _batches(tasks, BATCH):
            answer = client.describe_tasks(cluster=cluster, tasks=some)
            found |= {task["taskDefinitionArn"] for task in answer["tasks"]}
    return found


def _of_service(service: Any) -> set[str]:
    holders = [service, *service.get("deployments", []), *service.get("taskSets", [])]
    return {str(holder["taskDefinition"]) for holder in holders if "taskDefinition" in holder}


def _active(account: Account, family: str) -> list[str]:
    client = account.client("ecs")
    asked = {"familyPrefix": family, "status": "ACTIVE", "sort": "DESC"}
    return list(islice(_listed(client, "list_task_definitions", "taskDefinitionArns", **asked), MOST_LOOKED_AT))


def _listed(client: Any, operation: str, key: str, **asked: str) -> Iterator[str]:
    for page in client.get_paginator(operation).paginate(**asked):
        yield from page[key]


def _batches(arns: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(arns), size):
        yield arns[start : start + size]
