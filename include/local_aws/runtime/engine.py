"""Containers in a Docker engine on this host."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import docker
from docker.errors import DockerException, ImageNotFound, NotFound
from requests.exceptions import RequestException

from local_aws.runtime.container import CannotPullError, CannotStartError, Image, Place, Start, forget_home
from local_aws.runtime.followers import Followers
from local_aws.runtime.registry import Registry
from local_aws.world import World

TASK_LABEL = "local-aws.task"
STATE_LABEL = "local-aws.state"
KILLED = 137
MIB = 1024**2
FEWEST_SHARES = 2
# Longer than any probe, stop or pull from our own registry takes.
ENGINE_SECONDS = 120


class EngineRuntime:
    """Runs containers through the Docker SDK; the containers of one task share a network as under awsvpc."""

    name = "docker"

    def __init__(self, world: World) -> None:
        self._registry = Registry(world)
        self._followers = Followers()
        self._state = str(world.settings.state_dir)

    def pull(self, reference: str) -> Image:
        """Pull from our registry with its password; else take an image of the engine, or what it can pull."""
        host = reference.partition("/")[0]
        try:
            if self._registry.is_own(host):
                login = {"username": "AWS", "password": self._registry.password()}
                return _image(reference, self._engine.images.pull(reference, auth_config=login))
            return _image(reference, self._present(reference))
        except (DockerException, RequestException) as error:
            raise CannotPullError(_said(error)) from error

    def reserve(self, ports: Sequence[int]) -> str:  # noqa: ARG002
        """The engine gives the address at the start."""
        return ""

    def start(self, place: Place, start: Start) -> str:
        """Create and start a container; a second one of a task joins the first one's network."""
        self.remove(place)
        place.home.mkdir(parents=True, exist_ok=True)
        entry_point = None if start.entry_point is None else list(start.entry_point)
        sibling = self._sibling(place)
        try:
            container = self._engine.containers.create(
                start.image.reference,
                command=None if start.command is None else list(start.command),
                entrypoint=entry_point,
                environment=dict(start.environment),
                working_dir=start.working_directory,
                name=self._name(place),
                labels={TASK_LABEL: place.task, STATE_LABEL: self._state},
                network_mode=f"container:{sibling.id}" if sibling else "bridge",
                user=start.user,
                read_only=start.read_only,
                **_limits(start),
            )
            container.start()
            return start.address or _address(container)
        except (DockerException, RequestException) as error:
            raise CannotStartError(_said(error)) from error

    def found(self, place: Place) -> bool:
        """Whether the engine knows it."""
        return self._container(place) is not None

    def exit_code(self, place: Place) -> int | None:
        """The exit code that the engine keeps."""
        container = self._container(place)
        if container is None:
            return KILLED
        state = container.attrs["State"]
        return None if state["Status"] in ("created", "running", "paused", "restarting") else int(state["ExitCode"])

    def probe(self, place: Place, argv: Sequence[str], timeout_seconds: float) -> bool:  # noqa: ARG002
        """Run a health check inside the container; the engine's own time limit holds."""
        container = self._container(place)
        try:
            return container is not None and container.exec_run(list(argv)).exit_code == 0
        except (DockerException, RequestException):
            return False

    def stop(self, place: Place, grace_seconds: float) -> None:
        """Have the engine stop it."""
        container = self._container(place)
        if container is not None:
            with contextlib.suppress(NotFound):
                container.stop(timeout=max(1, round(grace_seconds)))

    def output(self, place: Place, offset: int) -> bytes:
        """What it wrote, as far as it was copied; all of it once the container has ended."""
        file, container = place.home / "output", self._container(place)
        if container is not None:
            self._followers.follow(lambda: container.logs(stream=True, follow=True), file)
            if self.exit_code(place) is not None:
                self._followers.finish(file)
        try:
            with file.open("rb") as written:
                written.seek(offset)
                return written.read()
        except FileNotFoundError:
            return b""

    def remove(self, place: Place) -> None:
        """Remove the container with its volumes."""
        container = self._container(place)
        if container is not None:
            with contextlib.suppress(NotFound):
                container.remove(force=True, v=True)
        self._followers.forget(place.home / "output")
        forget_home(place)

    @cached_property
    def _engine(self) -> Any:
        return docker.from_env(timeout=ENGINE_SECONDS)

    def _container(self, place: Place) -> Any:
        try:
            return self._engine.containers.get(self._name(place))
        except NotFound:
            return None

    def _present(self, reference: str) -> Any:
        try:
            return self._engine.images.get(reference)
        except ImageNotFound:
            return self._engine.images.pull(reference)

    def _sibling(self, place: Place) -> Any:
        found = self._engine.containers.list(filters={"label": f"{TASK_LABEL}={place.task}"})
        return next((other for other in found if other.attrs["HostConfig"]["NetworkMode"] == "bridge"), None)

    def _name(self, place: Place) -> str:
        """Unique among several local AWSs on one engine."""
        state = hashlib.sha256(self._state.encode()).hexdigest()[:8]
        task = place.task.rpartition("/")[2]
        return f"local-aws-{state}-{task[:12]}-{re.sub('[^a-zA-Z0-9_.-]', '-', place.name)}"


def _limits(start: Start) -> dict[str, Any]:
    """As ECS's agent sets them; the task's own CPU is no limit here, for programs start in real time."""
    wanted = {
        "mem_limit": start.memory_mib * MIB,
        "mem_reservation": start.memory_reservation_mib * MIB,
        "cpu_shares": max(start.cpu_units, FEWEST_SHARES) if start.cpu_units else 0,
    }
    return {name: value for name, value in wanted.items() if value}


def _said(error: Exception) -> str:
    """The engine's own words."""
    return str(getattr(error, "explanation", None) or error)


def _image(reference: str, found: Any) -> Image:
    config = found.attrs["Config"]
    digests = [entry.partition("@")[2] for entry in found.attrs.get("RepoDigests") or []]
    named = reference.partition("@")[2]
    return Image(
        reference=reference,
        digest=named or next(iter(digests), str(found.id)),
        environment=dict(entry.partition("=")[::2] for entry in config.get("Env") or []),
        entry_point=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        working_directory=config.get("WorkingDir") or "/",
    )


def _address(container: Any) -> str:
    container.reload()
    networks = container.attrs["NetworkSettings"]["Networks"]
    return str(next(iter(networks.values()))["IPAddress"])
