"""Runs one command and sees to it that nothing the command started outlives the demonstration.

    python keeper.py GRACE_SECONDS COMMAND [ARGUMENT...]

The keeper lives in a session of its own and reads a pipe that only the demonstration holds open. When the pipe closes,
because the demonstration stopped the command or because it was killed itself, the command gets SIGTERM and a time of
grace, and whatever still runs below the keeper is killed. Processes whose parents died first stay below it as well: on
Linux it asks to become their parent. Standard library only, and few imports: one keeper runs for each command.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LINUX = sys.platform.startswith("linux")


def keep(grace_seconds: float, command: list[str]) -> int:
    """Run `command` until it ends or standard input closes; its exit status."""
    if LINUX:
        _prctl(PR_SET_CHILD_SUBREAPER, 1)
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent)
    while child.poll() is None and not _asked_to_stop(told):
        pass
    _end(child, grace_seconds)
    return child.returncode


def descendants(of: int) -> list[int]:
    """Every process below `of`, from /proc; none where there is no /proc."""
    children: dict[int, list[int]] = {}
    for pid, parent in _processes():
        children.setdefault(parent, []).append(pid)
    found: list[int] = []
    waiting = [of]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def _asked_to_stop(told: int) -> bool:
    """Sleep until a child ended (no), or the demonstration wants the end or is gone (yes)."""
    ready, _, _ = select.select([sys.stdin, told], [], [])
    if sys.stdin in ready:
        return True
    return signal.SIGTERM in os.read(told, 64)


def _end(child: subprocess.Popen[bytes], grace_seconds: float) -> None:
    deadline = time.monotonic() + grace_seconds
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    _end_orphans(deadline)


def _end_orphans(deadline: float) -> None:
    """What the command left behind: asked to end first, killed after the time of grace."""
    left = _reaped(descendants(os.getpid()))
    _signal(left, signal.SIGTERM)
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = _reaped(descendants(os.getpid()))
    while left:
        _signal(left, signal.SIGKILL)
        time.sleep(0.02)
        left = _reaped(descendants(os.getpid()))
    if not LINUX:
        os.killpg(0, signal.SIGKILL)


def _reaped(pids: list[int]) -> list[int]:
    """Those that still run; our own that have ended are waited for."""
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        return []
    return [pid for pid in pids if pid in descendants(os.getpid())]


def _signal(pids: list[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _processes() -> Iterator[tuple[int, int]]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name in brackets may hold anything; what follows the last bracket is state and parent.
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        yield int(stat.parent.name), parent


def _die_with_parent() -> None:
    if LINUX:
        _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(keep(float(sys.argv[1]), sys.argv[2:]))
