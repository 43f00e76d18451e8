"""Many applications beside the sample: each with a pipeline file, a project, a registry and a service of its own."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from demo import infrastructure
from demo.clients import LocalAws
from demo.infrastructure import Network
from demo.releases import SAMPLE, Change

PORTS = range(11000, 19000)
"""Below those that Linux gives to connections, which would take one that is not listened on yet."""


@dataclass(frozen=True)
class Application:
    """`port`, `test_port`: where its balancer listens."""

    name: str
    port: int
    test_port: int


def applications(count: int) -> list[Application]:
    ports = filter(_free, PORTS)
    return [Application(f"app-{number}", next(ports), next(ports)) for number in range(count)]


def _free(port: int) -> bool:
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False


def write_pipelines(folder: Path, made: Iterable[Application]) -> None:
    """A file for each application: the sample's own, but for the names. No push starts a delivery."""
    text = (folder / "greeter.yaml").read_text()
    for each in made:
        told = yaml.safe_load(text)
        told |= {"application": each.name, "build": {"project": each.name}, "image": {"repository": each.name}}
        told["triggers"] = {"branches": []}
        production = told["environments"]["production"]
        production["service"] = each.name
        production["rollout"] |= {"application": each.name, "deployment_group": each.name}
        production["verify"]["url"] = f"http://127.0.0.1:{each.port}/"
        (folder / f"{each.name}.yaml").write_text(yaml.safe_dump(told, sort_keys=False))


def make(aws: LocalAws, made: Iterable[Application]) -> None:
    """What each application has in AWS, a service with one task of the sample's placeholder included."""
    ecs = aws.client("ecs")
    greeter = ecs.describe_services(cluster=infrastructure.CLUSTER, services=["greeter"])["services"][0]
    vpc = greeter["taskSets"][0]["networkConfiguration"]["awsvpcConfiguration"]
    network = Network(tuple(vpc["subnets"]), vpc["securityGroups"][0])
    containers = ecs.describe_task_definition(taskDefinition="greeter")["taskDefinition"]["containerDefinitions"]
    code = aws.client("codecommit").get_repository(repositoryName="greeter")["repositoryMetadata"]["cloneUrlHttp"]
    for each in made:
        _make(aws, each, network, code, containers[0]["image"])


def _make(aws: LocalAws, each: Application, network: Network, code: str, image: str) -> None:
    registry = infrastructure.make_registry(aws, each.name)
    infrastructure.make_build_project(aws, code, registry, None, each.name)
    balancer = infrastructure.make_balancer(aws, network, each.port, each.test_port, each.name)
    made = aws.client("ecs").register_task_definition(**task_definition(each.name, image))["taskDefinition"]
    infrastructure.make_service(aws, network, balancer, made["taskDefinitionArn"], each.name, tasks=1)
    infrastructure.make_deployment_group(aws, balancer, infrastructure.make_alarms(aws, balancer, each.name), each.name)


def task_definition(name: str, image: str) -> dict[str, Any]:
    """The sample's, without the health check in the container and without a log: the balancer's check remains.

    On two cores hundreds of tasks would otherwise be the measurement: each such check starts a Python.
    """
    told: dict[str, Any] = json.loads((SAMPLE / "taskdef.json").read_text().replace("<IMAGE1_NAME>", image))
    (container,) = told["containerDefinitions"]
    kept = {key: value for key, value in container.items() if key not in ("healthCheck", "logConfiguration")}
    return told | {"family": name, "containerDefinitions": [kept]}


def change(name: str, version: str, seconds: float) -> Change:
    """A commit whose build takes so long without work for this machine; it is really built, pushed and scanned."""
    spec = yaml.safe_load((SAMPLE / "buildspec.yml").read_text())
    spec["phases"].pop("install")
    build = spec["phases"]["build"]
    build["commands"] = [f"sleep {seconds:.1f}", *build["commands"][2:]]
    spec.pop("reports")
    definition = json.dumps(task_definition(name, "<IMAGE1_NAME>"))
    return Change(version, f"Measure {name}", adds={"buildspec.yml": yaml.safe_dump(spec), "taskdef.json": definition})
