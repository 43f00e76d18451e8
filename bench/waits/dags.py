"""Airflow dags of the waiting bench: N jobs, each ending by itself after a fast while, waited for in three ways.

A job's id holds the second at which it ends, so that the stand-in service needs no memory (see service.py).
"""

from __future__ import annotations

import os
import random
import time
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, BaseOperator
from airflow.triggers.base import StartTriggerArgs

from airdock.aws.hooks import Account
from airdock.aws.operators.job import JobOperator

JOBS = int(os.environ.get("BENCH_JOBS", "200"))
SHORTEST, LONGEST = 0.3, 8.0
"""Seconds a job takes."""


def a_job() -> str:
    return f"timer:{time.time() + random.uniform(SHORTEST, LONGEST):.3f}"  # noqa: S311 - no secret


class HandedOver(JobOperator):
    """Airdock's way: the first seconds in the worker, the rest in the triggerer."""

    kind = "build"

    def adopt_or_start(self, context: Any) -> str:  # noqa: ARG002 - a port's signature
        return a_job()

    def conclude(self, context: Any, facts: dict[str, Any]) -> str:  # noqa: ARG002
        return str(facts["status"])


class Deferred(HandedOver):
    """The plain way: deferred at once, the trigger fires when it can."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(handoff_seconds=0, poll_seconds=1, **kwargs)


class Triggered(BaseOperator):
    """Begun and ended in the triggerer; no worker at all."""

    start_from_trigger = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.start_trigger_args = StartTriggerArgs(
            trigger_cls="triggers.TimerTrigger",
            trigger_kwargs={"seconds": SHORTEST, "at_most": LONGEST},
            next_method="execute_complete",
            timeout=timedelta(minutes=5),
        )

    def execute_complete(self, context: Any, event: Any) -> None:
        """Never called: the trigger ends the task."""


def waits(dag_id: str, kind: type[BaseOperator], **arguments: Any) -> None:
    with DAG(
        dag_id, schedule=None, max_active_tasks=64, default_args={"retries": 2, "retry_delay": timedelta(seconds=2)}
    ):
        for number in range(JOBS):
            kind(task_id=f"job_{number:03}", **arguments)


waits("handed_over", HandedOver, account=Account(region="eu-west-1"))
waits("deferred", Deferred, account=Account(region="eu-west-1"))
waits("triggered", Triggered)
