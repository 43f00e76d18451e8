"""What the runtimes have in common: an image, a container to be, and what can be done with one."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


class CannotPullError(Exception):
    """An image that could not be fetched."""


class CannotStartError(Exception):
    """A container that could not be created or started."""


@dataclass(frozen=True)
class Place:
    """Which container: `home` is its directory, in which the runtime keeps whatever it needs to find it again."""

    task: str
    name: str
    home: Path


def forget_home(place: Place) -> None:
    """Delete a container's directory; the last one of a task takes the task's with it."""
    shutil.rmtree(place.home, ignore_errors=True)
    with contextlib.suppress(OSError):
        place.home.parent.rmdir()


@dataclass(frozen=True)
class Image:
    """A pulled image: its manifest's digest, and the settings that a container starts from."""

    reference: str
    digest: str
    environment: Mapping[str, str] = field(default_factory=dict)
    entry_point: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    working_directory: str = "/"
    layers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Start:
    """How to start a container; None means what the image says. `address` is the task's own, "" when not known yet.

    `memory_mib` (which kills), `memory_reservation_mib` and `cpu_units` (its share against others): 0 is no limit.
    """

    image: Image
    environment: Mapping[str, str]
    entry_point: Sequence[str] | None = None
    command: Sequence[str] | None = None
    working_directory: str | None = None
    address: str = ""
    user: str | None = None
    memory_mib: int = 0
    memory_reservation_mib: int = 0
    cpu_units: int = 0
    read_only: bool = False

    def argv(self) -> list[str]:
        """The whole command line. As in Docker, a new entry point drops the image's command."""
        image_command = self.image.command if self.entry_point is None else ()
        entry_point = self.image.entry_point if self.entry_point is None else self.entry_point
        command = image_command if self.command is None else self.command
        return [*entry_point, *command]


class Runtime(Protocol):
    """Runs containers that outlive this process; every method may be called again after a restart."""

    name: str

    def pull(self, reference: str) -> Image:
        """Fetch an image.

        Raises CannotPullError.
        """
        ...

    def reserve(self, ports: Sequence[int]) -> str:
        """An address of its own for a task that listens on these ports, "" when the start tells it."""
        ...

    def start(self, place: Place, start: Start) -> str:
        """Start a container and return its address.

        Raises CannotPullError and CannotStartError.
        """
        ...

    def found(self, place: Place) -> bool:
        """Whether the container was ever started."""
        ...

    def exit_code(self, place: Place) -> int | None:
        """How the container ended, 137 when nobody knows; None while it runs."""
        ...

    def probe(self, place: Place, argv: Sequence[str], timeout_seconds: float) -> bool:
        """Run a health check inside the container; whether it exited with 0 in time."""
        ...

    def stop(self, place: Place, grace_seconds: float) -> None:
        """Send SIGTERM, and SIGKILL to whatever is left after the grace; returns once nothing is."""
        ...

    def output(self, place: Place, offset: int) -> bytes:
        """What the container wrote, from this byte on."""
        ...

    def remove(self, place: Place) -> None:
        """Remove whatever is left of an ended container."""
        ...
