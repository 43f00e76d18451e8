"""The processes of a container, found by a mark in their environment: it survives our death and theirs of ids."""

from __future__ import annotations

import os
import signal
from pathlib import Path

MARK = "LOCAL_AWS_CONTAINER"
# Passes SIGTERM on to the command alone, as Docker does, and leaves its exit status for whoever comes to ask.
WRAPPER = (
    'trap \'kill -TERM "$child" 2>/dev/null\' TERM; "$@" & child=$!; '
    'while :; do wait "$child"; code=$?; kill -0 "$child" 2>/dev/null || break; done; '
    f'echo "$code" >"${MARK}/exit"'
)


def bears_mark(pid: int, home: Path) -> bool:
    """Whether a live process belongs to the container; a zombie has no environment any more."""
    try:
        environ = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return f"{MARK}={home}".encode() in environ.split(b"\0")


def environment_of(pid: int) -> dict[str, str]:
    """The environment that a process was started with.

    Raises OSError when it is gone.
    """
    entries = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="surrogateescape").split("\0")
    return {name: value for name, _, value in (entry.partition("=") for entry in entries) if name}


def members(home: Path) -> list[int]:
    """Every live process of the container."""
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal())
    return [pid for pid in pids if bears_mark(pid, home)]


def leader(home: Path) -> int | None:
    """The process that leads the container's session."""
    return next((pid for pid in members(home) if _leads(pid)), None)


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may be gone already."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _leads(pid: int) -> bool:
    try:
        return os.getsid(pid) == pid
    except ProcessLookupError:
        return False
