"""The Airflow dag receive_pushes: deliveries of what a queue tells of, where one is named."""

from pathlib import Path

from airdock.factory.receive_pushes import build_dags

build_dags(Path(__file__).parent / "pipelines")
