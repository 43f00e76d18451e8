"""A task definition as a flat map of its leaves, the same for all ways of writing the same.

Defaults: Amazon ECS API Reference, ContainerDefinition, PortMapping, MountPoint, HealthCheck; units: Amazon ECS
Developer Guide, "Task definition parameters", task size.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Path = tuple[str, ...]
Leaves = dict[Path, str]

ANSWER_ONLY = frozenset(
    {"taskDefinitionArn", "revision", "status", "requiresAttributes", "compatibilities"}
    | {"registeredAt", "registeredBy", "deregisteredAt", "deleteRequestedAt", "airdockLost"}
)
IDENTITIES: Mapping[str, tuple[str, ...]] = {
    "containerDefinitions": ("name",),
    "environment": ("name",),
    "environmentFiles": ("value",),
    "secrets": ("name",),
    "secretOptions": ("name",),
    "properties": ("name",),
    "volumes": ("name",),
    "tags": ("key",),
    "mountPoints": ("containerPath",),
    "volumesFrom": ("sourceContainer",),
    "portMappings": ("containerPort", "containerPortRange", "protocol"),
    "dependsOn": ("containerName",),
    "ulimits": ("name",),
    "extraHosts": ("hostname",),
    "systemControls": ("namespace",),
    "resourceRequirements": ("type",),
    "inferenceAccelerators": ("deviceName",),
    "devices": ("hostPath",),
    "tmpfs": ("containerPath",),
    "placementConstraints": ("type", "expression"),
    "lifecycleHooks": ("hookTargetArn", "targetType"),
}
"""By which fields the entries of a list are told apart: their order says nothing."""
PAIRS = (("name", "value"), ("name", "valueFrom"), ("key", "value"))
UNORDERED = frozenset({"requiresCompatibilities", "add", "drop", "alarmNames", "lifecycleStages"})
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "containerDefinitions": {"cpu": 0, "essential": True},
    "portMappings": {"protocol": "tcp"},
    "mountPoints": {"readOnly": False},
    "volumesFrom": {"readOnly": False},
    "healthCheck": {"interval": 30, "timeout": 5, "retries": 3},
    "": {"enableFaultInjection": False},
}
SIZE = re.compile(r"\s*(\d*\.?\d+)\s*(vcpu|gb|mb)?\s*", re.I)
UNITS = {"": 1, "mb": 1, "vcpu": 1024, "gb": 1024}


def leaves(definition: Mapping[str, Any]) -> Leaves:
    """Each leaf's text by its path, such as ("containerDefinitions", "web", "environment", "MODE").

    Sizes are in CPU units and MiB.
    """
    told = {key: value for key, value in definition.items() if key not in ANSWER_ONLY}
    told["tags"] = [tag for tag in told.get("tags") or [] if not str(tag["key"]).startswith(("airdock:", "aws:"))]
    for size in ("cpu", "memory"):
        if told.get(size) is not None:
            told[size] = _size(str(told[size]))
    mode = str(told.get("networkMode") or "bridge")
    told["containerDefinitions"] = [_with_ports(each, mode) for each in told.get("containerDefinitions", [])]
    return dict(_walk("", told, ()))


def service_leaves(request: Mapping[str, Any]) -> Leaves:
    """The leaves of what UpdateService is asked for; what is switched off counts as what is not there."""
    found = {("service", *path): text for path, text in _walk("", request, ())}
    return {path: text for path, text in found.items() if text != "false"}


def _walk(field: str, value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not _default(field, key, inner):
                yield from _walk(str(key), inner, (*path, str(key)))
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        yield from _walk_list(field, value, path)
    elif value is not None:
        yield path, _text(value)


def _walk_list(field: str, entries: Sequence[Any], path: Path) -> Iterator[tuple[Path, str]]:
    if not all(isinstance(each, Mapping) for each in entries):
        plain = sorted(map(_text, entries)) if field in UNORDERED else [_text(each) for each in entries]
        if plain:
            yield path, json.dumps(plain, ensure_ascii=False)
        return
    names: list[str] = []
    for number, entry in enumerate(entries, start=1):
        name = _identity(field, entry) or str(number)
        names.append(name)
        place = (*path, name if names.count(name) == 1 else f"{name}#{names.count(name)}")
        pair = next((second for first, second in PAIRS if {*entry} == {first, second}), None)
        yield from _walk(field, entry, place) if pair is None else [(place, _text(entry[pair]))]


def _identity(field: str, entry: Mapping[str, Any]) -> str:
    told = (entry.get(key) for key in IDENTITIES.get(field, ()) if not _default(field, key, entry.get(key)))
    return "/".join(str(each) for each in told)


def _default(field: str, key: str, value: Any) -> bool:
    """Whether the value says no more than nothing would."""
    empty: bool = value is None or (isinstance(value, list | tuple | Mapping) and not value)
    return empty or (key in (known := DEFAULTS.get(field, {})) and bool(known[key] == value))


def _with_ports(container: Mapping[str, Any], mode: str) -> dict[str, Any]:
    """The container without host ports that follow from the network mode."""
    ports = [
        {key: value for key, value in port.items() if key != "hostPort" or not _follows(value, port, mode)}
        for port in container.get("portMappings") or []
    ]
    return {**container, "portMappings": ports}


def _follows(host: Any, port: Mapping[str, Any], mode: str) -> bool:
    return bool(host == (port.get("containerPort") if mode in ("awsvpc", "host") else 0))


def _size(written: str) -> str:
    """CPU units or MiB of what is written in either unit: `0.25 vCPU` is 256, `1 GB` is 1024."""
    if not (found := SIZE.fullmatch(written)):
        return written
    return f"{float(found[1]) * UNITS[(found[2] or '').lower()]:g}"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)
