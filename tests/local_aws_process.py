"""The local AWS as a process of its own, for tests: started, killed and restarted on one port and state."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

REGION = "eu-west-1"
_SOURCE = Path(__file__).parent.parent / "include"


def free_port() -> int:
    """A port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "LocalAws":
        """Start the process and return once it answers."""
        command = [sys.executable, "-m", "local_aws", "--port", str(self.port), "--state", str(self.state_dir)]
        command += ["--minute-seconds", str(self.minute_seconds), "--runtime", self._runtime, *self._options]
        environ = {**os.environ, "PYTHONPATH": str(_SOURCE)}
        self.state_dir.mkdir(parents=True, exist_ok=True)
        with (self.state_dir / "process.log").open("ab") as log:
            self._process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
        self._wait_until_healthy()
        return self

    def stop(self) -> int:
        """Ask the process to end (SIGTERM) and return its exit status."""
        assert self._process
        self._process.terminate()
        return self._process.wait(timeout=20)

    def kill9(self) -> None:
        """Let the process die without a chance to say good-bye."""
        assert self._process
        self._process.kill()
        self._process.wait(timeout=10)

    def end(self) -> None:
        """End it for good, with all that it runs; tasks outlive a `kill9`."""
        assert self._process
        if self._process.poll() is None:
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
        if self._process.poll() is None:
            self.stop()
        self.start()

    def client(self, service: str, access_key: str = "AKIATESTCALLER000000", **config: Any) -> Any:
        """A boto3 client like a user's, but for its endpoint; `config` goes to botocore's Config."""
        settings = Config(**{"retries": {"total_max_attempts": 1}, "proxies": {}, **config})
        session = boto3.Session(access_key, "test-secret", region_name=REGION)
        return session.client(service, endpoint_url=self.endpoint, config=settings)

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

    def _wait_until_healthy(self) -> None:
        assert self._process
        deadline = time.monotonic() + 60
        while not self._started():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the local AWS did not start:\n{self.log()}")
            time.sleep(0.05)

    def _started(self) -> bool:
        try:
            return bool(self.control("GET", "health")["status"] != "starting")
        except OSError:
            return False
