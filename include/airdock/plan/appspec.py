"""The AppSpec of a CodeDeploy deployment for ECS: the repository's, filled in, or one made from the service.

Shape: AWS CodeDeploy User Guide, "AppSpec 'resources' section" and "AppSpec 'hooks' section" for Amazon ECS.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import sha256
from math import isfinite
from typing import Any

from airdock.errors import Refused
from airdock.plan.json_text import parse_object
from airdock.spec.document import Path, Unreadable, read

HOOKS = ("BeforeInstall", "AfterInstall", "AfterAllowTestTraffic", "BeforeAllowTraffic", "AfterAllowTraffic")
PROPERTIES = (
    "TaskDefinition",
    "LoadBalancerInfo",
    "PlatformVersion",
    "NetworkConfiguration",
    "CapacityProviderStrategy",
)
WORDS = {
    word.lower(): word
    for word in (
        *("version", "Resources", "Hooks", "Type", "Properties", "ContainerName", "ContainerPort"),
        *(
            "AwsvpcConfiguration",
            "Subnets",
            "SecurityGroups",
            "AssignPublicIp",
            "Base",
            "CapacityProvider",
            "Weight",
        ),
        *(*PROPERTIES, *HOOKS),
    )
}
"""AWS's spelling of the keys, which its own tools match in any case."""
NETWORK = ("subnets", "securityGroups", "assignPublicIp")
"""What an AppSpec must say of the network if it says anything."""
LATEST = "LATEST"
"""The platform version that CodeDeploy takes by itself."""


@dataclass(frozen=True, slots=True)
class AppSpec:
    """The content as CodeDeploy takes it (JSON), its SHA-256, and the container and port that get the traffic.

    `hooks`: the lifecycle events that call a function.
    """

    content: str
    sha256: str
    container: str
    port: int
    sentence: str
    hooks: tuple[str, ...] = ()


def from_file(text: str, task_definition: str, service: Mapping[str, Any], file: str = "appspec.yaml") -> AppSpec:
    """The repository's AppSpec, YAML or JSON, with the ARN of the task definition in its place.

    `service`: as DescribeServices tells it. What the file says stays; what it leaves out of how the tasks run is as
    the service runs them now, for CodeDeploy would let go of it.

    Raises:
        Refused: unreadable, or not an AppSpec for one ECS service with container and port.
    """
    content = _spelled(_parsed(text, file))
    properties = _service(content, file)["Properties"]
    _check_words(properties, PROPERTIES, f"{file}: the service's Properties")
    _check_hooks(content.get("Hooks"), file)
    added = {key: value for key, value in _as_now(service).items() if key not in properties}
    properties |= {"TaskDefinition": task_definition, **added}
    more = f", with the service's {' and '.join(added)}" if added else ""
    return _appspec(content, *_target(properties, file), f"the AppSpec is {file}{more}")


def from_service(
    service: Mapping[str, Any],
    task_definition: str,
    definition: Mapping[str, Any],
    container: str,
    port: int | None = None,
) -> AppSpec:
    """An AppSpec for a service as DescribeServices tells it: same balancer, everything else as it is.

    The traffic goes where the balancer sends it now, which may be a sidecar, as long as the new task definition
    (`definition`) maps that port; else to the only port of that container, or of the delivered one (`container`).
    `port` is the pipeline's, and goes before either.

    Raises:
        Refused: no port for the balancer can be told.
    """
    name, at = _balanced(service, definition, container)
    chosen = port or at
    if chosen is None:
        raise Refused(f"nothing tells on which port {name} gets its traffic: set container_port in the pipeline")
    target = {"ContainerName": name, "ContainerPort": chosen}
    properties = {"TaskDefinition": task_definition, "LoadBalancerInfo": target, **_as_now(service)}
    resource = {"TargetService": {"Type": "AWS::ECS::Service", "Properties": properties}}
    sentence = f"the AppSpec is made for {name} at port {chosen}"
    return _appspec({"version": 0.0, "Resources": [resource]}, name, chosen, sentence)


def _appspec(content: Mapping[str, Any], container: str, port: int, sentence: str) -> AppSpec:
    text = json.dumps(content, separators=(",", ":"))
    hooks = tuple(event for entry in _entries(content.get("Hooks")) for event in entry)
    return AppSpec(text, sha256(text.encode()).hexdigest(), container, port, sentence, hooks)


def _parsed(text: str, file: str) -> Mapping[str, Any]:
    if text.lstrip().startswith("{"):
        return parse_object(text, file)
    try:
        document = read(text.encode("utf-8", "surrogatepass"))
    except Unreadable as error:
        raise Refused(f"{file}:{error.problem.place.line}: {error.problem}") from None
    if not isinstance(document.content, dict):
        raise Refused(f"{file} is no AppSpec: it must have `version` and `Resources`")
    for path in _not_json(document.content, ()):
        told = f"{'.'.join(map(str, path))} is {document.texts[path]}"
        raise Refused(f"{file}:{document.place(path).line}: {told}, which JSON has no word for: put it in quotes")
    return document.content


