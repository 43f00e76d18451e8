"""How a task of a service stands: ready, or to be replaced and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from local_aws.ecs.decisions import Seen
from local_aws.ecs.records import Document
from local_aws.ecs.start_plan import health_check

States = Mapping[tuple[str, str, int], str]
"""Target state by target group ARN, address and port."""


def seen(task: Document, states: States, now: datetime, grace_seconds: float) -> Seen:
    """A task as the decisions see it; `grace_seconds` are real ones, in which a failing target is forgiven."""
    return Seen(
        arn=task["taskArn"],
        owner=task["_"]["owner"],
        ready=_ready(task, states),
        stopping=task["desiredStatus"] == "STOPPED",
        failing=_failing(task, states, now, grace_seconds),
    )


def _ready(task: Document, states: States) -> bool:
    definitions = task["_"]["definition"]["containers"]
    checked = {container["name"] for container in definitions if health_check(container)}
    return (
        task["lastStatus"] == "RUNNING"
        and all(_state(target, states) == "healthy" for target in task["_"]["targets"])
        and all(entry["healthStatus"] == "HEALTHY" for entry in task["containers"] if entry["name"] in checked)
    )


def _failing(task: Document, states: States, now: datetime, grace_seconds: float) -> str | None:
    if task["lastStatus"] != "RUNNING":
        return None
    if task.get("healthStatus") == "UNHEALTHY":
        return "Task failed container health checks"
    if now < datetime.fromisoformat(task["startedAt"]) + timedelta(seconds=grace_seconds):
        return None
    groups = [target["group"] for target in task["_"]["targets"] if _state(target, states) == "unhealthy"]
    return f"Task failed ELB health checks in (target-group {groups[0]})" if groups else None


def _state(target: Document, states: States) -> str | None:
    return states.get((target["group"], target["id"], int(target["port"])))
