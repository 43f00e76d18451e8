"""How a service deployment begins: with CreateService, and with each UpdateService that changes what runs."""

from __future__ import annotations

from typing import Any

from local_aws.ecs.deployments import deploy, new_deployment, set_desired
from local_aws.ecs.records import SERVICE, Document
from local_aws.ecs.rollout_events import emit_deployment
from local_aws.ecs.rollouts import records
from local_aws.ecs.rollouts.engine import drive
from local_aws.ecs.rollouts.planning import plan_of, resolved
from local_aws.ecs.rollouts.progress import Plan, Progress, as_document
from local_aws.world import World


def begin(world: World, service: Document, definition: Any) -> None:
    """Begin to bring a task definition into service.

    `service` is the service as it is to be, with the deployments that it has; `records.creating` is held.
    """
    strategy = service["deploymentConfiguration"].get("strategy") or "ROLLING"
    deployment = new_deployment(service, definition.arn, resolved(service, strategy))
    plan = plan_of(world.clock, records.new_arn(service), service, deployment)
    deployment["_"] |= {"wanted": plan.begins_wanted, "beside": not plan.rolling}
    records.put_revision(world, service, deployment, definition.container_definitions)
    world.store.put(records.DEPLOYMENT, plan.arn, _document(world, service, plan))
    _deploy(world, service, plan, deployment)
    records.supersede(world, service["serviceArn"], plan.arn)
    reason = deployment["rolloutStateReason"]
    emit_deployment(world, service["serviceArn"], deployment["id"], "SERVICE_DEPLOYMENT_IN_PROGRESS", reason)
    drive(world, plan.arn)


def _document(world: World, service: Document, plan: Plan) -> Document:
    created = world.clock.now().timestamp()
    ids = [key for key in (plan.source, *plan.others) if key]
    return {
        "service": service["serviceArn"],
        "cluster": service["clusterArn"],
        "revision": records.revision_arn(service, plan.target),
        "sources": {key: records.revision_arn(service, key) for key in ids},
        "configuration": service["deploymentConfiguration"],
        "plan": as_document(plan),
        "progress": as_document(Progress(created=created, updated=created)),
    }


def _deploy(world: World, service: Document, plan: Plan, deployment: Document) -> None:
    """In one transaction, so that the scheduler never sees half of it."""
    settings = {name: value for name, value in service.items() if name not in ("deployments", "events", "_")}

    def change(known: Document) -> None:
        if known.get("status") != "ACTIVE":
            known.clear()
        known |= settings if known else service
        deploy(known, deployment, replaces=plan.begins_wanted)
        for each in known["deployments"]:
            if each["id"] == plan.source and not plan.begins_wanted:
                each["_"]["wanted"] = True
        set_desired(known)

    world.store.update(SERVICE, service["serviceArn"], change)
    world.threads.wakeups.notify()
