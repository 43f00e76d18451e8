"""The AppSpec of a service that brings none of its own: made from what ECS tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airdock.aws.production import Service, container_of
from airdock.aws.task_definitions import definition
from airdock.errors import Refused
from airdock.plan.appspec import AppSpec, from_service


def made_for(service: Service, told: Mapping[str, Any], task_definition: str, port: int | None = None) -> AppSpec:
    """An AppSpec for the service as it is `told` to be now, with another task definition.

    Raises:
        Refused: no such container, or its port can't be told.
        Fault: AWS is out of reach.
    """
    new = definition(service.account, task_definition)
    container = container_of(new["containerDefinitions"], service.container)
    if container is None:
        raise Refused(f"the task definition {task_definition} has no container {service.container or 'of its own'!r}")
    return from_service(told, task_definition, new, container["name"], port)
