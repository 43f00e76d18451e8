"""The environment in which a demonstration's processes run."""

from __future__ import annotations

import json
import os
from pathlib import Path

from demo.place import ACCOUNT, ADMIN, REGION, ROOT, WAKES, Place
from demo.process import child_environ

SHARED_SETTINGS = ROOT / "include" / "airflow_config" / "airflow.env"
PYTHON_PATH = os.pathsep.join(str(ROOT / part) for part in ("include", "include/airflow_config"))
LOCAL_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIALOCALDEMO0000001",
    "AWS_SECRET_ACCESS_KEY": "local-aws-takes-any-secret",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
}


def shared_settings(file: Path = SHARED_SETTINGS) -> dict[str, str]:
    """The settings that the demonstration and docker compose have in common."""
    lines = (line.strip() for line in file.read_text().splitlines())
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def aws_environ(place: Place) -> dict[str, str]:
    """The local AWS's own environment."""
    return child_environ(
        PYTHONPATH=PYTHON_PATH,
        LOCAL_AWS_MINUTE_SECONDS=str(place.minute_seconds),
        LOCAL_AWS_RUNTIME=place.runtime,
        **place.aws_settings,
        **LOCAL_CREDENTIALS,
    )


def airflow_environ(place: Place) -> dict[str, str]:
    """The environment of every Airflow process: the shared settings, this place, and AWS by its endpoint alone."""
    return child_environ(
        PYTHONPATH=PYTHON_PATH,
        AIRFLOW_HOME=str(place.home),
        **{**shared_settings(), **_of_this_place(place), **place.settings},
        **_secrets(place),
        AWS_ENDPOINT_URL=place.aws,
        AIRFLOW_CONN_AWS_DEFAULT=f'{{"conn_type": "aws", "extra": {{"region_name": "{REGION}"}}}}',
        AIRDOCK_WAKE_QUEUE=f"{place.aws}/{ACCOUNT}/{WAKES}",
        **LOCAL_CREDENTIALS,
    )


def _of_this_place(place: Place) -> dict[str, str]:
    return {
        "AIRFLOW__CORE__DAGS_FOLDER": str(place.dags),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        # A worker's first task is slow; a few workers are warm soon, and memory stays under a gigabyte.
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{place.ui}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{ADMIN}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(place.passwords),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{place.home / 'airflow.db'}",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(place.ports.ui),
        "AIRFLOW__API__BASE_URL": place.ui,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(place.logs / "tasks"),
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(place.ports.worker_logs),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(place.ports.trigger_logs),
        "AIRFLOW_CONN_AIRDOCK_HOOK_CODECOMMIT": json.dumps({"conn_type": "generic", "password": place.secrets.hook}),
    }


def _secrets(place: Place) -> dict[str, str]:
    return {
        "AIRFLOW__CORE__FERNET_KEY": place.secrets.fernet_key,
        "AIRFLOW__API__SECRET_KEY": place.secrets.api_secret_key,
        "AIRFLOW__API_AUTH__JWT_SECRET": place.secrets.jwt_secret,
    }
