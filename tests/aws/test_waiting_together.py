"""Many waits in one process against the local AWS, which counts the calls: shared, woken, throttled, restarted."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Any

import pytest

from airdock.aws.hooks import Account
from airdock.aws.triggers import JobTrigger
from airdock.aws.watch import Subject
from airdock.aws.watch.pace import Rhythm
from airdock.aws.watch.scan import ScannedImage
from tests.build_project import Project, commands
from tests.local_aws_process import LocalAws
from tests.registry import Registry

QUICK_SECONDS = 1.0
ROOT = Path(__file__).parents[2]
Outcomes = list[dict[str, Any]]


@pytest.fixture(scope="module")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS that runs one build at a time: all others wait in the queue, at no cost, until they are stopped."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("LOCAL_AWS_BUILDS", "1")
        aws = LocalAws(tmp_path_factory.mktemp("crowded-aws")).start()
    yield aws
    aws.end()


class Builds:
    """Builds that go on until they are told to end."""

    def __init__(self, aws: LocalAws, folder: Path) -> None:
        self.aws, self.go = aws, folder / "go"
        self.project = Project(aws, folder / "tree", commands(f"while [ ! -e {self.go} ]; do sleep 0.1; done"))

    def start(self, count: int) -> list[str]:
        with ThreadPoolExecutor(4) as threads:
            return list(threads.map(lambda _: self.project.start(), range(count)))

    def end(self, ids: list[str]) -> None:
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda build_id: self.project.client.stop_build(id=build_id), ids))


@pytest.fixture
def builds(local_aws: LocalAws, account: Account, tmp_path: Path) -> Iterator[Builds]:
    builds = Builds(local_aws, tmp_path)
    yield builds
    local_aws.faults()
    builds.go.touch()


def trigger(kind: str, job: str, account: Account, poll_seconds: float = QUICK_SECONDS) -> JobTrigger:
    deadline = datetime.now(UTC) + timedelta(minutes=10)
    return JobTrigger(Subject(kind, job, account).to_json(), deadline.isoformat(), poll_seconds)


async def outcome(trigger: JobTrigger) -> dict[str, Any]:
    [event] = [event.payload async for event in trigger.run()]
    return dict(event)


def waited(triggers: list[JobTrigger], meanwhile: Callable[[], Any] = lambda: None) -> Outcomes:
    """What each trigger fires, in one loop; `meanwhile` acts in a thread of its own once all are waiting."""

    async def run() -> Outcomes:
        waits = [asyncio.create_task(outcome(each)) for each in triggers]
        await asyncio.to_thread(meanwhile)
        return await asyncio.gather(*waits)

    return asyncio.run(run())


class Count:
    """Calls of one action from now on, by the local AWS's own count: a planned fault that never strikes."""

    def __init__(self, aws: LocalAws, operation: str, **fault: Any) -> None:
        self.aws = aws
        aws.faults({"id": "count", "operation": operation, "action": "throttle", "percent": 0, **fault})

    def calls(self, told: str = "seen") -> int:
        [count] = self.aws.control("GET", "faults")
        return int(count[told])

    def reached(self, calls: int, told: str = "seen") -> None:
        deadline, pause = time.monotonic() + 120, threading.Event()
        while self.calls(told) < calls:
            assert time.monotonic() < deadline, f"{self.calls(told)} of {calls} calls"
            pause.wait(0.1)


def test_a_hundred_waits_cost_the_calls_of_one(builds: Builds, account: Account) -> None:
    ids, begun, took = builds.start(100), time.monotonic(), []
    count = Count(builds.aws, "BatchGetBuilds")

    def watch_and_end() -> None:
        count.reached(8)
        took.extend([count.calls(), time.monotonic() - begun])
        builds.end(ids)

    outcomes = waited([trigger("build", each, account) for each in ids], watch_and_end)
    assert [each["facts"]["id"] for each in outcomes] == ids
    calls, seconds = took
    assert calls <= ceil(100 / 100) * ceil(seconds / (QUICK_SECONDS * 0.9))


