"""The local AWS as a process of its own, for tests: started, killed and restarted on one port and state."""

import json
import multiprocessing
import os
import random
import signal
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import count
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

REGION = "eu-west-1"
_MAKING = threading.Lock()
_FORKS = multiprocessing.get_context("forkserver")
"""A process that has imported the local AWS and forks it: importing it takes longer than most tests."""
_FORKS.set_forkserver_preload(["local_aws.__main__"])


_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 20
_PORTS = count(random.randrange(600))
"""Each worker of a run has 600 of its own, below those that Linux gives to whoever asks for any (32768 and more)."""


def free_port() -> int:
    """A port nobody listens on right now, and that nobody else takes before it is listened on or in a restart."""
    return next(port for port in (20_000 + 600 * _WORKER + number % 600 for number in _PORTS) if _free(port))


def _free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@cache
def _session(access_key: str) -> boto3.Session:
    """Shared by all clients of the caller: reading AWS's models again for each would be most of a test's CPU."""
    return boto3.Session(access_key, "test-secret", region_name=REGION)


@cache
def _client(endpoint: str, service: str, access_key: str, config: str) -> Any:
    settings = Config(**{"retries": {"total_max_attempts": 1}, "proxies": {}, **json.loads(config)})
    with _MAKING:  # a session makes clients for one thread at a time
        return _session(access_key).client(service, endpoint_url=endpoint, config=settings)


def _serve(arguments: Sequence[str], log: Path, environ: Mapping[str, str]) -> None:
    """What `python -m local_aws` does, with its words in a log."""
    from moto.moto_api._internal import mock_random

    from local_aws.__main__ import main

    mock_random.seed()  # or each fork would give out the same ids, after a restart those that are there already
    os.environ.clear()
    os.environ.update(environ)
    with log.open("ab", buffering=0) as written:
        os.dup2(written.fileno(), 1)
        os.dup2(written.fileno(), 2)
    sys.argv = ["local_aws", *arguments]
    sys.exit(main())


class LocalAws:
    """A running local AWS; `minute_seconds` real seconds make one AWS minute."""

    def __init__(
        self, state_dir: Path, minute_seconds: float = 0.5, runtime: str = "process", options: Sequence[str] = ()
    ) -> None:
        self.state_dir = state_dir
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.minute_seconds = minute_seconds
        self._runtime = runtime
        self._options = options
        self._process: ForkServerProcess | None = None

    def start(self) -> "LocalAws":
        """Start the process and return once it answers."""
        arguments = ["--port", str(self.port), "--state", str(self.state_dir)]
        arguments += ["--minute-seconds", str(self.minute_seconds), "--runtime", self._runtime, *self._options]
        self.state_dir.mkdir(parents=True, exist_ok=True)
        of_it = (arguments, self.state_dir / "process.log", dict(os.environ))
        self._process = _FORKS.Process(target=_serve, args=of_it, daemon=True)
        self._process.start()
        self._wait_until_healthy()
        return self

    def stop(self) -> int:
        """Ask the process to end (SIGTERM) and return its exit status."""
        assert self._process
        self._process.terminate()
        return self._status(20)

    def kill9(self) -> None:
        """Let the process die without a chance to say good-bye."""
        assert self._process
        self._process.kill()
        self._status(10)

    def end(self) -> None:
        """End it for good, with all that it runs; tasks outlive a `kill9`."""
        assert self._process
        if self._process.is_alive():
            self.stop()
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal() and self._runs(entry):
                os.kill(int(entry.name), signal.SIGKILL)

    def _runs(self, process: Path) -> bool:
        try:
            return f"LOCAL_AWS_CONTAINER={self.state_dir}/".encode() in (process / "environ").read_bytes()
        except OSError:
            return False

    def restart(self) -> None:
        """Start again on the same port and state."""
        assert self._process
        if self._process.is_alive():
            self.stop()
        self.start()

    def client(self, service: str, access_key: str = "AKIATESTCALLER000000", **config: Any) -> Any:
        """A boto3 client like a user's, but for its endpoint; `config` goes to botocore's Config."""
        return _client(self.endpoint, service, access_key, json.dumps(config, sort_keys=True))

    def effects(self, service: str = "", operation: str = "") -> list[dict[str, Any]]:
        """What was done, oldest first."""
        query = "&".join(f"{k}={v}" for k, v in (("service", service), ("operation", operation)) if v)
        return self.control("GET", f"effects?{query}")

    def faults(self, *plan: dict[str, Any]) -> None:
        """Replace the fault plan; none clears it."""
        if plan:
            self.control("PUT", "faults", list(plan))
        else:
            self.control("DELETE", "faults")

    def release(self, fault_id: str) -> None:
        """Let the requests go on which a `block_*` fault holds."""
        self.control("POST", "faults/release", {"id": fault_id})

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """One request to `/_local/<path>`."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.endpoint}/_local/{path}", data, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as reply:
            return json.load(reply)

    def log(self) -> str:
        """What the process said."""
        return (self.state_dir / "process.log").read_text()

    def _status(self, seconds: float) -> int:
        """The exit status of the process, which ends within so many seconds; negative when it died of a signal."""
        assert self._process
        self._process.join(seconds)
        assert self._process.exitcode is not None, f"the local AWS did not end:\n{self.log()}"
        return self._process.exitcode

    def _wait_until_healthy(self) -> None:
        assert self._process
        deadline = time.monotonic() + 60
        while not self._started():
            if not self._process.is_alive() or time.monotonic() > deadline:
                raise AssertionError(f"the local AWS did not start:\n{self.log()}")
            time.sleep(0.05)

    def _started(self) -> bool:
        try:
            return bool(self.control("GET", "health")["status"] != "starting")
        except OSError:
            return False
