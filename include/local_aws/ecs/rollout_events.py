"""What EventBridge hears of services: "Amazon ECS events" of the developer guide."""

from __future__ import annotations

from local_aws.ecs.records import Document, now, region_of
from local_aws.world import World


def emit_deployment(world: World, service_arn: str, deployment: str, name: str, reason: str) -> None:
    """The event "ECS Deployment State Change"."""
    detail = {
        "eventType": "ERROR" if name == "SERVICE_DEPLOYMENT_FAILED" else "INFO",
        "eventName": name,
        "deploymentId": deployment,
        "updatedAt": now(world),
        "reason": reason,
    }
    world.events.emit("aws.ecs", "ECS Deployment State Change", detail, [service_arn], region_of(service_arn))
    world.threads.wakeups.notify()


def emit_action(world: World, service: Document, event_type: str, name: str) -> None:
    """The event "ECS Service Action"."""
    detail = {
        "eventType": event_type,
        "eventName": name,
        "clusterArn": service["clusterArn"],
        "createdAt": now(world),
    }
    world.events.emit(
        "aws.ecs", "ECS Service Action", detail, [service["serviceArn"]], region_of(service["serviceArn"])
    )
    world.threads.wakeups.notify()