def _not_json(value: Any, path: Path) -> Iterator[Path]:
    """Where YAML sees what JSON has no word for: a date, .nan, .inf."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _not_json(each, (*path, key))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _not_json(each, (*path, number))
    elif (isinstance(value, float) and not isfinite(value)) or not isinstance(value, str | int | float | None):
        yield path


def _spelled(value: Any) -> Any:
    """The same with AWS's own spelling of each key."""
    if isinstance(value, Mapping):
        return {WORDS.get(key.lower(), key): _spelled(each) for key, each in value.items()}
    return [_spelled(each) for each in value] if isinstance(value, list) else value


def _service(content: Mapping[str, Any], file: str) -> dict[str, Any]:
    resources = content.get("Resources")
    entries = [each for each in resources if isinstance(each, dict)] if isinstance(resources, list) else []
    services: list[dict[str, Any]] = [each for entry in entries for each in entry.values() if _is_service(each)]
    if len(services) != 1 or len(entries) != 1:
        raise Refused(f"{file} must have one entry under `Resources`, of Type AWS::ECS::Service with Properties")
    return services[0]


def _is_service(service: Any) -> bool:
    is_mapping = isinstance(service, dict) and isinstance(service.get("Properties"), dict)
    return is_mapping and service.get("Type") == "AWS::ECS::Service"


def _target(properties: Mapping[str, Any], file: str) -> tuple[str, int]:
    balancer = properties.get("LoadBalancerInfo")
    told = balancer if isinstance(balancer, Mapping) else {}
    name, port = told.get("ContainerName"), str(told.get("ContainerPort", ""))
    if not isinstance(name, str) or not (port.isdecimal() and 0 < int(port) < 65536):
        raise Refused(f"{file} needs LoadBalancerInfo with ContainerName and ContainerPort (a number)")
    return name, int(port)


def _entries(hooks: Any) -> list[Any]:
    return hooks if isinstance(hooks, list) else [] if hooks is None else [hooks]


def _check_hooks(hooks: Any, file: str) -> None:
    for entry in _entries(hooks):
        if not isinstance(entry, dict) or len(entry) != 1 or not all(isinstance(each, str) for each in entry.values()):
            raise Refused(f"{file}: each entry under `Hooks` is one event with the name or ARN of a Lambda function")
        _check_words(entry, HOOKS, f"{file}: Hooks")


def _check_words(found: Mapping[str, Any], known: Sequence[str], place: str) -> None:
    for word in found:
        if word not in known:
            near = get_close_matches(word, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            raise Refused(f"{place} has no {word!r}; {hint}")


def _as_now(service: Mapping[str, Any]) -> dict[str, Any]:
    """How the service's tasks run now, in the AppSpec's words, without what CodeDeploy takes by itself.

    The service comes first, to which each primary task set hands its settings: a task set may tell LATEST by number.
    """
    keys, primary = ("platformVersion", "networkConfiguration", "capacityProviderStrategy"), _primary(service)
    told = {key: service.get(key) or primary.get(key) for key in keys}
    network = (told["networkConfiguration"] or {}).get("awsvpcConfiguration") or {}
    whole = {key: network[key] for key in NETWORK if network.get(key)}
    told["networkConfiguration"] = {"awsvpcConfiguration": whole} if len(whole) == len(NETWORK) else None
    spelled: dict[str, Any] = _spelled({key: value for key, value in told.items() if value and value != LATEST})
    return spelled


def _primary(service: Mapping[str, Any]) -> Mapping[str, Any]:
    return next((each for each in service.get("taskSets", ()) if each.get("status") == "PRIMARY"), {})


def _balanced(service: Mapping[str, Any], definition: Mapping[str, Any], delivered: str) -> tuple[str, int | None]:
    """The container that gets the traffic, and its port; None where that can't be told."""
    balancers = _primary(service).get("loadBalancers") or service.get("loadBalancers") or [{}]
    now: Mapping[str, Any] = balancers[0]
    mapped = {each["name"]: _ports(each) for each in definition.get("containerDefinitions", ())}
    name = str(now.get("containerName")) if now.get("containerName") in mapped else delivered
    ports = mapped.get(name, set())
    if now.get("containerPort") in ports:
        return name, int(now["containerPort"])
    return name, next(iter(ports)) if len(ports) == 1 else None


def _ports(container: Mapping[str, Any]) -> set[int]:
    return {int(each["containerPort"]) for each in container.get("portMappings") or () if "containerPort" in each}
