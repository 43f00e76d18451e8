"""Dags that start with an asset, one for each application of the measurement."""

from __future__ import annotations

import os

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Asset

for number in range(int(os.environ["BENCH_PIPELINES"])):
    with DAG(f"by_asset_{number}", schedule=[Asset(f"push-{number}", f"push://{number}")]):
        EmptyOperator(task_id="deliver")
