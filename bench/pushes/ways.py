"""Three ways to keep a push, and what one keeps: run by bench/webhooks.py with a migrated Airflow around it."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from airflow import settings
from airflow.api.common.trigger_dag import trigger_dag
from airflow.assets.manager import asset_manager
from airflow.models.asset import AssetModel
from airflow.utils.session import create_session
from airflow.utils.types import DagRunTriggeredByType
from sqlalchemy import func, select, text

from airdock.plan.push import Kind, Push, Repository
from airdock.web.hooks.doorway import Doorway
from airdock.web.hooks.inbox import TABLE, Inbox

AT_ONCE = 50
LONGEST_SECONDS = 30.0
"""After this, no more are sent."""
PIPELINES = int(os.environ["BENCH_PIPELINES"])


def a_push(kind: str, number: int) -> Push:
    name = f"acme/app-{number % PIPELINES}"
    where = Repository(str(number % PIPELINES), name, (f"github.com/{name}",))
    files = tuple(f"services/{each}.py" for each in range(20))
    return Push("bench", f"{kind}-{number}", where, Kind.BRANCH, "refs/heads/main", "b" * 40, "a" * 40, files, "ada")


def main(count: int) -> None:
    logging.disable(logging.WARNING)
    assert settings.engine is not None
    inbox = Inbox(settings.engine)
    found = {
        "inbox_together": _by_doorway(inbox, count),
        "inbox_each": _by_threads(lambda number: inbox.put([a_push("each", number)]), count),
        "asset_events": {**_by_threads(_asset_event, count), **_coalesced()},
        "sqs": _by_threads(_sqs(), count),
        "airflow_trigger": _by_threads(_trigger, min(count, 200)),
    }
    with settings.engine.connect() as database:
        kept = database.execute(select(func.count()).select_from(TABLE).where(TABLE.c.provider == "bench")).scalar()
    assert kept == 2 * count, kept
    # These are nobody's: the dispatcher would look at them.
    with settings.engine.begin() as database:
        database.execute(TABLE.delete().where(TABLE.c.provider == "bench"))
    json.dump(found, sys.stdout)


def _by_doorway(inbox: Inbox, count: int) -> dict[str, Any]:
    took: list[float] = []

    async def all_of_them() -> None:
        doorway, few = Doorway(inbox), asyncio.Semaphore(AT_ONCE)

        async def one(number: int) -> None:
            async with few:
                begun = time.perf_counter()
                await doorway.put([a_push("together", number)])
                took.append(time.perf_counter() - begun)

        await asyncio.gather(*map(one, range(count)))

    begun = time.perf_counter()
    asyncio.run(all_of_them())
    return figures(took, time.perf_counter() - begun, count)


def _by_threads(keep: Callable[[int], Any], count: int) -> dict[str, Any]:
    took: list[float] = []
    ends = time.perf_counter() + LONGEST_SECONDS

    def one(number: int) -> None:
        begun = time.perf_counter()
        if begun > ends:
            return
        try:
            keep(number)
        except Exception as error:
            logging.error("%s", error)
            return
        took.append(time.perf_counter() - begun)

    begun = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one, range(count)))
    return figures(took, time.perf_counter() - begun, count)


def _asset_event(number: int) -> None:
    with create_session(scoped=False) as session:
        asset = session.scalar(select(AssetModel).where(AssetModel.name == f"push-{number % PIPELINES}"))
        push = {"push": a_push("asset", number).to_json()}
        assert asset_manager.register_asset_change(asset=asset, extra=push, session=session) is not None


def _coalesced() -> dict[str, Any]:
    """Of how many runs Airflow would think after all those events: one for each dag."""
    assert settings.engine is not None
    with settings.engine.connect() as database:
        return {"runs": database.execute(text("select count(*) from asset_dag_run_queue")).scalar()}


def _sqs() -> Callable[[int], Any]:
    import boto3

    client = boto3.client("sqs", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    url = client.create_queue(QueueName="pushes")["QueueUrl"]
    return lambda number: client.send_message(QueueUrl=url, MessageBody=json.dumps(a_push("sqs", number).to_json()))


def _trigger(number: int) -> None:
    trigger_dag(
        f"deliver_app-{number % PIPELINES}",
        run_id=f"bench__{number}",
        triggered_by=DagRunTriggeredByType.REST_API,
        conf={"revision": "a" * 40},
    )


def figures(took: list[float], wall: float, wanted: int) -> dict[str, Any]:
    """Rate in pushes a second, and milliseconds."""
    ordered = sorted(took) or [0.0]
    return {
        "sent": wanted,
        "accepted": len(took),
        "per_second": round(len(took) / wall, 1),
        "p50_ms": round(ordered[len(ordered) // 2] * 1000, 1),
        "p99_ms": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * 1000, 1),
    }


if __name__ == "__main__":
    main(int(sys.argv[1]))
