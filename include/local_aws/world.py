"""The world that the parts of the local AWS share: settings, clock, store, effects, events, threads, clients."""

from __future__ import annotations

import logging
import os
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from local_aws.clock import Clock, Wakeups
from local_aws.effects import Effects
from local_aws.events import Events
from local_aws.store import Store

INTERNAL_ACCESS_KEY = "LOCALAWSINTERNAL"


@dataclass(frozen=True)
class Settings:
    """How this process was asked to run; `minute_seconds` real seconds make one AWS minute."""

    port: int
    bind: str
    state_dir: Path
    minute_seconds: float = 3.0
    runtime: str = "auto"
    account: str = "123456789012"
    region: str = "eu-west-1"
    public_host: str = ""
    """The name by which clients on other hosts reach this one; "" when there are none."""

    @property
    def endpoint(self) -> str:
        """Where this host, with its builds, tasks and functions, reaches the process."""
        return f"http://{self._own_host}:{self.port}"

    @property
    def host(self) -> str:
        """The host in addresses that clients are told."""
        return self.public_host or self._own_host

    @property
    def public_endpoint(self) -> str:
        """Where clients reach the process."""
        return f"http://{self.host}:{self.port}"

    @property
    def _own_host(self) -> str:
        return "127.0.0.1" if self.bind == "0.0.0.0" else self.bind  # noqa: S104


class Threads:
    """Engine threads: daemons whose crash is seen, told to stop by one event."""

    def __init__(self, log: logging.Logger, effects: Effects) -> None:
        self.stopping = threading.Event()
        self.wakeups = Wakeups()
        self.crashed: list[str] = []
        self._log = log
        self._effects = effects
        self._alive: list[threading.Thread] = []

    def spawn(self, name: str, target: Callable[..., object], *args: Any) -> threading.Thread:
        """Run `target(*args)` in a daemon thread."""
        thread = threading.Thread(target=self._run, args=(name, target, args), name=name, daemon=True)
        self._alive = [*(other for other in self._alive if other.is_alive()), thread]
        thread.start()
        return thread

    def stop(self, grace_seconds: float = 5.0) -> None:
        """Ask every engine to end, and give each the time to stop what it runs."""
        self.stopping.set()
        self.wakeups.notify()
        deadline = time.monotonic() + grace_seconds
        for thread in self._alive:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self, name: str, target: Callable[..., object], args: tuple[Any, ...]) -> None:
        try:
            target(*args)
        except Exception:
            # On the way down clients and database vanish under the engines: that is no crash.
            if not self.stopping.is_set():
                self._log.exception("engine thread %s crashed", name)
                self.crashed.append(name)
                self._effects.record("local_aws", "thread_crashed", name, error=traceback.format_exc(limit=-5))


class World:
    """Everything the parts share. `install` makes one the current world."""

    def __init__(self, settings: Settings) -> None:
        settings.state_dir.mkdir(parents=True, exist_ok=True)
        self.settings = settings
        self.log = logging.getLogger("local_aws")
        self.store = Store(settings.state_dir / "state.sqlite")
        self.effects = Effects(settings.state_dir / "effects.jsonl")
        self.threads = Threads(self.log, self.effects)
        self.effects.on_change(self.threads.wakeups.notify)
        self.started = threading.Event()  # Every part has resumed what was in flight.
        self.clock = Clock(settings.minute_seconds, self.threads.wakeups, self.threads.stopping)
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._clients_lock = threading.Lock()

    @property
    def events(self) -> Events:
        """EventBridge, for the parts: `emit(source, detail_type, detail, resources)`."""
        return Events(self)

    def client(self, service: str, caller: str, region: str | None = None) -> Any:
        """A boto3 client on our own endpoint, marked as internal: no retries, no faults."""
        key = (service, caller, region or self.settings.region)
        with self._clients_lock:
            if key not in self._clients:
                self._clients[key] = self._new_client(*key)
            return self._clients[key]

    def install(self) -> World:
        """Make this the current world."""
        global _current
        os.environ["MOTO_ACCOUNT_ID"] = self.settings.account
        _current = self
        return self

    def close(self) -> None:
        """Stop the engines and let go of the files."""
        self.threads.stop()
        self.store.close()

    def _new_client(self, service: str, caller: str, region: str) -> Any:
        session = boto3.Session(
            aws_access_key_id=INTERNAL_ACCESS_KEY + caller,
            aws_secret_access_key="internal",  # noqa: S106
            region_name=region,
        )
        config = Config(retries={"total_max_attempts": 1}, read_timeout=60, proxies={}, max_pool_connections=20)
        return session.client(service, endpoint_url=self.settings.endpoint, config=config)


_current: World | None = None


def world() -> World:
    """The current world.

    Raises RuntimeError when none was installed.
    """
    if _current is None:
        raise RuntimeError("no local AWS is running in this process")
    return _current
