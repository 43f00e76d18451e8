"""Containers as processes of this host, for a machine without a Docker engine.

The image's layers are unpacked and its command is run there, in a session of its own. There is no isolation: the root
is a directory, the user is ours, and programs of base images are the host's.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from local_aws.runtime.addresses import NoAddressError, free_address
from local_aws.runtime.container import CannotStartError, Image, Place, Start, forget_home
from local_aws.runtime.layers import unpack
from local_aws.runtime.processes import MARK, WRAPPER, bears_mark, environment_of, leader, members, send
from local_aws.runtime.registry import Registry
from local_aws.world import World

KILLED = 137
KILL_SECONDS = 5.0
LOOK_SECONDS = 0.02


class ProcessRuntime:
    """Runs containers as processes."""

    name = "process"

    def __init__(self, world: World) -> None:
        self._registry = Registry(world)
        self._children: dict[Path, subprocess.Popen[bytes]] = {}
        self._adopted: dict[Path, int] = {}

    def pull(self, reference: str) -> Image:
        """An image's settings; its layers are fetched where they are unpacked, at the start."""
        return self._registry.image(reference)

    def reserve(self, ports: Sequence[int]) -> str:
        """An address in 127.64.0.0/16."""
        try:
            return free_address(ports)
        except NoAddressError as error:
            raise CannotStartError(str(error)) from error

    def start(self, place: Place, start: Start) -> str:
        """Unpack the image and run its command."""
        root = place.home / "root"
        shutil.rmtree(place.home, ignore_errors=True)
        root.mkdir(parents=True)
        for digest in start.image.layers:
            unpack(self._registry.layer(start.image.reference, digest), root)
        environment = _environment(place, start)
        argv = _argv(start.argv(), root, environment)
        with (place.home / "output").open("ab") as output:
            child = subprocess.Popen(  # noqa: S603
                ["/bin/sh", "-c", WRAPPER, "sh", *argv],
                cwd=_directory(start, root),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._children[place.home] = child
        return start.address

    def found(self, place: Place) -> bool:
        """Whether it was started, by us or by the process before us."""
        return (place.home / "output").exists()

    def exit_code(self, place: Place) -> int | None:
        """The exit status as the wrapper wrote it."""
        code = _written_code(place.home)
        if code is None and self._leader(place.home) is None:
            # It may have written and gone between the two looks.
            code = _written_code(place.home)
            return KILLED if code is None else code
        return code

    def probe(self, place: Place, argv: Sequence[str], timeout_seconds: float) -> bool:
        """Run a health check in the environment and directory that the container runs in."""
        first = self._leader(place.home)
        if first is None:
            return False
        try:
            environment = environment_of(first)
            done = subprocess.run(  # noqa: S603
                _argv(argv, place.home / "root", environment),
                cwd=f"/proc/{first}/cwd",
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=timeout_seconds,
                check=False,
            )
        except (subprocess.TimeoutExpired, CannotStartError, OSError):
            return False
        return done.returncode == 0

    def stop(self, place: Place, grace_seconds: float) -> None:
        """SIGTERM to the command, SIGKILL to all that bears the container's mark."""
        first = self._leader(place.home)
        if first is not None:
            send(first, signal.SIGTERM)
            _ended(lambda: self._leader(place.home) is None, grace_seconds)
        _ended(lambda: not _kill(place.home) and self._leader(place.home) is None, KILL_SECONDS)

    def output(self, place: Place, offset: int) -> bytes:
        """What it wrote, standard output and error together."""
        try:
            with (place.home / "output").open("rb") as written:
                written.seek(offset)
                return written.read()
        except FileNotFoundError:
            return b""

    def remove(self, place: Place) -> None:
        """Delete its directory."""
        forget_home(place)
        self._children.pop(place.home, None)
        self._adopted.pop(place.home, None)

    def _leader(self, home: Path) -> int | None:
        """The wrapper's process id while it lives."""
        child = self._children.get(home)
        if child is not None:
            # Of a child the kernel tells. Its environment, and with it the mark, is empty for a moment after exec.
            return child.pid if child.poll() is None else None
        known = self._adopted.get(home)
        if known is None:
            known = leader(home)
        if known is None or not bears_mark(known, home):
            return None
        self._adopted[home] = known
        return known


def _environment(place: Place, start: Start) -> dict[str, str]:
    """The container's environment, and what stands in for the isolation that is missing."""
    image_path = start.image.environment.get("PATH", "")
    paths = [str(Path(sys.executable).parent), image_path, os.environ.get("PATH", os.defpath)]
    return {
        "HOME": str(place.home / "root"),
        **start.image.environment,
        **start.environment,
        "PATH": os.pathsep.join(path for path in paths if path),
        "HOST": start.address,
        MARK: str(place.home),
    }


def _argv(argv: Sequence[str], root: Path, environment: Mapping[str, str]) -> list[str]:
    """The command line, with the absolute paths of the image's own files led to where they were unpacked."""
    if not argv:
        raise CannotStartError("no command specified")
    placed = [_placed(word, root) for word in argv]
    if not shutil.which(placed[0], path=environment["PATH"]) and not (root / placed[0]).exists():
        raise CannotStartError(f'exec: "{argv[0]}": executable file not found in $PATH')
    return placed


def _placed(word: str, root: Path) -> str:
    unpacked = root / word.lstrip("/")
    return str(unpacked) if word.startswith("/") and unpacked.exists() and unpacked != root else word


def _directory(start: Start, root: Path) -> Path:
    wanted = start.working_directory or start.image.working_directory or "/"
    directory = (root / wanted.lstrip("/")).resolve()
    if not directory.is_relative_to(root.resolve()):
        raise CannotStartError(f"the working directory {wanted} is outside the container's root")
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _written_code(home: Path) -> int | None:
    try:
        text = (home / "exit").read_text()
    except FileNotFoundError:
        return None
    return int(text) if text.endswith("\n") else None


def _kill(home: Path) -> list[int]:
    """Kill what bears the mark; who that was."""
    found = members(home)
    for pid in found:
        send(pid, signal.SIGKILL)
    return found


def _ended(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for a condition of other processes, of which nobody tells us."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(LOOK_SECONDS)
    return True
