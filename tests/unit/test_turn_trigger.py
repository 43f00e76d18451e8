"""Triggers that wait for their turn, in one loop."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from types import SimpleNamespace

import pytest
from airflow.sdk.module_loading import import_string

from airdock.aws import turn_trigger, turns
from airdock.aws.hooks import Account
from airdock.aws.turn_trigger import TurnTrigger

HERE, THERE = Account("aws_default", "eu-west-1"), Account("aws_default", "us-east-1")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    turn_trigger._line_of.cache_clear()
    monkeypatch.setattr(turns, "FIRST_SECONDS", 0.05)
    monkeypatch.setattr(turns, "SECONDS_APART", 0.02)


def a_trigger(since: int = 0, seconds: float = 30, account: Account = HERE) -> TurnTrigger:
    deadline = datetime.now(UTC) + timedelta(seconds=seconds)
    return TurnTrigger(asdict(account), (NOON + timedelta(seconds=since)).isoformat(), deadline.isoformat())


async def status(trigger: TurnTrigger) -> str:
    path, arguments = trigger.serialize()
    [event] = [event.payload async for event in import_string(path)(**arguments).run()]
    return str(event["status"])


async def all_of(*waits: Awaitable[object]) -> None:
    await asyncio.gather(*waits)


def test_triggers_are_called_in_the_order_of_their_first_throttling(monkeypatch: pytest.MonkeyPatch) -> None:
    joining = repeat(time.monotonic(), 4)  # all at once: a turn between two of them would be the first one's by right
    clock = chain(joining, iter(time.monotonic, None))
    monkeypatch.setattr(turn_trigger, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    called: list[int] = []

    async def wait(since: int) -> None:
        assert await status(a_trigger(since)) == "turn"
        called.append(since)

    asyncio.run(all_of(*(wait(since) for since in (3, 1, 4, 2))))
    assert called == [1, 2, 3, 4]


def test_turns_are_given_for_each_region_of_an_account_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "SECONDS_APART", 1000)
    asyncio.run(asyncio.wait_for(all_of(status(a_trigger()), status(a_trigger(account=THERE))), 10))


def test_the_deadline_comes_though_the_turn_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    async def two() -> list[str]:
        return await asyncio.gather(status(a_trigger(0)), status(a_trigger(1, seconds=0.2)))

    monkeypatch.setattr(turns, "SECONDS_APART", 1000)
    assert asyncio.run(asyncio.wait_for(two(), 10)) == ["turn", "deadline"]


def test_a_deadline_long_past_fires_no_sooner_than_a_turn_would() -> None:
    async def waited() -> float:
        begun = asyncio.get_running_loop().time()
        assert await status(a_trigger(seconds=-1000)) in {"turn", "deadline"}
        return asyncio.get_running_loop().time() - begun

    assert asyncio.run(waited()) >= turns.FIRST_SECONDS - 0.005


def test_a_trigger_that_is_killed_holds_nobody_up() -> None:
    async def run() -> str:
        killed = asyncio.create_task(status(a_trigger(0)))
        stays = asyncio.create_task(status(a_trigger(1)))
        await asyncio.sleep(0)
        killed.cancel()
        return await asyncio.wait_for(stays, 10)

    assert asyncio.run(run()) == "turn"


def test_the_log_tells_the_place_in_line(capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(all_of(*(status(a_trigger(since)) for since in (0, 1, 2))))
    assert re.findall(r"(\d+) are before this one in line", capsys.readouterr().out) == ["0", "1", "2"]
