"""The git CLI on repositories of strangers: every call is fenced, bounded and speaks plainly when it fails.

What git offers to a hostile repository, address or server, and the bolt before it:

- options in the place of names: `--end-of-options` before everything that was not written here;
- other transports (`ext::`, `file://`): GIT_ALLOW_PROTOCOL and the check in `remote`;
- configuration, hooks, helpers, templates and .netrc of the machine: none is read, HOME is an empty folder;
- redirects that carry credentials to another host: not followed;
- malformed objects: checked on arrival; submodules and LFS: never fetched;
- size and time: limits on file size, memory and CPU, and a clock on every call.
"""

from __future__ import annotations

import math
import os
import resource
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from airdock.errors import Fault
from airdock.source.complaint import verdict_on
from airdock.source.remote import Login, Remote

CONFIG = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.bigFileThreshold": "1m",
    "credential.helper": "",
    "fetch.fsckObjects": "true",
    "transfer.fsckObjects": "true",
    "fetch.recurseSubmodules": "no",
    "submodule.recurse": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "30",
    "protocol.version": "2",
    "protocol.allow": "never",
    "protocol.https.allow": "always",
    "protocol.http.allow": "always",
    "protocol.ssh.allow": "always",
    "log.showSignature": "false",
}
PASSED_ON = ("PATH", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE")
"""What git may know of the worker's own environment."""

LARGEST_FILE_BYTES = 2 * 1024**3
MOST_CPU_SECONDS = 600
MOST_MEMORY_BYTES = 4 * 1024**3
LONGEST_OUTPUT_BYTES = 16 * 1024**2

# Limits are set by a shell between us and git: in a process with threads, Python code between fork and exec may hang.
_LIMITED = 'ulimit -c 0; ulimit -f "$1"; ulimit -t "$2"; ulimit -v "$3"; shift 3; exec "$@"'
_ASKPASS = """#!/bin/sh
case "$1" in
  [Uu]sername*) printf '%s\\n' "$AIRDOCK_GIT_USER" ;;
  *) printf '%s\\n' "$AIRDOCK_GIT_PASSWORD" ;;
esac
"""


@dataclass(frozen=True, slots=True)
class Git:
    """One repository under one temporary folder, which holds the bare copy and the files with secrets.

    `longest_seconds`: no call may take longer, whatever it allows itself.
    """

    remote: Remote
    folder: Path
    longest_seconds: float = math.inf

    @property
    def bare(self) -> Path:
        return self.folder / "bare"

    def run(self, *arguments: str, stdin: str = "", timeout_seconds: float = 120, bytes_at_most: int = 0) -> bytes:
        """The output of `git <arguments>`.

        Raises:
            Refused: git will say the same next time.
            Fault: the server or the way to it failed, or the call took longer than it may.
        """
        seconds = min(timeout_seconds, self.longest_seconds)
        argv = limited(command(self.bare, *arguments), bytes_at_most or LARGEST_FILE_BYTES)
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.TemporaryFile() as given:
            given.write(stdin.encode())
            given.seek(0)
            status = _wait(self._start(argv, given, out, err), arguments[0], seconds)
            if status != 0:
                raise verdict_on(self.remote, arguments[0], status, _start_of(err), self.remote.login.password)
            return _start_of(out)

    def _start(self, argv: list[str], given: IO[bytes], out: IO[bytes], err: IO[bytes]) -> subprocess.Popen[bytes]:
        environ = environment(self.remote, self.folder, os.environ)
        return subprocess.Popen(  # noqa: S603 - the argv is built here, without a shell's eyes on it
            argv, env=environ, cwd=self.folder, stdin=given, stdout=out, stderr=err, start_new_session=True
        )


@contextmanager
def opened(remote: Remote, longest_seconds: float = math.inf) -> Iterator[Git]:
    """A Git for one remote, with an empty bare repository; the folder goes when the block ends."""
    with tempfile.TemporaryDirectory(prefix="airdock-git-") as name:
        folder = Path(name)
        _write_private(folder, remote.login)
        git = Git(remote, folder, longest_seconds)
        git.run("init", "--quiet", "--bare", "--template=", "--end-of-options", str(git.bare))
        git.run("config", "--end-of-options", "remote.origin.url", remote.url)
        yield git


def command(repository: Path, *arguments: str) -> list[str]:
    """git with every bolt closed, on one bare repository."""
    settings = [part for key, value in CONFIG.items() for part in ("-c", f"{key}={value}")]
    return ["git", "--no-pager", *settings, f"--git-dir={repository}", *arguments]


def limited(argv: list[str], largest_file_bytes: int = LARGEST_FILE_BYTES) -> list[str]:
    """`argv` under limits of file size, CPU time and memory, none wider than the worker's own."""
    file_blocks = _at_most(resource.RLIMIT_FSIZE, largest_file_bytes) // 512
    cpu_seconds = _at_most(resource.RLIMIT_CPU, MOST_CPU_SECONDS)
    memory_kib = _at_most(resource.RLIMIT_AS, MOST_MEMORY_BYTES) // 1024
    return ["/bin/sh", "-c", _LIMITED, "git", str(file_blocks), str(cpu_seconds), str(memory_kib), *argv]


def environment(remote: Remote, folder: Path, outer: Mapping[str, str]) -> dict[str, str]:
    """All that git sees of the outside; credentials are here and in private files, never in an argument."""
    return {
        **{name: outer[name] for name in PASSED_ON if name in outer},
        "HOME": str(folder),
        "LC_ALL": "C",
        "GIT_ALLOW_PROTOCOL": "https:ssh:http" if remote.scheme == "http" else "https:ssh",
        "GIT_ASKPASS": str(folder / "askpass"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_SSH_COMMAND": " ".join(_ssh(folder, remote.login)),
        "GIT_TERMINAL_PROMPT": "0",
        "AIRDOCK_GIT_USER": remote.login.user,
        "AIRDOCK_GIT_PASSWORD": remote.login.password,
    }


def _ssh(folder: Path, login: Login) -> list[str]:
    options = ["BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=15", "ForwardAgent=no"]
    options += ["PermitLocalCommand=no", "ProxyCommand=none"]
    if login.known_hosts:
        options.append(f"UserKnownHostsFile={folder / 'known_hosts'}")
    if login.private_key:
        options += [f"IdentityFile={folder / 'key'}", "IdentitiesOnly=yes"]
    return ["ssh", "-F", os.devnull, *(f"-o{option}" for option in options)]


def _write_private(folder: Path, login: Login) -> None:
    files = {"askpass": _ASKPASS, "key": login.private_key.strip() + "\n", "known_hosts": login.known_hosts + "\n"}
    for name, text in files.items():
        path = folder / name
        path.touch(mode=0o700 if name == "askpass" else 0o600)
        path.write_text(text)


def _wait(process: subprocess.Popen[bytes], verb: str, timeout_seconds: float) -> int:
    """The exit status; on a timeout the whole process group ends, because git works through children.

    The clock is a thread's, for `Popen.wait` with a timeout looks at intervals: half as long again for a short command.
    """
    late = threading.Event()

    def stop() -> None:
        late.set()
        _end(process)

    clock = threading.Timer(timeout_seconds, stop)
    clock.start()
    try:
        status = process.wait()
    finally:
        clock.cancel()
        if process.poll() is None:
            _end(process)
            process.wait()
    if late.is_set():
        raise Fault(f"git {verb} had not ended after {timeout_seconds:g} s")
    return status


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _at_most(limit: int, wanted: int) -> int:
    hard = resource.getrlimit(limit)[1]
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)


def _start_of(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read(LONGEST_OUTPUT_BYTES)
