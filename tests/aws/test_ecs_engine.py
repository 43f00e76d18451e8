"""What a Docker engine is asked for by a task definition."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import docker
import pytest
from docker.errors import NotFound
from docker.models.containers import RUN_CREATE_KWARGS, RUN_HOST_CONFIG_KWARGS

from local_aws.ecs.containers import Containers
from local_aws.runtime import EngineRuntime
from local_aws.world import World

TASK = "arn:aws:ecs:eu-west-1:123456789012:task/demo/0123456789abcdef"


class FakeEngine:
    """An engine with every image and, at first, no container; keeps what containers were created with."""

    def __init__(self) -> None:
        self.created: list[dict[str, Any]] = []
        self.images = SimpleNamespace(get=self._image)
        self.containers = SimpleNamespace(get=self._get, list=self._list, create=self._create)

    def _image(self, reference: str) -> Any:
        return SimpleNamespace(id="sha256:1", attrs={"Config": {"Env": ["A=1"], "Cmd": ["serve"]}})

    def _get(self, name: str) -> Any:
        raise NotFound(name)

    def _list(self, filters: dict[str, str]) -> list[Any]:
        return [self._container(told) for told in self.created]

    def _create(self, image: str, **told: Any) -> Any:
        assert set(told) <= {*RUN_CREATE_KWARGS, *RUN_HOST_CONFIG_KWARGS}
        self.created.append({"image": image, **told})
        return self._container(told)

    def _container(self, told: dict[str, Any]) -> Any:
        networks = {"bridge": {"IPAddress": "172.17.0.2"}}
        attrs = {"NetworkSettings": {"Networks": networks}, "HostConfig": {"NetworkMode": told["network_mode"]}}
        return SimpleNamespace(id=told["name"], attrs=attrs, start=lambda: None, reload=lambda: None)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    fake = FakeEngine()
    monkeypatch.setattr(docker, "from_env", lambda **_: fake)
    return fake


def started(world: World, *containers: dict[str, Any], overrides: Any = ()) -> str:
    """The address of a task of half a gigabyte with these containers."""
    named = [{"image": "public.example/web:1", **container} for container in containers]
    task = {
        "taskArn": TASK,
        "memory": "0.5 GB",
        "overrides": {"containerOverrides": list(overrides)},
        "containers": [{"name": container["name"]} for container in named],
        "_": {"definition": {"containers": named}, "address": ""},
    }
    return Containers(world, EngineRuntime(world), TASK).start(task)[0]


def test_a_container_runs_as_its_definition_says(local_world: World, engine: FakeEngine) -> None:
    web = {
        "name": "web",
        "user": "1000:1000",
        "workingDirectory": "/srv",
        "entryPoint": ["python"],
        "command": ["serve.py"],
        "environment": [{"name": "B", "value": "2"}],
        "memory": 256,
        "memoryReservation": 128,
        "cpu": 64,
        "readonlyRootFilesystem": True,
    }
    assert started(local_world, web) == "172.17.0.2"
    [told] = engine.created
    assert (told["user"], told["working_dir"]) == ("1000:1000", "/srv")
    assert (told["entrypoint"], told["command"], told["environment"]["B"]) == (["python"], ["serve.py"], "2")
    assert (told["mem_limit"], told["mem_reservation"], told["cpu_shares"]) == (256 << 20, 128 << 20, 64)
    assert told["read_only"] is True


def test_what_a_definition_leaves_open_is_the_images_and_its_memory_the_tasks(
    local_world: World, engine: FakeEngine
) -> None:
    started(local_world, {"name": "web"}, {"name": "log"})
    web, log = engine.created
    assert {web[name] for name in ("user", "working_dir", "entrypoint", "command")} == {None}
    assert (web["mem_limit"], web["read_only"]) == (512 << 20, False)
    assert not {"mem_reservation", "cpu_shares"} & set(web)
    assert (web["network_mode"], log["network_mode"]) == ("bridge", f"container:{web['name']}")


def test_a_run_may_be_given_another_size(local_world: World, engine: FakeEngine) -> None:
    larger = {"name": "web", "memory": 384, "cpu": 1}
    started(local_world, {"name": "web", "memory": 64}, overrides=[larger])
    assert (engine.created[0]["mem_limit"], engine.created[0]["cpu_shares"]) == (384 << 20, 2)
