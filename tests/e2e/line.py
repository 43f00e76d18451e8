"""A whole running delivery line, for tests: the local AWS, real Airflow processes, and the application's repository."""

from __future__ import annotations

import json
import os
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
from demo.place import ACCOUNT, Place, Ports
from demo.releases import Change
from demo.rest import OPENER, Airflow
from demo.seed import Seeded, seed
from demo.stack import Stack
from demo.traffic import Client
from tests.e2e import users
from tests.e2e.pipelines import ASKED, CANARY, MISTRUSTFUL, ORDERED, PATIENT, STEPWISE, copied_dags

PUSHES = "pushes"
"""The queue that wakes deliveries; nothing feeds it until a test does."""
LOOK_EVERY_SECONDS = 0.2
RUN_SECONDS = 180
TOLD_LINES = 10
SETTINGS = {
    # A killed triggerer's waits are taken over after this many seconds; the shipped 90 would only be waited for.
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "30",
    # Tests push what they deliver a moment later: whoever wants a look around asks for it.
    "AIRDOCK_RECONCILE_MINUTES": "1440",
    **users.SETTINGS,
}
NOTHING_TO_TELL = frozenset({"", "success", "skipped", "upstream_failed", "removed", "scheduled", "queued"})


def place_for_tests(directory: Path, minute_seconds: float = 1.0, **differing: str) -> Place:
    """Free ports and a copy of the repository's dags, whose application answers at the test's own port."""
    ports = Ports.free()
    dags = copied_dags(directory / "dags", ports.app)
    runtime = os.environ.get("LOCAL_AWS_RUNTIME", "process")
    settings = {**SETTINGS, "AIRDOCK_PUSH_QUEUE": f"http://127.0.0.1:{ports.aws}/{ACCOUNT}/{PUSHES}", **differing}
    return Place(directory / "run", dags, ports, minute_seconds=minute_seconds, runtime=runtime, settings=settings)


