"""Where tasks and builds run: in containers of a Docker engine, or as processes of this host."""

import shutil

import docker
from docker.errors import DockerException


class NoEngineError(Exception):
    """The docker runtime was asked for by name, and no engine answers."""


def docker_answers() -> bool:
    """Whether a Docker engine answers and its command line, which builds need, is there."""
    if not shutil.which("docker"):
        return False
    try:
        client = docker.from_env(timeout=3)
    except DockerException:
        return False
    client.close()
    return True


def chosen_runtime(asked: str) -> str:
    """`docker` or `process` for `auto`; otherwise what was asked.

    Raises NoEngineError when docker was asked for and does not answer.
    """
    if asked == "process":
        return "process"
    if docker_answers():
        return "docker"
    if asked == "docker":
        raise NoEngineError("no Docker engine answers, or the docker command is missing")
    return "process"
