"""What a round of the scheduler leaves behind: steady states, finished deployments, task sets that are gone."""

from __future__ import annotations

from collections.abc import Sequence

from local_aws.ecs.decisions import Owner, Seen, steady
from local_aws.ecs.records import SERVICE, TASK_SET, Document, add_event, now, task_sets_of
from local_aws.ecs.rollout_events import emit_action
from local_aws.ecs.rollouts.sight import counted
from local_aws.ecs.setbacks import forget_setbacks
from local_aws.world import World


def settle(world: World, service: Document, owners: Sequence[Owner], tasks: Sequence[Seen]) -> None:
    """Write down what follows from how the tasks stand."""
    for owner in owners:
        if owner.id in service["_"]["failures"] and any(task.ready and task.owner == owner.id for task in tasks):
            forget_setbacks(world, service["serviceArn"], owner.id)
    _settle_task_sets(world, service, owners, tasks)
    _note_counts(world, service, owners, tasks)
    _tell_steady(world, service, [owner.id for owner in owners if steady(owner, tasks)], owners, tasks)
    if service["status"] == "DRAINING" and not tasks and not task_sets_of(world, service["serviceArn"]):
        world.store.update(SERVICE, service["serviceArn"], _ended)
        world.threads.wakeups.notify()


def _settle_task_sets(world: World, service: Document, owners: Sequence[Owner], tasks: Sequence[Seen]) -> None:
    by_id = {owner.id: owner for owner in owners}
    for task_set in task_sets_of(world, service["serviceArn"]):
        owner = by_id.get(task_set["id"])
        if owner is None:
            continue
        if task_set["status"] == "DRAINING":
            if not any(task.owner == owner.id for task in tasks):
                world.store.delete(TASK_SET, task_set["taskSetArn"])
                world.threads.wakeups.notify()
            continue
        _settle_task_set(world, service, task_set, owner, steady(owner, tasks))


def _settle_task_set(world: World, service: Document, task_set: Document, owner: Owner, is_steady: bool) -> None:
    status = "STEADY_STATE" if is_steady else "STABILIZING"
    if status == task_set["stabilityStatus"]:
        return

    def change(document: Document) -> None:
        # It may have been rescaled since it was looked at.
        if document["computedDesiredCount"] == owner.desired:
            document |= {"stabilityStatus": status, "stabilityStatusAt": now(world)}

    world.store.update(TASK_SET, task_set["taskSetArn"], change)
    if is_steady:
        name = f"(service {service['serviceName']}, taskSet {owner.id})"
        add_event(world, service["serviceArn"], f"{name} has reached a steady state.")
        emit_action(world, service, "INFO", "TASKSET_STEADY_STATE")


def _note_counts(world: World, service: Document, owners: Sequence[Owner], tasks: Sequence[Seen]) -> None:
    """Service deployments go on from what is counted here."""
    if counted(service, owners, tasks):
        world.store.update(SERVICE, service["serviceArn"], lambda document: _counted(document, owners, tasks))
        world.threads.wakeups.notify()


def _counted(service: Document, owners: Sequence[Owner], tasks: Sequence[Seen]) -> None:
    counted(service, owners, tasks)


def _tell_steady(
    world: World, service: Document, steady_ids: list[str], owners: Sequence[Owner], tasks: Sequence[Seen]
) -> None:
    """Tell once that the whole service is steady, and again only after it was not."""
    orphans = {task.owner for task in tasks} - {owner.id for owner in owners}
    now_steady = bool(owners) and len(steady_ids) == len(owners) and not orphans
    if now_steady == bool(service["_"]["steady"]):
        return

    def change(document: Document) -> None:
        document["_"]["steady"] = now_steady

    world.store.update(SERVICE, service["serviceArn"], change)
    if now_steady:
        message = f"(service {service['serviceName']}) has reached a steady state."
        add_event(world, service["serviceArn"], message)
        emit_action(world, service, "INFO", "SERVICE_STEADY_STATE")


def _ended(service: Document) -> None:
    service |= {"status": "INACTIVE", "deployments": []}
