"""What a task needs before it can start, read from its definition; and what is said of each when it is looked up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airdock.plan.preflight import Check, ok, refused, unknown
from airdock.plan.task_images import containers

ROLES = {"taskRoleArn": "task role", "executionRoleArn": "execution role"}


@dataclass(frozen=True, slots=True)
class LogGroup:
    """Where a container writes; `region` "" is the service's. `created`: whether the log driver makes the group."""

    name: str
    region: str
    created: bool


def roles(definition: Mapping[str, Any]) -> dict[str, str]:
    """The roles by what they are for, each by its ARN or its name."""
    return {told: str(definition[key]) for key, told in ROLES.items() if definition.get(key)}


def log_groups(definition: Mapping[str, Any]) -> list[LogGroup]:
    """The CloudWatch log groups that the containers write to, each once."""
    return list(dict.fromkeys(_log_groups(definition)))


def references(definition: Mapping[str, Any]) -> list[str]:
    """What `valueFrom` and registry credentials name: secrets and parameters, each once."""
    return list(dict.fromkeys(_references(definition)))


def check_execution_role_is_named(definition: Mapping[str, Any]) -> list[Check]:
    """Secrets and logs are fetched with the execution role: without one the task never starts."""
    needs = [*references(definition), *(group.name for group in log_groups(definition))]
    if definition.get("executionRoleArn") or not needs:
        return []
    if "FARGATE" not in definition.get("requiresCompatibilities", []) and not references(definition):
        return []
    return [
        refused("execution role", f"the task definition names none, and {needs[0]} needs one: set executionRoleArn")
    ]


def images(definition: Mapping[str, Any], built: str) -> list[str]:
    """The images that the containers run, the built one first, each once."""
    return list(dict.fromkeys([built, *(str(each["image"]) for each in containers(definition) if each.get("image"))]))


def check_image(uri: str, found: bool, built: bool = True) -> Check:
    """`built`: whether the release's build has made it; the others are fixed in pipeline or task definition."""
    if found:
        return ok("image", f"{uri} is in its repository")
    advice = "build it again" if built else "push it, or name another"
    return refused("image", f"{uri} is not in its repository (any more): {advice}")


def image_elsewhere(uri: str) -> Check:
    return unknown("image", f"{uri} is not in ECR, and nobody looks for it elsewhere")


def check_log_group(group: LogGroup, found: bool) -> Check:
    if found:
        return ok("log group", f"{group.name} exists")
    if group.created:
        return ok("log group", f"{group.name} is made by the first task, as awslogs-create-group says")
    told = f"there is no log group {group.name}, and no task starts without"
    return refused("log group", f"{told}: create it, or set awslogs-create-group")


def check_reference(kind: str, name: str, found: bool, deleted: bool = False) -> Check:
    """`kind`: secret or parameter; `deleted`: whether a secret is scheduled for deletion."""
    if deleted:
        return refused(kind, f"{name} is scheduled for deletion: restore it, or name another")
    if found:
        return ok(kind, f"{name} exists")
    return refused(kind, f"there is no {kind} {name}: create it, or mend the task definition's valueFrom")


def _log_groups(definition: Mapping[str, Any]) -> Iterator[LogGroup]:
    for container in containers(definition):
        log = container.get("logConfiguration") or {}
        told = log.get("options") or {}
        if log.get("logDriver") == "awslogs" and told.get("awslogs-group"):
            created = str(told.get("awslogs-create-group", "")).lower() == "true"
            yield LogGroup(str(told["awslogs-group"]), str(told.get("awslogs-region", "")), created)


def _references(definition: Mapping[str, Any]) -> Iterator[str]:
    for container in containers(definition):
        log = container.get("logConfiguration") or {}
        for each in (*(container.get("secrets") or ()), *(log.get("secretOptions") or ())):
            yield str(each["valueFrom"])
        if credentials := (container.get("repositoryCredentials") or {}).get("credentialsParameter"):
            yield str(credentials)
