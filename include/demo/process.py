"""A process of the demonstration: started under a keeper, watched, stopped, its log at hand."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from demo.keeper import descendants

KEEPER = Path(__file__).with_name("keeper.py")
TAIL_LINES = 15
LOOK_EVERY_SECONDS = 0.2


class Trouble(Exception):
    """The demonstration can't go on; the message is for the person who started it."""


class Process:
    """One command under a keeper; its output goes to `log`."""

    def __init__(self, name: str, command: Sequence[str], environ: Mapping[str, str], log: Path, grace: float = 10):
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        # -I -S: the keeper needs neither the environment's paths nor site-packages, and starts in 30 ms.
        keeper = [sys.executable, "-I", "-S", str(KEEPER), str(grace), *command]
        with log.open("ab") as output:
            self._keeper = subprocess.Popen(
                keeper,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                env=dict(environ),
                start_new_session=True,
            )
        self._grace_seconds = grace

    @property
    def pid(self) -> int:
        """The keeper's process id; the command runs below it."""
        return self._keeper.pid

    def ended(self) -> int | None:
        """The exit status, or None while the command runs."""
        return self._keeper.poll()

    def ask_to_stop(self) -> None:
        """Begin the end: SIGTERM, then the time of grace."""
        assert self._keeper.stdin
        self._keeper.stdin.close()

    def wait_until_stopped(self) -> None:
        """Return when the command and everything below it are gone."""
        self._keeper.wait(self._grace_seconds + 30)

    def kill(self) -> None:
        """Kill the command and everything below it; returns when they are gone."""
        for pid in descendants(self.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._keeper.wait(self._grace_seconds + 30)

    def finish(self, seconds: float) -> None:
        """Wait for a command that ends by itself. Raises Trouble when it fails or takes too long."""
        try:
            status = self._keeper.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Trouble(f"{self.name} took more than {seconds:.0f} s\n{self.tail()}") from None
        if status:
            raise Trouble(f"{self.name} failed with status {status}\n{self.tail()}")

    def wait_until(self, ready: Callable[[], bool], seconds: float, stopping: threading.Event) -> None:
        """Return once `ready()`. Raises Trouble when the process ends first, or time runs out."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self.ended() is not None:
                raise Trouble(f"{self.name} ended at its start with status {self.ended()}\n{self.tail()}")
            if time.monotonic() > deadline:
                raise Trouble(f"{self.name} was not ready within {seconds:.0f} s\n{self.tail()}")
            if stopping.wait(LOOK_EVERY_SECONDS):
                raise Trouble("stopped")

    def tail(self) -> str:
        """The last lines of the log, with where to read the rest."""
        lines = self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
        return "\n".join([*(f"    {line}" for line in lines), f"    (all of it: {self.log})"])


def child_environ(**more: str) -> dict[str, str]:
    """This process's environment for children, with Python's compiled files on: they halve every start."""
    dropped = ("PYTHONDONTWRITEBYTECODE", "PYTHONHOME", "VIRTUAL_ENV")
    # Nothing of the caller's own Airflow or AWS may reach into the demonstration, nor the other way round.
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in dropped and not name.startswith(("AIRFLOW_", "AWS_", "LOCAL_AWS_"))
    }
    beside = str(Path(sys.executable).parent)
    path = os.pathsep.join([beside, inherited.get("PATH", os.defpath)])
    return {**inherited, "PATH": path, "PYTHONUNBUFFERED": "1", **more}
