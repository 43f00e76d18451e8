"""What ECS remembers: documents in the API's shapes, plus what is our own under "_"."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime
from typing import Any

from local_aws.world import World

Document = dict[str, Any]

SERVICE = "ecs_service"
TASK_SET = "ecs_task_set"
TASK = "ecs_task"
RUN = "ecs_run"
MOST_EVENTS = 100
MOST_STOPPED_TASKS = 100


def shown(document: Any) -> Any:
    """A document as the API shows it: without what is our own, with times as times."""
    if isinstance(document, list):
        return [shown(item) for item in document]
    if not isinstance(document, dict):
        return document
    return {name: _shown(name, value) for name, value in document.items() if name != "_"}


def _shown(name: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if name.endswith("At") and isinstance(value, str) else shown(value)


def now(world: World) -> str:
    """This moment, as documents keep it."""
    return world.clock.now().isoformat()


def arn(like: str, kind: str, *names: str) -> str:
    """An ARN in the account and region of another one."""
    return ":".join([*like.split(":")[:5], "/".join((kind, *names))])


def region_of(any_arn: str) -> str:
    """The region in an ARN."""
    return any_arn.split(":")[3]


def cluster_of(any_arn: str) -> str:
    """The cluster's name in the ARN of a cluster, service, task or task set."""
    return any_arn.split("/")[1]


def last(any_arn: str) -> str:
    """The last name in an ARN: the id of a task or task set, the name of a service or cluster."""
    return any_arn.rpartition("/")[2]


def deployment_id() -> str:
    """An id as deployments and task sets have."""
    return f"ecs-svc/{secrets.randbelow(10**19):019d}"


def task_id() -> str:
    """A task's id."""
    return uuid.uuid4().hex


def add_event(world: World, service_arn: str, message: str) -> None:
    """Put a line at the top of a service's events."""
    event = {"id": str(uuid.uuid4()), "createdAt": now(world), "message": message}

    def add(service: Document) -> None:
        service["events"] = [event, *service["events"]][:MOST_EVENTS]

    if world.store.get(SERVICE, service_arn):
        world.store.update(SERVICE, service_arn, add)


def tasks_of(world: World, service_arn: str) -> list[Document]:
    """A service's tasks that are not stopped, oldest first."""
    tasks = world.store.having(TASK, "$._.service", service_arn)
    return [task for task in tasks if task["lastStatus"] != "STOPPED"]


def forget_old_tasks(world: World) -> None:
    """Forget all but the latest stopped tasks of services; those of RunTask answer for their client tokens."""
    stopped = [task for task in world.store.all(TASK) if task["lastStatus"] == "STOPPED" and task["_"]["service"]]
    for task in sorted(stopped, key=lambda task: str(task["stoppedAt"]))[:-MOST_STOPPED_TASKS]:
        world.store.delete(TASK, task["taskArn"])


def task_sets_of(world: World, service_arn: str) -> list[Document]:
    """A service's task sets, oldest first."""
    return world.store.having(TASK_SET, "$.serviceArn", service_arn)
