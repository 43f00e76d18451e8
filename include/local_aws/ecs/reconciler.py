"""The service scheduler: one thread that compares what services want with what there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from moto.ecs.models import ecs_backends

from local_aws.ecs.decisions import Moves, Owner, Seen, one_after_the_other, only_replacing, side_by_side
from local_aws.ecs.definitions import snapshot
from local_aws.ecs.keeper import keep
from local_aws.ecs.outlook import settle
from local_aws.ecs.records import SERVICE, Document, add_event, last, region_of, task_sets_of, tasks_of
from local_aws.ecs.rolling import Limits
from local_aws.ecs.setbacks import may_start
from local_aws.ecs.standing import States, seen
from local_aws.ecs.task_records import Origin, ask_to_stop, new_task, new_task_arn
from local_aws.elbv2.targets import states_of_all
from local_aws.world import World

TICK_SECONDS = 0.5
PAUSE_AWS_SECONDS, SHORTEST_PAUSE_SECONDS = 2, 0.1
"""Between two rounds, however many wake-ups come."""
# A program takes real seconds to start, however fast the clock runs.
SHORTEST_GRACE_SECONDS = 10.0


def reconcile_often(world: World) -> None:
    """Reconcile every service, for ever."""
    while not world.threads.stopping.is_set():
        states = states_of_all(world.store)
        for service in world.store.all(SERVICE):
            if service["status"] != "INACTIVE":
                _reconcile_if_possible(world, service, states)
        world.clock.pause(PAUSE_AWS_SECONDS, SHORTEST_PAUSE_SECONDS)
        world.threads.wakeups.wait(TICK_SECONDS)


def _reconcile_if_possible(world: World, service: Document, states: States) -> None:
    try:
        reconcile(world, service, states)
    except (ClientError, BotoCoreError) as error:
        if not world.threads.stopping.is_set():
            world.log.warning("%s is not reconciled: %s", service["serviceArn"], error)


def reconcile(world: World, service: Document, states: States) -> None:
    """One round for one service."""
    tasks = tasks_of(world, service["serviceArn"])
    grace = world.clock.seconds(service.get("healthCheckGracePeriodSeconds") or 0, SHORTEST_GRACE_SECONDS)
    views = [seen(task, states, world.clock.now(), grace) for task in tasks]
    owners = owners_of(world, service)
    moves = _moves(service, owners, views)
    _stop(world, service, moves)
    for owner in owners:
        wanted = moves.start.get(owner.id, 0)
        if wanted and may_start(world, service, owner.id):
            _start(world, service, owner, wanted)
    settle(world, service, owners, views)


def owners_of(world: World, service: Document) -> list[Owner]:
    """Who wants tasks: the deployments, the newest first, or the task sets."""
    if service["deploymentController"]["type"] == "ECS":
        return [Owner(deployment["id"], deployment["desiredCount"]) for deployment in service["deployments"]]
    sets = task_sets_of(world, service["serviceArn"])
    return [Owner(task_set["id"], task_set["computedDesiredCount"], "taskset") for task_set in sets]


def _moves(service: Document, owners: Sequence[Owner], views: Sequence[Seen]) -> Moves:
    if service["deploymentController"]["type"] != "ECS":
        return side_by_side(owners, views)
    if service["status"] == "ACTIVE" and service["deployments"][0]["_"]["halted"]:
        return only_replacing(views)
    if any(deployment["_"]["wanted"] for deployment in service["deployments"][1:]):
        return side_by_side(owners, views)
    config = service["deploymentConfiguration"]
    limits = Limits(int(config["minimumHealthyPercent"]), int(config["maximumPercent"]))
    return one_after_the_other(owners, views, limits)


def _stop(world: World, service: Document, moves: Moves) -> None:
    for task_arn, reason in moves.stop.items():
        ask_to_stop(world, task_arn, "ServiceSchedulerInitiated", reason)
    if moves.stop:
        named = ", ".join(f"(task {last(task_arn)})" for task_arn in moves.stop)
        name = service["serviceName"]
        message = f"(service {name}) has stopped {len(moves.stop)} running tasks: {named}."
        add_event(world, service["serviceArn"], message)
    for reason in {reason for reason in moves.stop.values() if reason.startswith("Task failed")}:
        add_event(world, service["serviceArn"], f"(service {service['serviceName']}) is unhealthy: {reason}.")


def _start(world: World, service: Document, owner: Owner, count: int) -> None:
    wanted = _wanted(world, service, owner)
    definition = _definition(wanted["taskDefinition"])
    origin = Origin(
        cluster=service["clusterArn"],
        group=f"service:{service['serviceName']}",
        owner=owner.id,
        service=service["serviceArn"],
        task_set=owner.id if owner.noun == "taskset" else None,
        load_balancers=wanted.get("loadBalancers") or [],
        started_by=owner.id,
        network=wanted.get("networkConfiguration"),
        tags=_propagated(service, definition),
        launch_type=wanted.get("launchType") or "FARGATE",
        platform_version=wanted.get("platformVersion") or "LATEST",
    )
    arns = [new_task_arn(service["clusterArn"]) for _ in range(count)]
    for task_arn in arns:
        new_task(world, snapshot(definition), origin, task_arn)
        keep(world, task_arn)
    named = ", ".join(f"(task {last(task_arn)})" for task_arn in arns)
    add_event(world, service["serviceArn"], f"(service {service['serviceName']}) has started {count} tasks: {named}.")


def _wanted(world: World, service: Document, owner: Owner) -> Document:
    known = [*service["deployments"], *task_sets_of(world, service["serviceArn"])]
    return next(entry for entry in known if entry["id"] == owner.id)


def _definition(definition_arn: str) -> Any:
    account, region = definition_arn.split(":")[4], region_of(definition_arn)
    return ecs_backends[account][region].describe_task_definition(definition_arn)


def _propagated(service: Document, definition: Any) -> list[Document]:
    match service.get("propagateTags"):
        case "SERVICE":
            return list(service.get("tags") or [])
        case "TASK_DEFINITION":
            return list(definition.tags)
    return []
