"""CodeBuild's limits: its user's files, its builds at once, its time; in a local AWS that is short of all three."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.build_project import Project, commands, phase, until
from tests.local_aws_process import LocalAws

LOGIN = "ada:secret"
DOCKER_CONFIG = '{"auths": {}}'


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a user who has a docker configuration."""
    folder = tmp_path_factory.mktemp("home")
    (folder / ".docker").mkdir()
    (folder / ".docker" / "config.json").write_text(DOCKER_CONFIG)
    return folder


@pytest.fixture(scope="module")
def small_aws(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """One build at a time, cut off after ten seconds if it asks for little; the repositories want a login."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HOME", str(home))
        environment.setenv("LOCAL_AWS_BUILDS", "1")
        environment.setenv("LOCAL_AWS_BUILD_SECONDS", "10")
        environment.setenv("LOCAL_AWS_GIT_CREDENTIALS", LOGIN)
        aws = LocalAws(tmp_path_factory.mktemp("small-aws")).start()
    yield aws
    aws.end()


def test_a_login_to_the_registry_leaves_the_users_own_configuration_alone(
    small_aws: LocalAws, home: Path, tmp_path: Path
) -> None:
    login = '"aws ecr get-login-password | docker login -u AWS --password-stdin ${REPOSITORY_URI%%/*}"'
    made = Project(small_aws, tmp_path / "tree", commands(login), f"{LOGIN}@")
    build = made.ended(made.start())
    assert build["buildStatus"] == "SUCCEEDED", made.log(build)
    assert [path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()] == [".docker/config.json"]
    assert (home / ".docker" / "config.json").read_text() == DOCKER_CONFIG


def test_a_build_out_of_time_ends_with_all_that_it_began(small_aws: LocalAws, tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    made = Project(small_aws, tmp_path / "tree", commands(f"setsid sleep 300 & echo $! > {mark}; wait"), f"{LOGIN}@")
    build = made.ended(made.start(timeoutInMinutesOverride=5))
    assert build["buildStatus"] == "TIMED_OUT"
    assert phase(build, "BUILD")["phaseStatus"] == "TIMED_OUT"
    assert phase(build, "BUILD")["contexts"][0]["statusCode"] == "BUILD_TIMED_OUT"
    until(lambda: not Path(f"/proc/{mark.read_text().strip()}").exists())


def test_builds_wait_for_room_and_a_stopped_one_does_not(small_aws: LocalAws, tmp_path: Path) -> None:
    go = tmp_path / "go"
    made = Project(small_aws, tmp_path / "tree", commands(f"while [ ! -e {go} ]; do sleep 0.1; done"), f"{LOGIN}@")
    first, second, third = made.start(), made.start(), made.start()
    until(lambda: made.build(first)["currentPhase"] == "BUILD")
    made.client.stop_build(id=third)
    assert made.ended(third)["buildStatus"] == "STOPPED"
    waiting = made.build(second)
    assert waiting["currentPhase"] == "QUEUED"
    assert "logs" not in waiting
    go.touch()
    assert {made.ended(each)["buildStatus"] for each in (first, second)} == {"SUCCEEDED"}


def test_one_token_starts_one_build_however_many_ask_at_once(small_aws: LocalAws, tmp_path: Path) -> None:
    made, together = Project(small_aws, tmp_path / "tree", commands("echo fine"), f"{LOGIN}@"), threading.Barrier(8)

    def start(_: int) -> str:
        together.wait()
        return made.start(idempotencyToken=made.name)

    with ThreadPoolExecutor(8) as askers:
        assert len(set(askers.map(start, range(8)))) == 1
