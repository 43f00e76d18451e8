"""The Airflow dags deploy_<application>: one for each file in pipelines/, to roll back, promote and deploy again."""

from pathlib import Path

from airdock.factory.deploy import build_dags

build_dags(Path(__file__).parent / "pipelines")
