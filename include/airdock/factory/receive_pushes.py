"""The DAG `receive_pushes`: woken by a queue, for those who open no port."""

from __future__ import annotations

import os
from pathlib import Path

from airflow.sdk import DAG, Asset, AssetWatcher

from airdock.aws.hooks import Account
from airdock.aws.operators.receive_pushes import ReceivePushesOperator
from airdock.aws.push_queue import PushQueue, QueueTrigger
from airdock.factory.catalogue import broken_pipelines, sound_pipelines
from airdock.factory.deliver import RETRIES
from airdock.plan.push_queue import account_of

DAG_ID = "receive_pushes"
QUEUE = "AIRDOCK_PUSH_QUEUE"
"""The environment variable that holds the queue's URL; without it there is no such DAG."""
CONNECTION, REGION = "AIRDOCK_PUSH_QUEUE_CONNECTION", "AIRDOCK_PUSH_QUEUE_REGION"
ACCOUNTS = "AIRDOCK_PUSH_ACCOUNTS"
"""AWS accounts whose events are believed, with commas between them; the queue's own unless told."""


def build_dags(folder: Path) -> list[DAG]:
    """The DAG, where a queue is named. Raises Refused: what is named is no queue."""
    url = os.environ.get(QUEUE, "")
    if not url:
        return []
    account = Account(os.environ.get(CONNECTION, "aws_default"), os.environ.get(REGION) or None)
    accounts = [each.strip() for each in os.environ.get(ACCOUNTS, account_of(url)).split(",")]
    trigger = QueueTrigger(url, account.connection, account.region)
    watched = Asset("airdock pushes", uri="x-airdock://pushes", watchers=[AssetWatcher(name="queue", trigger=trigger)])
    with DAG(
        DAG_ID,
        description="Start deliveries of the pushes that wait in a queue",
        schedule=[watched],
        catchup=False,
        max_active_runs=1,
        tags=["airdock", "pushes"],
        default_args={"owner": "airdock", **RETRIES},
    ) as dag:
        ReceivePushesOperator(
            task_id="start_deliveries",
            inbox=PushQueue(url, account),
            pipelines=list(sound_pipelines(folder)),
            broken=list(broken_pipelines(folder)),
            accounts=accounts,
        )
    return [dag]
