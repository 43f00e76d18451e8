"""The phases of a build in shells that hand on to each other what they have set."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from local_aws.runtime.processes import MARK, members, send

KILL_SECONDS = 5.0
LOOK_SECONDS = 0.01
# What a shell sets by itself, and does not take from another.
_ITS_OWN = (
    "BASH[A-Z_]*|EUID|UID|PPID|SHELLOPTS|GROUPS|DIRSTACK|FUNCNAME|PIPESTATUS|LINENO|OPTIND|RANDOM|SECONDS|SRANDOM|_"
)


@dataclass(frozen=True)
class PhaseEnd:
    """How commands ended; `command` is the one that failed, "" when none did; `stopped`: by us."""

    command: str = ""
    status: int = 0
    stopped: bool = False

    @property
    def message(self) -> str:
        """The phase context's message, in CodeBuild's words."""
        return f"Error while executing command: {self.command}. Reason: exit status {self.status}"


class Shell:
    """The shell of one build, at work in `home`, whose every process bears `home` as a mark.

    Every `look_seconds` it looks at what was printed, and whether to stop; the end of a phase it notices at once.
    """

    def __init__(
        self, program: str, home: Path, source: Path, environment: Mapping[str, str], look_seconds: float
    ) -> None:
        self._program = "/bin/bash" if program == "bash" else "/bin/sh"
        self._home, self._state = home, home / "shell"
        self._state.mkdir(parents=True, exist_ok=True)
        (self._state / "directory").write_text(str(source))
        exports = (f"export {name}={shlex.quote(value)}" for name, value in environment.items())
        (self._state / "environment").write_text("\n".join(exports) + "\n")
        # A file, not a pipe: what a phase leaves running in the background goes on writing in the next ones.
        self._output = self._state / "output"
        self._output.touch()
        self._look_seconds = look_seconds
        self._read, self._held = 0, b""

    def run(self, commands: Sequence[str], line: Callable[[str], None], stop: Callable[[], bool]) -> PhaseEnd:
        """Run the commands until one fails, or `stop` says so; each line they print goes to `line`."""
        process, stopped = self._started(commands), False
        ended = _ended(process)
        while not ended.is_set():
            self._tell(line)
            if stop():
                stopped = True
                end_all(self._home, process.pid)
            ended.wait(self._look_seconds)
        self._tell(line, to_the_end=True)
        return self._end(commands, process.returncode, stopped)

    def variable(self, name: str) -> str | None:
        """An exported variable as the last phase left it."""
        file = self._state / "exported"
        entries = file.read_bytes().split(b"\0") if file.exists() else []
        told = dict(entry.decode(errors="replace").partition("=")[::2] for entry in entries if b"=" in entry)
        return told.get(name)

    def set(self, name: str, value: str) -> None:
        """Export a variable to the next phase."""
        with (self._state / "environment").open("a") as file:
            file.write(f"export {name}={shlex.quote(value)}\n")

    def _started(self, commands: Sequence[str]) -> subprocess.Popen[bytes]:
        for number, command in enumerate(commands):
            (self._state / f"command-{number}").write_text(command + "\n")
        script = self._state / "phase"
        script.write_text(self._script(len(commands)))
        with self._output.open("ab") as output:
            return subprocess.Popen(  # noqa: S603 - running a build's commands is what a build is
                [self._program, str(script)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={"PATH": "/usr/bin:/bin", MARK: str(self._home)},
                start_new_session=True,
            )

    def _script(self, commands: int) -> str:
        """All commands in one shell; at its end it writes down directory, variables and (bash) functions."""
        state = shlex.quote(str(self._state))
        lines = [
            f'. {state}/environment; cd "$(cat {state}/directory)"',
            "__local_aws_end() {",
            f"  pwd > {state}/directory; env -0 > {state}/exported",
            f"  {{ set | grep -Ev '^({_ITS_OWN})='; export -p; }} > {state}/environment",
            "}",
            "trap __local_aws_end EXIT",
        ]
        for number in range(commands):
            lines += [
                f"echo {number} > {state}/at",
                f'echo "[Container] Running command $(head -n 1 {state}/command-{number})"',
                # Not `. file || exit`: a command's own `set -e` would have no effect there.
                f". {state}/command-{number}",
                "__local_aws_code=$?; [ $__local_aws_code -eq 0 ] || exit $__local_aws_code",
            ]
        return "\n".join(lines) + "\n"

    def _tell(self, line: Callable[[str], None], *, to_the_end: bool = False) -> None:
        with self._output.open("rb") as output:
            output.seek(self._read)
            news = output.read()
        self._read += len(news)
        *whole, self._held = (self._held + news).split(b"\n")
        if to_the_end and self._held:
            whole, self._held = [*whole, self._held], b""
        for each in whole:
            line(each.decode(errors="replace").rstrip("\r"))

    def _end(self, commands: Sequence[str], code: int, stopped: bool) -> PhaseEnd:
        if not code and not stopped:
            return PhaseEnd()
        file = self._state / "at"
        number = int(file.read_text() or 0) if file.exists() else 0
        return PhaseEnd(commands[number], code if code >= 0 else 128 - code, stopped)


def _ended(process: subprocess.Popen[bytes]) -> threading.Event:
    """Set at the process's end. `Popen.wait` with a time limit looks twenty times a second, in each of many builds."""
    ended = threading.Event()

    def wait() -> None:
        process.wait()
        ended.set()

    threading.Thread(target=wait, name=f"build {process.pid}", daemon=True).start()
    return ended


def end_all(home: Path, group: int = 0) -> None:
    """End every process that a build has begun, and those of a process group, whatever mark they bear."""
    if group:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    deadline = time.monotonic() + KILL_SECONDS
    while (left := members(home)) and time.monotonic() < deadline:
        for process in left:
            send(process, signal.SIGKILL)
        time.sleep(LOOK_SECONDS)  # they are other processes: nobody tells us when they are gone
