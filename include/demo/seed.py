"""Fills the local AWS with what is there before the first delivery, a running placeholder included.

    python -m demo.seed

does so once for the local AWS of this host or container, as `make sample` does for Docker Compose.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo import base_image, infrastructure
from demo.clients import LocalAws
from demo.events import make_wake_queue
from demo.infrastructure import APPLICATION, CLUSTER
from demo.place import Place
from demo.process import LOOK_EVERY_SECONDS, Trouble
from demo.releases import FIRST, NOTHING_YET, SAMPLE, WorkTree
from demo.rest import OPENER

BUILD_SECONDS = 180
SERVICE_SECONDS = 90


@dataclass(frozen=True)
class Seeded:
    """What the story needs to know of what was made."""

    work_tree: WorkTree
    balancer: infrastructure.Balancer
    runtime: str


def seed(place: Place, aws: LocalAws, stopping: threading.Event) -> Seeded:
    """Make everything and return once the placeholder answers through the balancer. Raises Trouble."""
    network, balancer, code = _make(place, aws)
    tree = WorkTree(place.directory / "work", code)
    tree.push(NOTHING_YET)
    image = _build(aws, stopping)
    definition = _register(aws, image)
    infrastructure.make_service(aws, network, balancer, definition)
    infrastructure.make_deployment_group(aws, balancer, infrastructure.make_alarms(aws, balancer))
    _until(lambda: answers(place.app), SERVICE_SECONDS, stopping, "the placeholder's tasks did not become healthy")
    return Seeded(tree, balancer, aws.runtime())


def answers(address: str) -> bool:
    """Whether the application answers 200 through the balancer."""
    try:
        with OPENER.open(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _make(place: Place, aws: LocalAws) -> tuple[infrastructure.Network, infrastructure.Balancer, str]:
    infrastructure.make_roles(aws)
    infrastructure.make_logs(aws)
    network = infrastructure.make_network(aws)
    balancer = infrastructure.make_balancer(aws, network, place.ports.app, place.ports.app_test)
    make_wake_queue(aws)
    aws.client("ecs").create_cluster(clusterName=CLUSTER)
    code = infrastructure.make_code_repository(aws)
    registry = infrastructure.make_registry(aws)
    base = base_image.ready(place.directory) if aws.runtime() == "docker" else None
    infrastructure.make_build_project(aws, code, registry, base)
    return network, balancer, code


def _build(aws: LocalAws, stopping: threading.Event) -> str:
    """Build the placeholder as any version is built; its image's address with digest."""
    codebuild = aws.client("codebuild")
    build_id = codebuild.start_build(projectName=APPLICATION, sourceVersion="main")["build"]["id"]

    def build() -> dict[str, Any]:
        return dict(codebuild.batch_get_builds(ids=[build_id])["builds"][0])

    _until(lambda: build()["buildStatus"] != "IN_PROGRESS", BUILD_SECONDS, stopping, "the first build did not end")
    done = build()
    if done["buildStatus"] != "SUCCEEDED":
        raise Trouble(f"the first build ended {done['buildStatus']}:\n{_log_tail(aws, done)}")
    exported = {each["name"]: each["value"] for each in done["exportedEnvironmentVariables"]}
    return exported["IMAGE_URI"]


def _register(aws: LocalAws, image: str) -> str:
    written = json.loads((SAMPLE / "taskdef.json").read_text().replace("<IMAGE1_NAME>", image))
    return str(aws.client("ecs").register_task_definition(**written)["taskDefinition"]["taskDefinitionArn"])


def _log_tail(aws: LocalAws, build: dict[str, Any]) -> str:
    place = build["logs"]
    events = aws.client("logs").get_log_events(logGroupName=place["groupName"], logStreamName=place["streamName"])
    return "\n".join(f"    {event['message'].rstrip()}" for event in events["events"][-20:])


def _until(ready: Any, seconds: float, stopping: threading.Event, complaint: str) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise Trouble(f"{complaint} within {seconds:.0f} s")
        if stopping.wait(LOOK_EVERY_SECONDS):
            raise Trouble("stopped")


def main() -> int:
    """Fill the local AWS at the usual port, unless it has the sample's cluster already."""
    with tempfile.TemporaryDirectory() as directory:
        place = Place(directory=Path(directory))
        aws = LocalAws(place)
        try:
            if aws.client("ecs").describe_clusters(clusters=[CLUSTER])["clusters"]:
                raise Trouble(f"the cluster {CLUSTER} is there already: nothing was changed")
            commit = seed(place, aws, threading.Event()).work_tree.push(FIRST)
        except Trouble as trouble:
            print(f"the sample can't be set up: {trouble}", file=sys.stderr)
            return 1
    print(f"{place.app} shows a placeholder; trigger deliver_greeter in Airflow to deliver {commit[:7]}, version 1.0.0")
    return 0


if __name__ == "__main__":
    sys.exit(main())
