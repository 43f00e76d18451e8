"""New tasks, as documents, and their transitions: each is committed, then told to EventBridge."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from local_aws.ecs.records import TASK, Document, arn, last, now, region_of, shown, task_id
from local_aws.world import World


@dataclass(frozen=True)
class Origin:
    """What a task is started for: a service's deployment or task set, or a RunTask call of its own."""

    cluster: str
    group: str
    owner: str = ""
    service: str | None = None
    task_set: str | None = None
    load_balancers: list[Document] = field(default_factory=list)
    started_by: str | None = None
    network: Document | None = None
    overrides: Document = field(default_factory=dict)
    tags: list[Document] = field(default_factory=list)
    launch_type: str = "FARGATE"
    platform_version: str = "LATEST"


def new_task_arn(cluster: str) -> str:
    """The ARN of a task to be."""
    return arn(cluster, "task", last(cluster), task_id())


def new_task(world: World, definition: Document, origin: Origin, task_arn: str) -> None:
    """Put a task that is to be started into the store, unless it is there already."""
    fresh: list[Document] = []

    def put(known: Document) -> Document:
        if not known:
            fresh.append(_task(world, definition, origin, task_arn))
        return known or fresh[0]

    world.store.update(TASK, task_arn, put)
    for task in fresh:
        announce(world, task)


def _task(world: World, definition: Document, origin: Origin, task_arn: str) -> Document:
    task: Document = {
        "taskArn": task_arn,
        "clusterArn": origin.cluster,
        "taskDefinitionArn": definition["arn"],
        "lastStatus": "PROVISIONING",
        "desiredStatus": "RUNNING",
        "connectivity": "CONNECTED",
        "cpu": definition["cpu"],
        "memory": definition["memory"],
        "createdAt": now(world),
        "group": origin.group,
        "launchType": origin.launch_type,
        "platformVersion": origin.platform_version,
        "platformFamily": "Linux",
        "availabilityZone": f"{region_of(origin.cluster)}a",
        "healthStatus": "UNKNOWN",
        "enableExecuteCommand": False,
        "overrides": {"containerOverrides": [], **origin.overrides},
        "attributes": [{"name": "local-aws.runtime", "value": world.settings.runtime}],
        "attachments": [_interface(task_arn, origin.network)] if definition["networkMode"] == "awsvpc" else [],
        "containers": [_container(task_arn, container) for container in definition["containers"]],
        "tags": origin.tags,
        "version": 1,
        "_": {
            "owner": origin.owner,
            "service": origin.service,
            "taskSet": origin.task_set,
            "loadBalancers": origin.load_balancers,
            "definition": definition,
            "address": "",
            "targets": [],
            "offsets": {},
        },
    }
    task["startedBy"] = origin.started_by
    return {name: value for name, value in task.items() if value is not None}


def changed(world: World, task_arn: str, **fields: Any) -> Document:
    """Change a task and tell EventBridge when a status did."""
    before: list[tuple[str, str]] = []

    def change(task: Document) -> None:
        before.append((task["lastStatus"], task["desiredStatus"]))
        task |= fields
        task["version"] += 1

    task = world.store.update(TASK, task_arn, change)
    if before[0] != (task["lastStatus"], task["desiredStatus"]):
        announce(world, task)
    return task


def announce(world: World, task: Document) -> None:
    """The event "ECS Task State Change"."""
    detail = shown({name: value for name, value in task.items() if name != "tags"})
    world.events.emit("aws.ecs", "ECS Task State Change", detail, [task["taskArn"]], region_of(task["taskArn"]))
    world.threads.wakeups.notify()


def ask_to_stop(world: World, task_arn: str, code: str, reason: str) -> Document:
    """Have a task stop; the first reason given is the one that stays."""
    task = world.store.get(TASK, task_arn) or {}
    if task.get("desiredStatus") == "STOPPED":
        return task
    return changed(world, task_arn, desiredStatus="STOPPED", stopCode=code, stoppedReason=reason, stoppingAt=now(world))


def with_address(task: Document, address: str) -> list[Document]:
    """The attachments with the task's address in its network interface."""
    attachments: list[Document] = task["attachments"]
    for attachment in attachments:
        attachment["status"] = "ATTACHED"
        attachment["details"] = [
            *(detail for detail in attachment["details"] if detail["name"] != "privateIPv4Address"),
            {"name": "privateIPv4Address", "value": address},
        ]
    return attachments


def _interface(task_arn: str, network: Document | None) -> Document:
    subnets = ((network or {}).get("awsvpcConfiguration") or {}).get("subnets") or ["subnet-local"]
    interface = {"name": "networkInterfaceId", "value": f"eni-{last(task_arn)[:17]}"}
    return {
        "id": f"{last(task_arn)[:8]}-eni",
        "type": "ElasticNetworkInterface",
        "status": "PRECREATED",
        "details": [{"name": "subnetId", "value": subnets[0]}, interface],
    }


def _container(task_arn: str, container: Document) -> Document:
    key = f"{last(task_arn)}-{container['name']}"
    return {
        "containerArn": arn(task_arn, "container", *task_arn.split("/")[1:], container["name"]),
        "taskArn": task_arn,
        "name": container["name"],
        "image": container["image"],
        "runtimeId": key,
        "lastStatus": "PENDING",
        "networkBindings": [],
        "networkInterfaces": [],
        "healthStatus": "UNKNOWN",
        "cpu": str(container.get("cpu", 0)),
    }
