"""The AppSpec of a service that brings none of its own: made from what ECS tells of it."""

from __future__ import annotations

from airdock.aws.production import Service, container_of, described
from airdock.aws.task_definitions import definition
from airdock.errors import Refused
from airdock.plan.appspec import AppSpec, from_service


def made_for(service: Service, task_definition: str, port: int | None) -> AppSpec:
    """An AppSpec for the service as it is now, with another task definition.

    Raises:
        Refused: no such service or container, or its port can't be told.
        Fault: AWS is out of reach.
    """
    told = definition(service.account, task_definition)
    container = container_of(told["containerDefinitions"], service.container)
    if container is None:
        raise Refused(f"the task definition {task_definition} has no container {service.container or 'of its own'!r}")
    return from_service(described(service), task_definition, told, container["name"], port)
