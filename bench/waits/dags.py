"""Airflow dags of the waiting benches: many jobs, over after a fast while, waited for in three ways.

A job's id holds the second at which it is over, so that the stand-in service needs no memory (see service.py).
"""

from __future__ import annotations

import os
import random
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, BaseOperator
from airflow.triggers.base import StartTriggerArgs

from airdock.aws.hooks import Account
from airdock.aws.operators.job import JobOperator

JOBS = int(os.environ["BENCH_JOBS"])
STARTED = Path(os.environ["BENCH_STARTED"])
"""A line for each job that was started."""
SHORTEST, LONGEST = 0.3, 8.0
"""Seconds a job takes."""
RETRIES: dict[str, Any] = {"retries": 2, "retry_delay": timedelta(seconds=2)}


class HandedOver(JobOperator):
    """Airdock's way: the first seconds in the worker, the rest in the triggerer."""

    kind = "build"

    def adopt_or_start(self, context: Any) -> str:  # noqa: ARG002 - a port's signature
        with STARTED.open("a") as file:
            file.write(f"{self.dag_id} {self.task_id}\n")
        return f"timer:{time.time() + random.uniform(SHORTEST, LONGEST):.3f}"  # noqa: S311 - no secret

    def conclude(self, context: Any, facts: dict[str, Any]) -> str:  # noqa: ARG002
        return str(facts["status"])


class Deferred(HandedOver):
    """The plain way: deferred at once, the trigger fires when it can."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(handoff_seconds=0, poll_seconds=1, **kwargs)


class Triggered(BaseOperator):
    """Begun and ended in the triggerer; no worker at all."""

    start_from_trigger = True

    def __init__(self, *, seconds: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.start_trigger_args = StartTriggerArgs(
            trigger_cls="airflow.providers.standard.triggers.temporal.TimeDeltaTrigger",
            trigger_kwargs={"delta": timedelta(seconds=seconds), "end_from_trigger": True},
            next_method="execute_complete",
            timeout=timedelta(minutes=5),
        )

    def execute_complete(self, context: Any, event: Any) -> None:
        """Never called: the trigger ends the task."""


def a_dag(dag_id: str) -> DAG:
    return DAG(dag_id, schedule=None, max_active_tasks=64, default_args=RETRIES)


with a_dag("handed_over"):
    for number in range(JOBS):
        HandedOver(task_id=f"job_{number:03}", account=Account(region="eu-west-1"))
with a_dag("deferred"):
    for number in range(JOBS):
        Deferred(task_id=f"job_{number:03}", account=Account(region="eu-west-1"))
with a_dag("triggered"):
    for number in range(JOBS):
        Triggered(task_id=f"job_{number:03}", seconds=SHORTEST + (LONGEST - SHORTEST) * number / JOBS)
