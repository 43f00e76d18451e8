"""Runs the local AWS, and removes the containers that its tasks ran in when it ends.

    python -m demo.contained STATE COMMAND [ARGUMENT...]

Processes end with their keeper; containers belong to the Docker engine and would stay. They carry the directory of the
local AWS's state as a label, and so are told from those of another one.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from types import FrameType

LABEL = "local-aws.state"
DOCKER_SECONDS = 30


def run(state: str, command: list[str]) -> int:
    """The command's exit status; SIGTERM is passed on to it."""
    remove_containers(state)
    child = subprocess.Popen(command)

    def pass_on(number: int, _: FrameType | None) -> None:
        child.send_signal(number)

    signal.signal(signal.SIGTERM, pass_on)
    try:
        return child.wait()
    finally:
        remove_containers(state)


def remove_containers(state: str) -> None:
    """Remove every container with the label; nothing happens where no engine answers."""
    docker = shutil.which("docker")
    if not docker:
        return
    listed = _output([docker, "ps", "--all", "--quiet", "--filter", f"label={LABEL}={state}"])
    if listed:
        _output([docker, "rm", "--force", "--volumes", *listed])


def _output(command: list[str]) -> list[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=DOCKER_SECONDS).stdout.split()
    except subprocess.TimeoutExpired:
        return []


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], sys.argv[2:]))
