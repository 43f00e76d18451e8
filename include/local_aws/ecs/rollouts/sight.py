"""How a service stands, as its service deployment sees it: the scheduler's counts, from the service's record."""

from __future__ import annotations

from collections.abc import Sequence

from local_aws.ecs.decisions import Owner, Seen
from local_aws.ecs.records import Document
from local_aws.ecs.rollouts.acts import Side, Sight
from local_aws.ecs.rollouts.progress import Plan


def sight_of(service: Document, plan: Plan, waits: bool) -> Sight:
    """What a decision about a service deployment rests on."""
    if service.get("status") != "ACTIVE":
        return Sight(None, Side(), 0)
    sides = {deployment["id"]: _side(service, deployment) for deployment in service["deployments"]}
    others = sum(side.tasks for key, side in sides.items() if key not in (plan.target, plan.source))
    orphans = service["_"].get("orphans", 0)
    source = sides.get(plan.source, Side())
    return Sight(sides.get(plan.target), source, service["desiredCount"], others + orphans, waits)


def _side(service: Document, deployment: Document) -> Side:
    own, in_a_row = deployment["_"], service["_"]["failures"].get(deployment["id"], 0)
    return Side(deployment["desiredCount"], own["tasks"], own["healthy"], in_a_row, deployment["failedTasks"])


def counted(service: Document, owners: Sequence[Owner], tasks: Sequence[Seen]) -> bool:
    """Write the scheduler's counts into a service's record; whether they are new."""
    known = {owner.id for owner in owners}
    orphans = sum(task.owner not in known for task in tasks)
    changed = service["_"].get("orphans", 0) != orphans
    service["_"]["orphans"] = orphans
    for deployment in service["deployments"]:
        own = [task for task in tasks if task.owner == deployment["id"]]
        counts = {"tasks": len(own), "healthy": sum(task.ready and task.alive for task in own)}
        changed = changed or any(deployment["_"][name] != count for name, count in counts.items())
        deployment["_"] |= counts
    return changed
