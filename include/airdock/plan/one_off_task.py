"""A one-off task of a release: what ECS is asked to run, and what its end means.

Shapes and words: Amazon ECS API Reference, RunTask and DescribeTasks; Amazon ECS Developer Guide, "Stopped tasks error
messages".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airdock.names import DELIVERY_TAG, Marker, idempotency_token
from airdock.plan.adoption import State
from airdock.spec.one_off_task import OneOffTask

STOPPED = "STOPPED"
MISSING = "MISSING"
"""Of a task that ECS does not tell of: not yet, just after its start, or not any more, an hour after its end."""


@dataclass(frozen=True, slots=True)
class TaskResult:
    """What a task came to; `exit_code` None when its container never ran or was broken off."""

    state: State
    sentence: str
    exit_code: int | None = None


def run_request(
    task: OneOffTask, container: str, task_definition: str, service: Mapping[str, Any], mark: Marker, again: int = 0
) -> dict[str, Any]:
    """RunTask's parameters: the new revision where and how the service (of DescribeServices) runs its own tasks.

    `again` counts the orders that ECS had no room for.
    """
    return {
        "taskDefinition": task_definition,
        "count": 1,
        "clientToken": idempotency_token(mark, again),
        "startedBy": mark.started_by,
        "tags": [{"key": DELIVERY_TAG, "value": str(mark)}],
        "overrides": _overrides(task, container),
        **_placement(_primary(service)),
    }


def task_state(facts: Mapping[str, Any], container: str) -> State:
    """What the task has come to, by the exit code of the container that runs the command.

    Where that container is not essential, the others go on after its end: then its exit code counts at once.
    """
    code = _exit_code(facts, container)
    if facts["status"] != STOPPED and (code is None or facts["desired"] == STOPPED):
        return State.RUNNING
    return State.SUCCEEDED if code == 0 else State.FAILED


def judge_task(facts: Mapping[str, Any], container: str, name: str) -> TaskResult:
    """What the end of a task, or of its command, means for the delivery."""
    code, state = _exit_code(facts, container), task_state(facts, container)
    if state is State.SUCCEEDED:
        return TaskResult(state, f"{name} ended with exit code 0 after {facts['seconds']:.0f} s", code)
    reasons = dict.fromkeys(reason for reason in (_reason(facts, container), facts["reason"]) if reason)
    ended = "did not run to an end" if code is None else f"ended with exit code {code}"
    return TaskResult(state, ": ".join([f"{name} {ended}", *(["; ".join(reasons)] if reasons else [])]), code)


def _overrides(task: OneOffTask, container: str) -> dict[str, Any]:
    sizes = {key: str(size) for key, size in (("cpu", task.cpu), ("memory", task.memory)) if size is not None}
    return {**sizes, "containerOverrides": [{"name": container, "command": list(task.command)}]}


def _primary(service: Mapping[str, Any]) -> Mapping[str, Any]:
    """What tells how the service runs its tasks: the primary task set where an external controller deploys."""
    task_sets = service.get("taskSets", [])
    return next((each for each in task_sets if each.get("status") == "PRIMARY"), service)


def _placement(told: Mapping[str, Any]) -> dict[str, Any]:
    """RunTask takes capacity providers or a launch type, never both."""
    placement = {key: told[key] for key in ("networkConfiguration", "platformVersion") if told.get(key)}
    way = "capacityProviderStrategy" if told.get("capacityProviderStrategy") else "launchType"
    return {**placement, **({way: told[way]} if told.get(way) else {})}


def _container(facts: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return next((each for each in facts["containers"] if each["name"] == name), {})


def _exit_code(facts: Mapping[str, Any], container: str) -> int | None:
    code = _container(facts, container).get("exit_code")
    return None if code is None else int(code)


def _reason(facts: Mapping[str, Any], container: str) -> str:
    return str(_container(facts, container).get("reason", ""))
