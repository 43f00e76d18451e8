"""The DAG `reconcile`: every few minutes, what should be against what is."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from airflow.sdk import DAG

from airdock.aws.operators.reconcile import FindMissedPushesOperator, LookAfterEnvironmentsOperator
from airdock.factory.catalogue import sound_pipelines
from airdock.plan.reconcile import LOOK_AFTER

DAG_ID = "reconcile"
MINUTES = "AIRDOCK_RECONCILE_MINUTES"
"""The environment variable that says how often; 0 means never."""
DEFAULT_MINUTES = 5.0


def build_dags(folder: Path) -> list[DAG]:
    """The DAG for all sound pipelines of the folder; none where there are none, or where it is switched off."""
    minutes, pipelines = float(os.environ.get(MINUTES, DEFAULT_MINUTES)), list(sound_pipelines(folder))
    if not (minutes and pipelines):
        return []
    with DAG(
        DAG_ID,
        description="Find pushes that nobody delivered and what runs have left behind; mend what is safe to mend",
        schedule=timedelta(minutes=minutes),
        catchup=False,
        max_active_runs=1,
        # The next look is the retry.
        default_args={"owner": "airdock", "retries": 0, "execution_timeout": timedelta(minutes=15)},
        tags=["airdock", "reconcile"],
    ) as dag:
        FindMissedPushesOperator(task_id="find_missed_pushes", pipelines=pipelines)
        LookAfterEnvironmentsOperator(task_id=LOOK_AFTER, pipelines=pipelines)
    return [dag]
