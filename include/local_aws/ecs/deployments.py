"""Who wants a service's tasks: its deployments, or its task sets."""

from __future__ import annotations

from typing import Any

from local_aws.ecs.decisions import scaled
from local_aws.ecs.records import TASK_SET, Document, arn, deployment_id, last, now
from local_aws.world import world

DEPLOYED = ("launchType", "capacityProviderStrategy", "platformVersion", "networkConfiguration", "loadBalancers")
OWN = {"wanted": True, "beside": False, "proven": False, "halted": False, "tasks": 0, "healthy": 0}


def new_deployment(service: Document, definition_arn: str, balancers: list[Document]) -> Document:
    """A deployment of a service as it is now, with the target groups that its tasks are registered with.

    Its own: whether it is to have tasks, whether it was ever completed, and how many tasks the scheduler sees.
    """
    moment = now(world())
    key = deployment_id()
    return {
        "id": key,
        "status": "PRIMARY",
        "taskDefinition": definition_arn,
        "desiredCount": service["desiredCount"],
        "failedTasks": 0,
        "createdAt": moment,
        "updatedAt": moment,
        "rolloutState": "IN_PROGRESS",
        "rolloutStateReason": f"ECS deployment {key} in progress.",
        **{name: service[name] for name in (*DEPLOYED, "platformFamily") if name in service},
        "loadBalancers": balancers,
        "_": {**OWN, "balancers": service["loadBalancers"]},
    }


def deploy(service: Document, deployment: Document, replaces: bool = True) -> None:
    """Make a deployment the primary one; those before it go on until it has replaced them."""
    for other in service["deployments"]:
        other["status"] = "ACTIVE"
        other["_"]["wanted"] = other["_"]["wanted"] and not replaces
    service["deployments"] = [deployment, *service["deployments"]]
    serve(service, deployment)


def serve(service: Document, deployment: Document) -> None:
    """Have the service show what a deployment runs."""
    service |= {name: deployment[name] for name in DEPLOYED if name in deployment}
    service |= {"taskDefinition": deployment["taskDefinition"], "loadBalancers": deployment["_"]["balancers"]}


def set_desired(service: Document) -> None:
    """Only the deployments that are to have tasks get a share of the desired count: all of it."""
    for deployment in service["deployments"]:
        deployment["desiredCount"] = service["desiredCount"] if deployment["_"]["wanted"] else 0


def make_primary(service: Document) -> None:
    """ECS makes a CODE_DEPLOY service's first task set itself; it is the first deployment's blue."""
    key = deployment_id()
    task_set = {
        "id": key,
        "taskSetArn": arn(service["clusterArn"], "task-set", last(service["clusterArn"]), service["serviceName"], key),
        "serviceArn": service["serviceArn"],
        "clusterArn": service["clusterArn"],
        "status": "PRIMARY",
        "taskDefinition": service["taskDefinition"],
        "computedDesiredCount": service["desiredCount"],
        "createdAt": now(world()),
        "updatedAt": now(world()),
        "scale": {"value": 100.0, "unit": "PERCENT"},
        "stabilityStatus": "STABILIZING",
        "stabilityStatusAt": now(world()),
        "tags": [],
        "serviceRegistries": service["serviceRegistries"],
        **{name: service[name] for name in (*DEPLOYED, "platformFamily") if name in service},
        "_": {},
    }
    world().store.put(TASK_SET, task_set["taskSetArn"], task_set)


def launch_type(given: Document) -> Document:
    """The launch type of what runs on no capacity providers, which take its place."""
    return {} if given.get("capacityProviderStrategy") else {"launchType": "FARGATE"}


def amend(kind: str, key: str, **fields: Any) -> None:
    """Set fields of a document."""
    world().store.update(kind, key, lambda document: {**document, **fields})


def rescale(task_set: Document, desired: int, percent: float | None = None) -> None:
    """Give a task set its share of the desired count; a changed one has to stabilise anew."""

    def change(document: Document) -> None:
        if percent is not None:
            document["scale"] = {"value": float(percent), "unit": "PERCENT"}
        count = scaled(desired, document["scale"]["value"])
        if count != document["computedDesiredCount"]:
            moment = now(world())
            document |= {"computedDesiredCount": count, "updatedAt": moment}
            document |= {"stabilityStatus": "STABILIZING", "stabilityStatusAt": moment}

    world().store.update(TASK_SET, task_set["taskSetArn"], change)
