"""What the AWS clients of a task cost: Airdock's, beside those of Airflow's Amazon provider as it makes them.

    make bench      # or: PYTHONPATH=include:. python bench/clients.py

CPU time in one process, as the fork of a worker finds it; nothing is called.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from figure import Row, tell

from airdock.aws import hooks

ROUNDS = 7
REGION = "eu-west-1"
GOAL = "a client costs a task at most 30 ms"
WHY = (
    "One client each for the services that most deliveries call, made anew in each round. Most of a stock client's "
    "time goes into reading botocore's models of AWS from disk, for each client again. Ours are read once, before the "
    "workers fork (include/airflow_config/airflow_local_settings.py)."
)


def stock() -> list[Any]:
    return [AwsBaseHook("aws_default", client_type=name, region_name=REGION).conn for name in hooks.SERVICES]


def ours() -> list[Any]:
    hooks._kept_in.cache_clear()
    return [hooks.Account(region=REGION).client(name) for name in hooks.SERVICES]


def milliseconds(make: Callable[[], list[Any]]) -> float:
    """CPU time of a client."""
    begun = time.process_time()
    made = make()
    return (time.process_time() - begun) / len(made) * 1000


def main() -> None:
    told = {"conn_type": "aws", "login": "none", "password": "none"}
    os.environ["AIRFLOW_CONN_AWS_DEFAULT"] = json.dumps(told)
    hooks.read_models()
    rounds = [(milliseconds(ours), milliseconds(stock)) for _ in range(ROUNDS)]
    new, old = (round(median(way), 1) for way in zip(*rounds, strict=True))
    tell("clients", GOAL, [Row("CPU of a client, median", ROUNDS * len(hooks.SERVICES), new, old, "ms", 30)], WHY)


if __name__ == "__main__":
    main()
