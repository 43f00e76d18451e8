"""The Airflow dags deliver_<application>: one for each file in pipelines/, from source to production."""

from pathlib import Path

from airdock.factory.deliver import build_dags

build_dags(Path(__file__).parent / "pipelines")
