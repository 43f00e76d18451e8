"""The AppSpec of an ECS deployment: what "AppSpec 'resources' section" and "'hooks' section" of the guide allow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

HOOK_EVENTS = ("BeforeInstall", "AfterInstall", "AfterAllowTestTraffic", "BeforeAllowTraffic", "AfterAllowTraffic")
_NETWORK_KEYS = ("subnets", "securityGroups", "assignPublicIp")


class AppSpecError(ValueError):
    """The content is no AppSpec that CodeDeploy would take; the message names the place."""


@dataclass(frozen=True)
class AppSpec:
    """What is to be deployed; `network` and `capacity_providers` are in the shapes of ECS's CreateTaskSet."""

    task_definition: str
    container_name: str
    container_port: int
    platform_version: str | None = None
    network: dict[str, Any] | None = None
    capacity_providers: list[dict[str, Any]] = field(default_factory=list)
    hooks: dict[str, str] = field(default_factory=dict)


def parse(content: str) -> AppSpec:
    """Read an AppSpec from YAML or JSON; keys are matched whatever their case.

    Raises AppSpecError.
    """
    document = _folded(_loaded(content))
    if str(_mapping(document, "the AppSpec").get("version")) not in {"0.0", "0"}:
        raise AppSpecError("version must be 0.0")
    properties = _properties(document)
    balancer = _mapping(_required(properties, "loadbalancerinfo", "Properties"), "LoadBalancerInfo")
    return AppSpec(
        task_definition=_text(_required(properties, "taskdefinition", "Properties"), "TaskDefinition"),
        container_name=_text(_required(balancer, "containername", "LoadBalancerInfo"), "ContainerName"),
        container_port=_port(_required(balancer, "containerport", "LoadBalancerInfo")),
        platform_version=properties.get("platformversion"),
        network=_network(properties.get("networkconfiguration")),
        capacity_providers=[_provider(entry) for entry in properties.get("capacityproviderstrategy") or []],
        hooks=_hooks(document.get("hooks") or []),
    )


def _loaded(content: str) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        pass
    try:
        return yaml.safe_load(content)
    except yaml.YAMLError as error:
        raise AppSpecError(f"neither JSON nor YAML: {error}") from error


def _folded(value: Any) -> Any:
    """The same value with every mapping key in lower case."""
    if isinstance(value, dict):
        return {str(key).lower(): _folded(item) for key, item in value.items()}
    return [_folded(item) for item in value] if isinstance(value, list) else value


def _properties(document: Mapping[str, Any]) -> Mapping[str, Any]:
    resources = _required(document, "resources", "the AppSpec")
    if not isinstance(resources, list) or len(resources) != 1:
        raise AppSpecError("Resources must be a list of exactly one resource")
    target = next(iter(_mapping(resources[0], "the resource").values()), None)
    target = _mapping(target, "the resource")
    if target.get("type") != "AWS::ECS::Service":
        raise AppSpecError(f"Type must be AWS::ECS::Service, not {target.get('type')!r}")
    return _mapping(_required(target, "properties", "the resource"), "Properties")


def _network(value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    given = _mapping(_mapping(value, "NetworkConfiguration").get("awsvpcconfiguration"), "AwsvpcConfiguration")
    missing = [key for key in _NETWORK_KEYS if key.lower() not in given]
    if missing:
        raise AppSpecError(f"AwsvpcConfiguration needs all of {', '.join(_NETWORK_KEYS)}; missing: {missing[0]}")
    return {"awsvpcConfiguration": {key: given[key.lower()] for key in _NETWORK_KEYS}}


def _provider(value: Any) -> dict[str, Any]:
    given = _mapping(value, "CapacityProviderStrategy")
    names = {"base": "base", "capacityprovider": "capacityProvider", "weight": "weight"}
    return {names[key]: item for key, item in given.items() if key in names}


def _hooks(value: Any) -> dict[str, str]:
    if not isinstance(value, list):
        raise AppSpecError("Hooks must be a list of one-key mappings")
    known = {event.lower(): event for event in HOOK_EVENTS}
    hooks: dict[str, str] = {}
    for entry in value:
        for name, function in _mapping(entry, "a hook").items():
            if name not in known:
                raise AppSpecError(f"no such lifecycle event hook: {name}; there are {', '.join(HOOK_EVENTS)}")
            hooks[known[name]] = _text(function, known[name])
    return hooks


def _required(mapping: Mapping[str, Any], key: str, place: str) -> Any:
    if mapping.get(key) in (None, ""):
        raise AppSpecError(f"{place} must have {key!r}")
    return mapping[key]


def _mapping(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise AppSpecError(f"{place} must be a mapping")
    return value


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise AppSpecError(f"{place} must be a string")
    return value


def _port(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 65536:
        raise AppSpecError(f"ContainerPort must be a number from 1 to 65535, not {value!r}")
    return value
