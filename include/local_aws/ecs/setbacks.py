"""How often a service's tasks failed in a row, which slows down the next start."""

from __future__ import annotations

from local_aws.ecs.decisions import pause_seconds
from local_aws.ecs.records import SERVICE, Document, add_event
from local_aws.ecs.rollout_events import emit_action
from local_aws.world import World

IMPAIRED_AFTER = 3
_CODES = ("TaskFailedToStart", "EssentialContainerExited")
SHORTEST_PAUSE_SECONDS = 0.3


def note_setback(world: World, task: Document) -> None:
    """Count a task that failed against the deployment or task set which started it."""
    service_arn, owner = task["_"]["service"], task["_"]["owner"]
    failed = task.get("stopCode") in _CODES or str(task.get("stoppedReason")).startswith("Task failed")
    if not failed or not service_arn or world.store.get(SERVICE, service_arn) is None:
        return
    service = world.store.update(SERVICE, service_arn, lambda document: _counted(world, document, owner))
    if service["_"]["failures"][owner] == IMPAIRED_AFTER:
        name = service["serviceName"]
        add_event(world, service_arn, f"(service {name}) is unable to consistently start tasks successfully.")
        emit_action(world, service, "WARN", "SERVICE_TASK_START_IMPAIRED")


def forget_setbacks(world: World, service_arn: str, owner: str) -> None:
    """A task of theirs is healthy: the next failure is a first one again."""

    def change(service: Document) -> None:
        service["_"]["failures"].pop(owner, None)
        service["_"]["retry"].pop(owner, None)

    world.store.update(SERVICE, service_arn, change)


def may_start(world: World, service: Document, owner: str) -> bool:
    """Whether the pause after the last failure is over."""
    return world.clock.now().timestamp() >= float(service["_"]["retry"].get(owner, 0))


def _counted(world: World, service: Document, owner: str) -> None:
    failures = service["_"]["failures"][owner] = service["_"]["failures"].get(owner, 0) + 1
    pause = pause_seconds(failures)
    wait = world.clock.seconds(pause, SHORTEST_PAUSE_SECONDS) if pause else 0.0
    service["_"]["retry"][owner] = world.clock.now().timestamp() + wait
    for deployment in service["deployments"]:
        if deployment["id"] == owner:
            deployment["failedTasks"] += 1
