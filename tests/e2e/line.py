"""A whole running delivery line, for tests: the local AWS, real Airflow processes, and the application's repository."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.request import Request

from demo import facts
from demo.clients import LocalAws
from demo.delivery import DAG_ID, ENDED
from demo.place import ROOT, Place, Ports
from demo.releases import Change
from demo.rest import OPENER, Airflow
from demo.seed import Seeded, seed
from demo.stack import Stack
from demo.traffic import Client

LOOK_EVERY_SECONDS = 0.2
RUN_SECONDS = 180


def place_for_tests(directory: Path, minute_seconds: float = 1.0) -> Place:
    """Free ports and a copy of the repository's dags, whose application answers at the test's own port."""
    ports = Ports.free()
    dags = directory / "dags"
    shutil.copytree(ROOT / "dags", dags, ignore=shutil.ignore_patterns("__pycache__"))
    pipeline = dags / "pipelines" / "greeter.yaml"
    pipeline.write_text(pipeline.read_text().replace("127.0.0.1:8000", f"127.0.0.1:{ports.app}"))
    runtime = os.environ.get("LOCAL_AWS_RUNTIME", "process")
    return Place(directory / "run", dags, ports, minute_seconds=minute_seconds, runtime=runtime)


class Line:
    """Push, trigger, wait, and look: everything by the APIs that a user has, but for the pids of tasks."""

    def __init__(self, stack: Stack, aws: LocalAws, seeded: Seeded) -> None:
        self.stack = stack
        self.aws = aws
        self.seeded = seeded
        self.airflow: Airflow = stack.airflow

    def push(self, change: Change) -> str:
        """The new commit's id."""
        return self.seeded.work_tree.push(change)

    def trigger(self, conf: Mapping[str, Any] | None = None) -> str:
        """A new run's id."""
        return self.airflow.trigger(DAG_ID, f"test__{uuid.uuid4().hex[:12]}", conf or {})

    def deliver(self, change: Change) -> tuple[str, str]:
        """Push, run to the end; commit and run id."""
        commit = self.push(change)
        run_id = self.trigger()
        self.wait_for_end(run_id)
        return commit, run_id

    def wait_for_end(self, run_id: str, seconds: float = RUN_SECONDS) -> str:
        """The state in which the run ends."""
        self.until(lambda: self.state(run_id) in ENDED, seconds, lambda: f"run {run_id}: {self.task_states(run_id)}")
        return self.state(run_id)

    def wait_for_task(self, run_id: str, task_id: str, *states: str, seconds: float = RUN_SECONDS) -> str:
        """The first of these states that the task is seen in."""
        self.until(
            lambda: self.task_states(run_id).get(task_id) in states,
            seconds,
            lambda: f"{task_id}: {self.task_states(run_id)}",
        )
        return self.task_states(run_id)[task_id]

    def state(self, run_id: str) -> str:
        [(state,)] = self.query("select state from dag_run where run_id = ?", run_id)
        return str(state)

    def task_states(self, run_id: str) -> dict[str, str]:
        return dict(self.query("select task_id, coalesce(state, '') from task_instance where run_id = ?", run_id))

    def attempts(self, run_id: str, task_id: str) -> int:
        [(number,)] = self.query(
            "select try_number from task_instance where run_id = ? and task_id = ?", run_id, task_id
        )
        return int(number)

    def kill_task(self, run_id: str, task_id: str) -> int:
        """Kill the process that executes the task with -9; its pid. Waits until there is one."""
        sql = "select pid from task_instance where run_id = ? and task_id = ? and state = 'running' and pid is not null"
        self.until(lambda: bool(self.query(sql, run_id, task_id)), 60, lambda: f"no process executes {task_id}")
        [(pid,)] = self.query(sql, run_id, task_id)
        os.kill(int(pid), signal.SIGKILL)
        return int(pid)

    def log(self, run_id: str, task_id: str, attempt: int | None = None) -> str:
        """All that one attempt (the last by default) wrote."""
        records = self.airflow.log(DAG_ID, run_id, task_id, attempt or self.attempts(run_id, task_id))
        return "\n".join(" ".join(str(value) for value in record.values()) for record in records)

    def outcome(self, run_id: str) -> dict[str, Any]:
        """The verdict's report: `outcome`, `sentence`, `details`."""
        return dict(self.airflow.xcom(DAG_ID, run_id, "verdict", "outcome") or {})

    def effects(self, service: str = "", operation: str = "", since: int = 0) -> list[dict[str, Any]]:
        """What was done in AWS after the effect number `since`."""
        return [effect for effect in self.aws.effects(service, operation) if effect["n"] > since]

    def last_effect(self) -> int:
        """The number of the newest effect, for `effects(since=...)`."""
        return max((int(effect["n"]) for effect in self.aws.effects()), default=0)

    def hold_replies(self, *calls: tuple[str, str]) -> None:
        """Let the next call of each (service, operation) take effect, and keep its reply back until `release`."""
        plan = [
            {"id": operation, "service": service, "operation": operation, "nth": 1, "action": "block_after"}
            for service, operation in calls
        ]
        self._control("PUT", "faults", plan)

    def wait_until_held(self, operation: str) -> None:
        """Return once the operation has taken effect and its caller waits for the reply."""
        self.until(lambda: self._held(operation), RUN_SECONDS, lambda: f"nobody called {operation}")

    def release(self, operation: str) -> None:
        self._control("POST", "faults/release", {"id": operation})

    def seed_findings(self, findings: Mapping[str, int], tag: str) -> None:
        """What the scan of the image with this tag will find."""
        self._control("PUT", "scan/greeter", {"findings": findings, "tag": tag})

    def digest_of(self, commit: str) -> str:
        image = {"imageTag": commit}
        found = self.aws.client("ecr").describe_images(repositoryName="greeter", imageIds=[image])
        return str(found["imageDetails"][0]["imageDigest"])

    def digest_in_production(self) -> str:
        return facts.digest_in_production(self.aws)

    def page(self) -> tuple[str, int]:
        """Version and status that the balancer's production listener answers."""
        with OPENER.open(self.stack.place.app, timeout=10) as answer:
            return str(answer.headers["Greeter-Version"]), int(answer.status)

    def traffic(self) -> Client:
        """A client that sends steady traffic while its `with` block lasts."""
        return Client(self.stack.place.app)

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of Airflow's database: it is asked often, and costs nothing, unlike the REST API."""
        with sqlite3.connect(f"file:{self.stack.place.home / 'airflow.db'}?mode=ro", uri=True, timeout=20) as database:
            return list(database.execute(sql, values))

    def _held(self, operation: str) -> bool:
        return any(fault["id"] == operation and fault["blocked"] for fault in self._control("GET", "faults"))

    def _control(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.stack.place.aws}/_local/{path}", data, method=method)
        with OPENER.open(request, timeout=10) as answer:
            return json.load(answer)

    def until(self, ready: Callable[[], bool], seconds: float, told: Callable[[], str]) -> None:
        """Return once `ready()`; fail the test after `seconds`, or when a process of the stack has died."""
        deadline = time.monotonic() + seconds
        while not ready():
            self.stack.check()
            assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {told()}"
            threading.Event().wait(LOOK_EVERY_SECONDS)


def started(stack: Stack) -> Line:
    """The line, once every process is healthy and the placeholder answers."""
    stack.start_aws()
    stack.migrate()
    stack.start_airflow()
    aws = LocalAws(stack.place)
    seeded = seed(stack.place, aws, stack.stopping)
    stack.wait_for_airflow()
    stack.wait_for_dag(DAG_ID)
    return Line(stack, aws, seeded)
