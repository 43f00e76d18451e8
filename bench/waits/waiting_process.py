"""A process in which many builds are waited for, Airdock's way or the stock one; tells what it cost as one JSON line.

python waiting_process.py <stock or another way> <waits> <seconds to the first end> <seconds from there to the last>
"""

from __future__ import annotations

import asyncio
import json
import random
import resource
import sys
import time
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.providers.amazon.aws.triggers.base import AwsBaseWaiterTrigger

from airdock.aws.hooks import Account
from airdock.aws.triggers import JobTrigger
from airdock.aws.watch import Subject

QUICK_SECONDS = 5.0
STOCK_SECONDS = 15
REGION = "eu-west-1"
PAGE_KIB = resource.getpagesize() / 1024


class BuildHook(AwsBaseHook):
    """The provider has no waiter for CodeBuild: this is one in its own form."""

    @cached_property
    def waiter_path(self) -> Path:
        return Path(__file__).parent / "build_waiter.json"


class StockTrigger(AwsBaseWaiterTrigger):
    """The provider's waiting trigger for one build."""

    aws_hook_class = BuildHook

    def __init__(self, build_id: str) -> None:
        super().__init__(
            serialized_fields={"build_id": build_id},
            waiter_name="build_complete",
            waiter_args={"ids": [build_id]},
            failure_message="failed",
            status_message="waits",
            status_queries=["builds[].buildStatus"],
            return_value=build_id,
            waiter_delay=STOCK_SECONDS,
            waiter_max_attempts=240,
            region_name=REGION,
        )

    def hook(self) -> BuildHook:
        return BuildHook(aws_conn_id=self.aws_conn_id, client_type="codebuild", region_name=self.region_name)


def trigger(way: str, build_id: str) -> Any:
    if way == "stock":
        return StockTrigger(build_id)
    deadline = datetime.now(UTC) + timedelta(hours=1)
    return JobTrigger(Subject("build", build_id, Account(region=REGION)).to_json(), deadline.isoformat(), QUICK_SECONDS)


async def waited(waiting: Any) -> float:
    [at] = [time.time() async for _ in waiting.run()]
    return at


async def run(way: str, ends: list[float]) -> dict[str, Any]:
    # The first client is paid once by either way, and by any triggerer that does anything with AWS. The first event
    # tells that events come.
    await waited(trigger(way, f"timer:{time.time() + QUICK_SECONDS + 3:.3f}"))
    resident, used, begun = _resident_kib(), _cpu_seconds(), time.time()
    waits = [asyncio.create_task(waited(trigger(way, f"timer:{end:.3f}"))) for end in ends]
    first = min(ends)
    await asyncio.sleep(first - time.time() - 1)
    held = _resident_kib() - resident
    seen = await asyncio.gather(*waits)
    return {
        "first_end": first,
        "late": sorted(at - end for at, end in zip(seen, ends, strict=True)),
        "kib_each": held / len(ends),
        "cpu_ms_each_minute": (_cpu_seconds() - used) * 1000 / (sum(at - begun for at in seen) / 60),
        "waiting_minutes": sum(at - begun for at in seen) / 60,
    }


def _resident_kib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_KIB


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(way: str, waits: int, first: float, spread: float) -> None:
    dice, now = random.Random(waits), time.time()  # noqa: S311 - the same ends for both ways
    ends = [now + first + dice.uniform(0, spread) for _ in range(waits)]
    print("\n" + json.dumps(asyncio.run(run(way, ends))))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]))
