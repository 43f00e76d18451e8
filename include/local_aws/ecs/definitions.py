"""Task definitions: moto keeps them; sizes are checked, and no field of a registration is lost."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import camelcase_to_underscores
from moto.ecs.models import TaskDefinition
from moto.ecs.responses import EC2ContainerServiceResponse as MotoResponse

from local_aws.ecs.fargate import FargateSizeError, check_size
from local_aws.ecs.refusals import ClientError, InvalidParameterError
from local_aws.world import world

Document = dict[str, Any]
# What RegisterTaskDefinition takes; moto's record has no place for some of it.
_KEPT_BY_MOTO = frozenset({"family", "containerDefinitions", "tags"})


class Definitions(MotoResponse):
    """The actions on task definitions."""

    def register_task_definition(self) -> ActionResult:
        """Register a revision."""
        given = dict(self._get_params())
        _check(given)
        result = super().register_task_definition()
        definition: Any = result.result["taskDefinition"]  # type: ignore[index]
        for name, value in given.items():
            if name not in _KEPT_BY_MOTO and getattr(definition, camelcase_to_underscores(name), None) is None:
                setattr(definition, camelcase_to_underscores(name), value)
        _complete(definition)
        definition.registered_at = world().clock.now()
        definition.registered_by = f"arn:aws:iam::{self.current_account}:root"
        tags = {"tags": given["tags"]} if given.get("tags") else {}
        return ActionResult({"taskDefinition": definition, **tags})

    def deregister_task_definition(self) -> ActionResult:
        """Mark a revision INACTIVE; it stays to be described."""
        result = super().deregister_task_definition()
        definition: Any = result.result["taskDefinition"]  # type: ignore[index]
        definition.deregistered_at = world().clock.now()
        return result

    def list_task_definitions(self) -> ActionResult:
        """ARNs by family and revision, a page at a time; `sort` DESC has the newest first."""
        family, status = self._get_param("familyPrefix"), self._get_param("status") or "ACTIVE"
        found = [_by_revision(arn) for arn in self.ecs_backend.list_task_definitions(family, status)]
        ordered = [arn for *_, arn in sorted(found, reverse=self._get_param("sort") == "DESC")]
        return ActionResult(self._page("taskDefinitionArns", ordered))

    def definition(self, name: str) -> TaskDefinition:
        """The task definition that a request names; an INACTIVE one starts no task.

        Raises ClientError.
        """
        found = self.ecs_backend.describe_task_definition(name)
        if found.status != "ACTIVE":
            raise ClientError("TaskDefinition is inactive")
        return found

    def _page(self, key: str, items: list[Any], most: int = 100) -> Document:
        first = int(self._get_param("nextToken") or 0)
        end = first + int(self._get_param("maxResults") or most)
        return {key: items[first:end], **({"nextToken": str(end)} if end < len(items) else {})}


def snapshot(definition: TaskDefinition) -> Document:
    """What a task needs of its task definition, for as long as it lives."""
    return {
        "arn": definition.arn,
        "family": definition.family,
        "cpu": definition.cpu,
        "memory": definition.memory,
        "networkMode": definition.network_mode,
        "containers": definition.container_definitions,
    }


def _check(given: Document) -> None:
    if "FARGATE" in (given.get("requiresCompatibilities") or ()):
        if given.get("networkMode") != "awsvpc":
            raise ClientError("Fargate only supports network mode 'awsvpc'.")
        try:
            check_size(given.get("cpu"), given.get("memory"))
        except FargateSizeError as refused:
            raise ClientError(str(refused)) from refused
    names = [container.get("name") for container in given.get("containerDefinitions", [])]
    if not names:
        raise ClientError("Container list cannot be empty.")
    if len(set(names)) != len(names):
        raise ClientError("Container names must be unique within a task definition.")
    if not any(container.get("essential", True) for container in given["containerDefinitions"]):
        raise InvalidParameterError("A task definition must have at least one essential container.")


def _complete(definition: TaskDefinition) -> None:
    """ECS shows what it fills in: under awsvpc the host's port is the container's."""
    if definition.network_mode != "awsvpc":
        return
    for container in definition.container_definitions:
        mappings: Any = container["portMappings"]
        for mapping in mappings:
            if "containerPort" in mapping:
                mapping.setdefault("hostPort", mapping["containerPort"])
            mapping.setdefault("protocol", "tcp")


def _by_revision(arn: str) -> tuple[str, int, str]:
    family, _, revision = arn.rpartition("/")[2].rpartition(":")
    return family, int(revision), arn
