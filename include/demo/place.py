"""Where a demonstration lives: its directory, its ports, its secrets."""

from __future__ import annotations

import base64
import json
import secrets
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The checkout that is demonstrated."""
REGION = "eu-west-1"
ACCOUNT = "123456789012"
ADMIN = "admin"
WAKES = "airdock-wakes"
"""The queue whose messages wake the triggerer."""


@dataclass(frozen=True)
class Ports:
    """What is listened on, all on 127.0.0.1. `worker_logs` and `trigger_logs` are Airflow's own business."""

    ui: int = 8080
    aws: int = 4566
    app: int = 8000
    app_test: int = 8001
    worker_logs: int = field(default_factory=lambda: free_port())
    trigger_logs: int = field(default_factory=lambda: free_port())

    @staticmethod
    def free() -> Ports:
        """Ports that nobody listens on now, for tests beside a running demonstration."""
        return Ports(free_port(), free_port(), free_port(), free_port())


@dataclass(frozen=True)
class Secrets:
    """Made for one run, and worth nothing after it."""

    fernet_key: str = field(default_factory=lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
    api_secret_key: str = field(default_factory=lambda: secrets.token_hex(32))
    jwt_secret: str = field(default_factory=lambda: secrets.token_hex(32))
    admin_password: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    hook: str = field(default_factory=lambda: secrets.token_hex(32))


@dataclass(frozen=True)
class Place:
    """One run's directory, ports and secrets. `minute_seconds` real seconds make one AWS minute.

    `settings`: Airflow's environment variables that differ here from the shared ones. `aws_settings`: the local AWS's.
    """

    directory: Path = ROOT / ".demo"
    dags: Path = ROOT / "dags"
    ports: Ports = field(default_factory=Ports)
    secrets: Secrets = field(default_factory=Secrets)
    minute_seconds: float = 3.0
    runtime: str = "auto"
    settings: Mapping[str, str] = field(default_factory=dict)
    aws_settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """AIRFLOW_HOME."""
        return self.directory / "airflow"

    @property
    def logs(self) -> Path:
        """One file for each process."""
        return self.directory / "logs"

    @property
    def passwords(self) -> Path:
        """The file of Airflow's simple auth manager."""
        return self.home / "passwords.json"

    @property
    def ui(self) -> str:
        return f"http://127.0.0.1:{self.ports.ui}"

    @property
    def aws(self) -> str:
        return f"http://127.0.0.1:{self.ports.aws}"

    @property
    def app(self) -> str:
        return f"http://127.0.0.1:{self.ports.app}"

    def make(self) -> None:
        """Make the directory anew: a demonstration begins with nothing delivered."""
        if self.directory.exists():
            shutil.rmtree(self.directory)
        self.home.mkdir(parents=True)
        self.passwords.touch(mode=0o600)
        self.passwords.write_text(json.dumps({ADMIN: self.secrets.admin_password}))


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