class Line:
    """Push, trigger, wait, and look: everything by the APIs that a user has, but for the pids of tasks."""

    def __init__(self, stack: Stack, aws: LocalAws, seeded: Seeded) -> None:
        self.stack = stack
        self.aws = aws
        self.seeded = seeded
        self.airflow: Airflow = stack.airflow

    def user(self, name: str) -> users.User:
        """One of Airflow's users, by the administrator's name or one of `USERS`."""
        return users.User(self.stack.place, name)

    def push(self, change: Change, branch: str = "main") -> str:
        """The new commit's id."""
        return self.seeded.work_tree.push(change, branch)

    def trigger(self, dag_id: str = DAG_ID) -> str:
        """A new run's id."""
        return self.airflow.trigger(dag_id, f"test__{uuid.uuid4().hex[:12]}", {})

    def expect(self, run_id: str, state: str, outcome: str, seconds: float = RUN_SECONDS) -> dict[str, Any]:
        """The verdict's report (`outcome`, `sentence`, `details`) of a run that ends in this state and outcome."""
        self.until(lambda: self.state(run_id) in ENDED, seconds, lambda: self.story(run_id))
        report = dict(self.airflow.xcom(self._dag(run_id), run_id, "production.verdict", "outcome") or {})
        assert (self.state(run_id), report.get("outcome")) == (state, outcome), self.story(run_id)
        return report

    def clear(self, run_id: str, task_id: str) -> None:
        """What the button does in Airflow's UI, for the task and all after it."""
        self.airflow.clear(self._dag(run_id), run_id, [task_id])

    def wait_for_task(self, run_id: str, task_id: str, *states: str, seconds: float = RUN_SECONDS) -> str:
        """The first of these states that the task is seen in."""
        self.until(
            lambda: self.task_states(run_id).get(task_id) in states,
            seconds,
            lambda: f"{task_id} never was {' or '.join(states)}; {self.story(run_id)}",
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

    def triggerer_of(self, run_id: str, task_id: str) -> int | None:
        """The number of the triggerer process that holds the task's wait; None while none does."""
        sql = (
            'select triggerer_id from "trigger" join task_instance on "trigger".id = task_instance.trigger_id'
            " where run_id = ? and task_id = ?"
        )
        return next((number for (number,) in self.query(sql, run_id, task_id)), None)

    def kill_task(self, run_id: str, task_id: str) -> int:
        """Kill the process that executes the task with -9; its pid. Waits until there is one."""
        sql = "select pid from task_instance where run_id = ? and task_id = ? and state = 'running' and pid is not null"
        self.until(lambda: bool(self.query(sql, run_id, task_id)), 60, lambda: f"no process executes {task_id}")
        [(pid,)] = self.query(sql, run_id, task_id)
        os.kill(int(pid), signal.SIGKILL)
        return int(pid)

    def log(self, run_id: str, task_id: str) -> str:
        """All that its last attempt wrote."""
        records = self.airflow.log(self._dag(run_id), run_id, task_id, self.attempts(run_id, task_id))
        return "\n".join(" ".join(str(value) for value in record.values()) for record in records)

    def reason(self, run_id: str, task_id: str) -> str:
        """The sentence with which the task failed."""
        return str(self.airflow.xcom(self._dag(run_id), run_id, task_id, "reason"))

    def story(self, run_id: str) -> str:
        """How the run stands, with the last lines of every task that has begun and not succeeded."""
        states = self.task_states(run_id)
        told = [f"run {run_id} is {self.state(run_id)}: {states}"]
        for task_id in (name for name, state in states.items() if state not in NOTHING_TO_TELL):
            told += [f"--- {task_id}", *self.log(run_id, task_id).splitlines()[-TOLD_LINES:]]
        return "\n".join(told)

    def effects(self, service: str = "", operation: str = "", since: int = 0) -> list[dict[str, Any]]:
        """What was done in AWS after the effect number `since`."""
        return [effect for effect in self.aws.effects(service, operation) if effect["n"] > since]

    def last_effect(self) -> int:
        """The number of the newest effect, for `effects(since=...)`."""
        return max((int(effect["n"]) for effect in self.aws.effects()), default=0)

    def hold_replies(self, *calls: tuple[str, str], **which: int) -> None:
        """Let the next call of each (service, operation) take effect, and keep its reply back until `release`.

        With `nth=...` it is the nth next one, with `every=True` it is each.
        """
        self._hold(calls, "block_after", which)

    def hold_calls(self, *calls: tuple[str, str], **which: int) -> None:
        """Let the same calls as `hold_replies` take effect only after `release`."""
        self._hold(calls, "block_before", which)

    def throttle(self, service: str, operation: str, times: int) -> None:
        """Let AWS refuse the next calls of an operation for nothing but their rate."""
        planned = {"service": service, "operation": operation, "action": "throttle"}
        plan = [{"id": f"{operation} {nth}", "nth": nth, **planned} for nth in range(1, times + 1)]
        self._control("PUT", "faults", plan)

    def _hold(self, calls: tuple[tuple[str, str], ...], action: str, which: Mapping[str, int]) -> None:
        plan = [
            {"id": operation, "service": service, "operation": operation, "action": action, **which}
            for service, operation in calls
        ]
        self._control("PUT", "faults", plan)

    def wait_until_held(self, operation: str) -> None:
        """Return once the operation was called, as planned, and its caller waits for the reply."""
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

    def _dag(self, run_id: str) -> str:
        [(dag_id,)] = self.query("select dag_id from dag_run where run_id = ?", run_id)
        return str(dag_id)

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
    users.write_passwords(stack.place)
    stack.start_aws()
    stack.migrate()
    stack.start_airflow()
    aws = LocalAws(stack.place)
    aws.client("sqs").create_queue(QueueName=PUSHES)
    seeded = seed(stack.place, aws, stack.stopping)
    stack.wait_for_airflow()
    for dag_id in (DAG_ID, PATIENT, MISTRUSTFUL, STEPWISE, CANARY, ASKED, ORDERED):
        stack.wait_for_dag(dag_id)
    return Line(stack, aws, seeded)
