"""A line's DAG run task by task in the test's own process: the factory's wiring and real operators, no Airflow around.

Each task runs when its trigger rule says so, over what the tasks before it left; each try begins without what the last
one left. That Airflow does the same is shown by the tests that start Airflow; here a delivery costs no more than AWS
takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import DAG, BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from airdock.errors import Fault
from tests.fakes import FakeStore, a_context, run_task

FAILED = {"failed", "upstream_failed"}
TRIES = 3


@dataclass
class Run:
    """One run of a DAG: the states and XComs of its tasks."""

    dag: DAG
    params: Mapping[str, Any] = field(default_factory=dict)
    run_id: str = "manual__1"
    states: dict[str, str] = field(default_factory=dict)
    xcoms: dict[tuple[str, str], Any] = field(default_factory=dict)
    stores: dict[str, Any] = field(default_factory=dict)
    """The state stores of tasks, where a test keeps one itself."""
    before: Callable[[str], None] = lambda _: None
    """Called with the id of each task that is about to run."""
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    """The run's own: its tasks may be tried again at any later time."""

    def leave(self, task_id: str, **values: Any) -> None:
        """Take a task as done, with what it left under these XCom keys."""
        self.states[task_id] = "success"
        self.xcoms |= {(task_id, key): value for key, value in values.items()}

    def play(self) -> dict[str, str]:
        """Run all tasks that are not done, each when those before it are; their states."""
        for task in self.dag.topological_sort():
            if task.task_id not in self.states:
                self.states[task.task_id] = self._state(task)
        return self.states

    def _state(self, task: Any) -> str:
        above = [self.states[name] for name in task.upstream_task_ids]
        if task.trigger_rule == "all_success" and any(state in FAILED for state in above):
            return "upstream_failed"
        if task.trigger_rule == "all_success" and "skipped" in above:
            return "skipped"
        if task.trigger_rule == "one_failed" and not any(state in FAILED for state in above):
            return "skipped"
        self.before(task.task_id)
        return self._executed(task)

    def _executed(self, task: BaseOperator) -> str:
        store = self.stores.get(task.task_id) or FakeStore()
        for attempt in range(1, TRIES + 1):
            context = a_context(task.task_id, run_id=self.run_id, store=store, xcoms=self.xcoms, states=self.states)
            context["params"], context["dag_run"].start_date = dict(self.params), self.began
            context["task"], context["ti"].try_number, context["ti"].max_tries = task, attempt, TRIES - 1
            for left in [left for left in self.xcoms if left[0] == task.task_id]:
                del self.xcoms[left]
            self.states[task.task_id] = "running"
            try:
                return self._finished(task, context)
            except AirflowFailException:
                return "failed"
            except AirflowSkipException:
                return "skipped"
            except Fault:
                continue
        return "failed"

    def _finished(self, task: BaseOperator, context: Any) -> str:
        if task._pre_execute_hook is not None:
            task._pre_execute_hook(context)
        ready = task.prepare_for_execution()
        ready.render_template_fields(context)
        result = run_task(ready, context)
        if result is not None:
            self.xcoms[task.task_id, "return_value"] = result
        return "success"
