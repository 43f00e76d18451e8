"""The Airflow dag release_train: there as soon as a release_train.yaml lies beside this file."""

from pathlib import Path

from airdock.factory.release_train import build_dags

build_dags(Path(__file__).parent)
