"""How a task's containers are to be started: the task definition, the overrides, and the secrets."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from local_aws.ecs.fargate import memory_mib
from local_aws.ecs.records import Document, region_of
from local_aws.runtime.container import Image, Start
from local_aws.world import World

# ECS's defaults, in AWS seconds.
STOP_SECONDS = 30
CHECK_SECONDS = 30


class ResourceInitializationError(Exception):
    """Something that a task needs before it can start is not there."""


@dataclass(frozen=True)
class HealthCheck:
    """A container's health check; durations are AWS seconds."""

    command: tuple[str, ...]
    interval_seconds: int
    timeout_seconds: int
    retries: int
    start_seconds: int


def start_of(world: World, task: Document, container: Document, image: Image) -> Start:
    """How to start one container.

    Raises ResourceInitializationError.
    """
    override = override_of(task, container["name"])
    environment = {
        "AWS_REGION": region_of(task["taskArn"]),
        "AWS_DEFAULT_REGION": region_of(task["taskArn"]),
        "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
        **_pairs(container),
        **{secret["name"]: _secret(world, task, secret["valueFrom"]) for secret in container.get("secrets") or []},
        **_pairs(override),
    }
    command = override.get("command") or container.get("command")
    sized = {**container, **override}
    return Start(
        image=image,
        environment=environment,
        entry_point=container.get("entryPoint") or None,
        command=command or None,
        working_directory=container.get("workingDirectory"),
        address=task["_"]["address"],
        user=container.get("user"),
        memory_mib=sized.get("memory") or memory_mib(task.get("memory") or "0"),
        memory_reservation_mib=sized.get("memoryReservation") or 0,
        cpu_units=sized.get("cpu") or 0,
        read_only=bool(container.get("readonlyRootFilesystem")),
    )


def override_of(task: Document, name: str) -> Document:
    """What RunTask changed for a container."""
    overrides: list[Document] = task["overrides"].get("containerOverrides") or []
    return next((override for override in overrides if override["name"] == name), {})


def health_check(container: Document) -> HealthCheck | None:
    """The container's health check, None when it has none."""
    given: dict[str, Any] = container.get("healthCheck") or {}
    kind, *words = given.get("command") or ["NONE"]
    if kind == "NONE":
        return None
    if kind == "CMD-SHELL":
        command: tuple[str, ...] = ("/bin/sh", "-c", " ".join(words))
    else:
        command = tuple(words) if kind == "CMD" else (kind, *words)
    return HealthCheck(
        command,
        int(given.get("interval") or CHECK_SECONDS),
        int(given.get("timeout") or 5),
        int(given.get("retries") or 3),
        int(given.get("startPeriod") or 0),
    )


def ports_of(definition: Document) -> list[int]:
    """Every port on which a task's containers listen."""
    mappings = [mapping for container in definition["containers"] for mapping in container["portMappings"]]
    return [int(mapping["containerPort"]) for mapping in mappings if mapping.get("containerPort")]


def _pairs(container: Document) -> dict[str, str]:
    return {entry["name"]: entry.get("value", "") for entry in container.get("environment") or []}


def _secret(world: World, task: Document, value_from: str) -> str:
    region = region_of(task["taskArn"])
    try:
        if ":secretsmanager:" in value_from:
            return _from_secrets_manager(world.client("secretsmanager", "ecs", region), value_from)
        name = value_from.partition(":parameter")[2] or value_from
        parameter = world.client("ssm", "ecs", region).get_parameter(Name=name, WithDecryption=True)
        return str(parameter["Parameter"]["Value"])
    except ClientError as error:
        raise ResourceInitializationError(
            "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval "
            f"failed: unable to retrieve secret {value_from}: {error}"
        ) from error


def _from_secrets_manager(client: Any, value_from: str) -> str:
    """`arn:json-key:version-stage:version-id`, of which all but the ARN may be empty or missing."""
    match = re.fullmatch(r"((?:[^:]*:){6}[^:]*)(?::([^:]*))?(?::([^:]*))?(?::([^:]*))?", value_from)
    if match is None:
        raise ResourceInitializationError(f"ResourceInitializationError: {value_from} is no secret's ARN")
    secret_arn, key, stage, version = match.groups()
    wanted = {"VersionStage": stage, "VersionId": version}
    found = client.get_secret_value(SecretId=secret_arn, **{name: value for name, value in wanted.items() if value})
    if not key:
        return str(found["SecretString"])
    values = json.loads(found["SecretString"])
    if key not in values:
        raise ResourceInitializationError(
            f"ResourceInitializationError: unable to pull secrets or registry auth: retrieved secret from Secrets "
            f"Manager did not contain json key {key}"
        )
    return str(values[key])
