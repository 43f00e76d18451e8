"""An Airflow dag of many waits that are in the triggerer at once, and over when the stand-in service says so.

They are instances of one mapped task: each parses this file when it begins and when it ends, and a thousand tasks that
are made every time would take more of the machine than all that is measured.
"""

from __future__ import annotations

import os
from typing import Any

from airflow.sdk import DAG

from airdock.aws.hooks import Account
from airdock.aws.operators.job import JobOperator

WAITS = int(os.environ["BENCH_WAITS"])


class Held(JobOperator):
    """Starts a job and is in the triggerer at once; `share`: when its job ends, see waits/service.py."""

    kind = "build"

    def __init__(self, *, share: float, **kwargs: Any) -> None:
        super().__init__(handoff_seconds=0, **kwargs)
        self.share = share

    def adopt_or_start(self, context: Any) -> str:  # noqa: ARG002 - a port's signature
        client = self.account.client("codebuild", once=True)
        return str(client.start_build(projectName=str(self.share))["build"]["id"])

    def conclude(self, context: Any, facts: dict[str, Any]) -> str:  # noqa: ARG002
        return str(facts["status"])


with DAG("held", schedule=None, max_active_tasks=WAITS, default_args={"retries": 2}):
    shares = [number / WAITS for number in range(WAITS)]
    Held.partial(task_id="job", account=Account(region="eu-west-1")).expand(share=shares)
