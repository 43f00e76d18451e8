"""One delivery: push, trigger, follow the run and the traffic to the end, and tell each thing as it happens."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass

from demo import facts
from demo.clients import LocalAws
from demo.facts import Facts
from demo.process import Trouble
from demo.releases import Change, WorkTree
from demo.rest import Airflow
from demo.screen import Screen
from demo.traffic import Answer, Client, Share, shares

DAG_ID = "deliver_greeter"
LOOK_EVERY_SECONDS = 0.5
LONGEST_SECONDS = 300
LONGEST_START_SECONDS = 60
ENDED = frozenset({"success", "failed"})
QUIET = frozenset({"None", "scheduled", "queued", "removed", "restarting"})
"""Task states that are of Airflow's own inner life; the screen tells the others."""


@dataclass(frozen=True)
class Delivery:
    """How a delivery went: `outcome` and `sentence` are the verdict's, the rest was measured here."""

    change: Change
    commit: str
    run_id: str
    run_state: str
    outcome: str
    sentence: str
    seconds: float
    facts: Facts
    answers: tuple[Answer, ...]
    shares: tuple[Share, ...]

    @property
    def failed_requests(self) -> int:
        return sum(answer.failed for answer in self.answers)


class Deliverer:
    """Delivers changes one after the other, and follows each to its end."""

    def __init__(
        self, aws: LocalAws, airflow: Airflow, tree: WorkTree, screen: Screen, stopping: threading.Event
    ) -> None:
        self._aws = aws
        self._airflow = airflow
        self._tree = tree
        self._screen = screen
        self._stopping = stopping

    def deliver(self, change: Change, client: Client) -> Delivery:
        """Push the change and deliver it while the client sends its traffic. Raises Trouble when it does not end."""
        commit = self._tree.push(change)
        self._screen.say(f"pushed {change.version} as commit {commit[:12]}: {change.message}")
        began = time.time()
        run_id = self._started(commit)
        self._screen.say(f"the push has started {DAG_ID}: run {run_id}")
        state = self._follow(run_id, client, began)
        return self._report(change, commit, run_id, state, client, began)

    def _started(self, commit: str) -> str:
        """The run that the push starts by itself: CodeCommit tells EventBridge, and EventBridge Airdock."""
        deadline = time.monotonic() + LONGEST_START_SECONDS
        while not (run_id := self._airflow.run_of(DAG_ID, commit)):
            if time.monotonic() > deadline:
                raise Trouble(f"the push of {commit[:12]} has started no run within {LONGEST_START_SECONDS} s")
            if self._stopping.wait(LOOK_EVERY_SECONDS):
                raise Trouble("stopped")
        return run_id

    def _follow(self, run_id: str, client: Client, began: float) -> str:
        """Tell each change of the run and of the traffic; the run's last state."""
        told: dict[str, str] = {}
        steps = 0
        while True:
            state = str(self._airflow.run(DAG_ID, run_id)["state"])
            self._tell_tasks(run_id, told)
            steps = self._tell_traffic(began, steps)
            self._screen.traffic(recent_shares(client.answers(time.time() - 2)))
            if state in ENDED:
                return state
            if time.time() - began > LONGEST_SECONDS:
                raise Trouble(f"the run {run_id} did not end within {LONGEST_SECONDS} s: {told}")
            if self._stopping.wait(LOOK_EVERY_SECONDS):
                raise Trouble("stopped")

    def _tell_tasks(self, run_id: str, told: dict[str, str]) -> None:
        for task in self._airflow.tasks(DAG_ID, run_id):
            name, state = str(task["task_id"]), str(task["state"])
            if state in QUIET or told.get(name) == state:
                continue
            told[name] = state
            self._screen.task(name, state, float(task.get("duration") or 0))
            if state in ("failed", "up_for_retry"):
                self._screen.say(f"{name}: {self._error(run_id, name, int(task['try_number']))}")

    def _tell_traffic(self, began: float, already: int) -> int:
        steps = facts.traffic_steps(self._aws, began)
        for step in steps[already:]:
            self._screen.say(f"traffic: {100 - step.percent} % to the old tasks, {step.percent} % to the new")
        return len(steps)

    def _error(self, run_id: str, task_id: str, attempt: int) -> str:
        """The sentence with which a task failed, from its log."""
        for line in reversed(self._airflow.log(DAG_ID, run_id, task_id, attempt)):
            for detail in line.get("error_detail") or []:
                return str(detail.get("exc_value"))
            if line.get("level") in ("error", "critical"):
                return str(line["event"])
        return "failed; its log names no error"

    def _report(self, change: Change, commit: str, run_id: str, state: str, client: Client, began: float) -> Delivery:
        ended = time.time()
        verdict = self._airflow.xcom(DAG_ID, run_id, "production.verdict", "outcome") or {}
        found = facts.gather(self._aws, commit, began, ended)
        answers = tuple(client.answers(began))
        return Delivery(
            change=change,
            commit=commit,
            run_id=run_id,
            run_state=state,
            outcome=str(verdict.get("outcome", "none")),
            sentence=str(verdict.get("sentence", "the verdict left no sentence")),
            seconds=ended - began,
            facts=found,
            answers=answers,
            shares=tuple(shares(answers, found.steps, ended)),
        )


def recent_shares(answers: list[Answer]) -> dict[str, float]:
    """The share of each version among these answers, in percent; failed ones under "failed"."""
    counted = Counter("failed" if answer.failed else answer.version for answer in answers)
    return {version: 100 * count / len(answers) for version, count in sorted(counted.items())}
