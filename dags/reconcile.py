"""The Airflow dag reconcile: deliveries that nobody began, and what runs have left behind."""

from pathlib import Path

from airdock.factory.reconcile import build_dags

build_dags(Path(__file__).parent / "pipelines")
