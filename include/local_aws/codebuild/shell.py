"""One phase in one shell: its commands share directory and variables, also with the phases after it."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

GRACE_SECONDS = 3


@dataclass(frozen=True)
class PhaseEnd:
    """How a phase ended; `command` is the one that failed, "" when none did; `timed_out` or `stopped` by others."""

    command: str = ""
    status: int = 0
    stopped: bool = False

    @property
    def message(self) -> str:
        """The phase context's message, in CodeBuild's words."""
        return f"Error while executing command: {self.command}. Reason: exit status {self.status}"


class Shell:
    """The shell of one build. `state` is a folder for what passes from phase to phase."""

    def __init__(self, program: str, state: Path, source: Path, environment: Mapping[str, str]) -> None:
        self._program = "/bin/bash" if program == "bash" else "/bin/sh"
        self._state = state
        state.mkdir(parents=True, exist_ok=True)
        (state / "directory").write_text(str(source))
        exports = (f"export {name}={shlex.quote(value)}" for name, value in environment.items())
        (state / "environment").write_text("\n".join(exports) + "\n")

    def run(
        self,
        commands: Sequence[str],
        line: Callable[[str], None],
        started: Callable[[int], None],
        stop: Callable[[], bool],
    ) -> PhaseEnd:
        """Run the commands until one fails; each line they print goes to `line`, the process group to `started`."""
        (self._state / "result").unlink(missing_ok=True)
        for number, command in enumerate(commands):
            (self._state / f"command-{number}").write_text(command + "\n")
        script = self._state / "phase"
        script.write_text(self._script(len(commands)))
        process = subprocess.Popen(  # noqa: S603 - running a build's commands is what a build is
            [self._program, str(script)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={"PATH": "/usr/bin:/bin"},
            start_new_session=True,
        )
        started(process.pid)
        stopped = _followed(process, line, stop)
        return self._end(commands, stopped)

    def variable(self, name: str) -> str | None:
        """An exported variable as the last phase left it."""
        file = self._state / "variables"
        entries = file.read_bytes().split(b"\0") if file.exists() else []
        told = dict(entry.decode(errors="replace").partition("=")[::2] for entry in entries if b"=" in entry)
        return told.get(name)

    def set(self, name: str, value: str) -> None:
        with (self._state / "environment").open("a") as file:
            file.write(f"export {name}={shlex.quote(value)}\n")

    def _script(self, commands: int) -> str:
        state = shlex.quote(str(self._state))
        lines = [
            f'S={state}; . $S/environment; cd "$(cat $S/directory)"; AT=0',
            "trap 'C=$?; export -p > $S/environment; pwd > $S/directory; env -0 > $S/variables; "
            'echo "$AT $C" > $S/result\' EXIT',
        ]
        for number in range(commands):
            lines += [f"AT={number}", f'echo "[Container] Running command $(head -n 1 $S/command-{number})"']
            lines.append(f". $S/command-{number} || exit $?")
        return "\n".join(lines) + "\n"

    def _end(self, commands: Sequence[str], stopped: bool) -> PhaseEnd:
        file = self._state / "result"
        number, status = (int(word) for word in (file.read_text() if file.exists() else "0 137").split())
        if stopped:
            return PhaseEnd(commands[number], status, stopped=True)
        return PhaseEnd(commands[number], status) if status else PhaseEnd()


def _followed(process: subprocess.Popen[bytes], line: Callable[[str], None], stop: Callable[[], bool]) -> bool:
    """Read the output to its end, or kill the group when `stop` says so; whether it was stopped."""
    assert process.stdout
    os.set_blocking(process.stdout.fileno(), False)
    held, stopped = b"", False
    while True:
        ended = process.poll() is not None
        held = _lines(held + (process.stdout.read() or b""), line)
        if ended:
            break
        if stop():
            stopped = True
            end_group(process.pid)
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
    if held:
        line(held.decode(errors="replace"))
    end_group(process.pid)
    return stopped


def _lines(text: bytes, line: Callable[[str], None]) -> bytes:
    *whole, rest = text.split(b"\n")
    for each in whole:
        line(each.decode(errors="replace").rstrip("\r"))
    return rest


def end_group(leader: int) -> None:
    """End what is left of a process group that this build began."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