def test_a_third_of_the_calls_throttled_fails_no_wait(builds: Builds, account: Account) -> None:
    ids = builds.start(30)
    count = Count(builds.aws, "BatchGetBuilds", percent=30)

    def end_under_throttling() -> None:
        count.reached(2, "hits")
        builds.end(ids)

    outcomes = waited([trigger("build", each, account) for each in ids], end_under_throttling)
    assert {each["status"] for each in outcomes} == {"finished"}


def test_a_bad_id_ends_alone(local_aws: LocalAws, account: Account) -> None:
    registry = Registry(local_aws, imageScanningConfiguration={"scanOnPush": True})
    good = [ScannedImage(registry.name, registry.push(name)).to_id() for name in ("one", "two", "three")]
    bad = ScannedImage(registry.name, "sha256:" + "0" * 64).to_id()
    *scanned, refused = waited([trigger("scan", each, account) for each in [*good, bad]])
    assert [each["facts"]["status"] for each in scanned] == ["COMPLETE"] * 3
    assert (refused["status"], "ImageNotFound" in refused["reason"]) == ("refused", True)


def waiting_process(triggers: list[JobTrigger], told: Path) -> subprocess.Popen[str]:
    """A triggerer's part: a process of its own, in which stored triggers wait; `told` gets its log and outcomes."""
    command, environment = [sys.executable, "-m", "tests.waiting_process"], {**os.environ, "PYTHONPATH": "include"}
    with told.open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=log, text=True)
    assert process.stdin
    process.stdin.write(json.dumps([each.serialize()[1] for each in triggers]) + "\n")
    process.stdin.flush()
    return process


def outcomes_in(told: Path) -> list[list[Any]]:
    return sorted(json.loads(line) for line in told.read_text().splitlines() if line.startswith("["))


def test_two_hundred_waits_outlive_their_process(builds: Builds, account: Account, tmp_path: Path) -> None:
    ids = builds.start(200)
    triggers, count = [trigger("build", each, account) for each in ids], Count(builds.aws, "BatchGetBuilds")
    first = waiting_process(triggers, tmp_path / "first")
    count.reached(4)
    first.send_signal(signal.SIGKILL)
    first.wait(timeout=60)
    builds.end(ids[:100])  # while nobody waits
    second = waiting_process(triggers, tmp_path / "second")
    count.reached(count.calls() + 2)
    builds.end(ids[100:])
    assert second.wait(timeout=120) == 0
    assert outcomes_in(tmp_path / "first") == []
    told = outcomes_in(tmp_path / "second")
    assert told == [[number, "finished", build_id] for number, build_id in enumerate(ids)]
    project = builds.project.name
    started = builds.aws.effects("codebuild", "StartBuild")
    assert len([each for each in started if each["params"]["projectName"] == project]) == len(ids)


def test_an_event_in_the_queue_ends_a_wait_that_looks_hourly(
    builds: Builds, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airdock.aws.watch.wait.POLLED", Rhythm(share=1e6, slowest_seconds=3600))
    sqs, events = builds.aws.client("sqs"), builds.aws.client("events")
    url = sqs.create_queue(QueueName="wake")["QueueUrl"]
    events.put_rule(Name="wake", EventPattern=json.dumps({"source": ["aws.codebuild"]}))
    events.put_targets(Rule="wake", Targets=[{"Id": "1", "Arn": "arn:aws:sqs:eu-west-1:123456789012:wake"}])
    monkeypatch.setenv("AIRDOCK_WAKE_QUEUE", url)
    [build_id] = builds.start(1)
    count = Count(builds.aws, "BatchGetBuilds")
    sqs.send_message(QueueUrl=url, MessageBody="no event at all")

    def end_after_the_first_look() -> None:
        count.reached(1)
        builds.go.touch()

    [ended] = waited([trigger("build", build_id, account)], end_after_the_first_look)
    assert ended["facts"]["status"] == "SUCCEEDED"
    deleted = [each["params"] for each in builds.aws.effects("sqs", "DeleteMessageBatch")]
    assert deleted, "what has woken a wait is not told again"
