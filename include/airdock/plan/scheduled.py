"""Which targets of rules and schedules follow a release, and where to: the same family, the new revision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Target = Mapping[str, Any]
"""A target as EventBridge and EventBridge Scheduler tell and take it; a schedule's has no Id."""


def family_of(task_definition: str) -> str:
    """The family in a task definition's ARN or name, with or without a revision."""
    return task_definition.rpartition("/")[2].partition(":")[0]


def runs(target: Target) -> str:
    """The task definition that a target runs; "" of one that is no ECS task."""
    return str((target.get("EcsParameters") or {}).get("TaskDefinitionArn", ""))


def follows(target: Target, task_definition: str) -> bool:
    """Whether a target is to run this revision and does not yet. One without a revision runs whatever was registered
    last, live or not: it gets the revision too."""
    now = runs(target)
    return now != task_definition and family_of(now) == family_of(task_definition) and now != ""


def retargeted(target: Target, task_definition: str) -> dict[str, Any]:
    """The target with another task definition and all else as it is."""
    return {**target, "EcsParameters": {**target["EcsParameters"], "TaskDefinitionArn": task_definition}}
