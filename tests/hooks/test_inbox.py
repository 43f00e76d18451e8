"""Each push once, whoever brings it, and taken in hand by one at a time."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text, update

from airdock.plan.push import Kind, Push, Repository
from airdock.web.hooks.doorway import Doorway
from airdock.web.hooks.inbox import KEPT, TABLE, Inbox, key_of
from tests.databases import KINDS, address

PUSH = Push(
    "github", "d", Repository("1", "acme/greeter", ("github.com/acme/greeter",)), Kind.BRANCH, "refs/heads/main"
)


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return address(request.param, tmp_path)


def pushes(count: int) -> list[Push]:
    return [replace(PUSH, delivery=f"d{number:04}") for number in range(count)]


def test_push_comes_out_as_it_went_in(inbox: Inbox) -> None:
    push = replace(PUSH, files=("a", "b"), subject="Привіт")
    inbox.put([push, replace(push, delivery="e", files=None)])
    assert [each.push for each in inbox.take(10)] == [push, replace(push, delivery="e", files=None)]


def test_push_is_new_once(inbox: Inbox) -> None:
    first, second = pushes(2)
    assert inbox.put([first]) == {key_of(first)}
    assert inbox.put([second, first]) == {key_of(second)}
    assert inbox.put([first, second]) == set()
    assert len(inbox.take(10)) == 2


def test_sealed_push_is_new_once_under_whatever_delivery_id(inbox: Inbox) -> None:
    first, second, other = (replace(push, seal=seal) for push, seal in zip(pushes(3), ("s", "s", "t"), strict=True))
    assert len(inbox.put([first, second, other])) == 2
    assert inbox.put([replace(first, delivery="e")]) == set()
    assert inbox.accepted_before([replace(first, delivery="e")]) == [("github__d0000", None)]
    assert len(inbox.take(10)) == 2


def test_processes_that_start_together_store_each_push_once(database: str) -> None:
    processes = [Inbox(create_engine(database)) for _ in range(4)]
    with ThreadPoolExecutor(4) as at_once:
        new = list(at_once.map(lambda each: each.put(pushes(50)), processes))
    assert sum(map(len, new)) == 50
    with ThreadPoolExecutor(4) as at_once:
        taken = list(at_once.map(lambda each: each.take(20), processes))
    numbers = [each.number for some in taken for each in some]
    assert len(numbers) == len(set(numbers))


def test_push_in_hand_is_nobody_elses_until_its_time_is_over(inbox: Inbox) -> None:
    inbox.put(pushes(1))
    [waiting] = inbox.take(10)
    assert not inbox.waiting()
    assert inbox.take(10) == []
    inbox.later(waiting.number, timedelta(seconds=-1))
    [again] = inbox.take(10)
    assert (again.number, again.attempts) == (waiting.number, 2)


def test_result_is_known_once_all_is_done(inbox: Inbox) -> None:
    inbox.put(pushes(1))
    [waiting] = inbox.take(1)
    assert inbox.accepted_before([waiting.push]) == [("github__d0000", None)]
    inbox.done(waiting.number, [{"run_id": "x"}])
    assert inbox.accepted_before([waiting.push]) == [("github__d0000", [{"run_id": "x"}])]
    assert not inbox.waiting()


def test_old_pushes_are_forgotten_but_none_that_waits(database: str) -> None:
    engine = create_engine(database)
    inbox = Inbox(engine)
    inbox.put(pushes(3))
    old, recent, _ = inbox.take(3)
    for each in (old, recent):
        inbox.done(each.number, [])
    with engine.begin() as database:
        database.execute(update(TABLE).values(received_at=datetime.now(UTC) - 2 * KEPT))
        past = {"done_at": datetime.now(UTC) - KEPT - timedelta(hours=1)}
        database.execute(update(TABLE).where(TABLE.c.id == old.number).values(past))
    inbox.forget_old()
    with engine.connect() as database:
        assert database.execute(text("select count(*) from airdock_accepted_push")).scalar() == 2


def test_doorway_shares_transactions_and_tells_each_what_was_new(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    put = inbox.put
    monkeypatch.setattr(inbox, "put", lambda some: written.append(len(list(some))) or put(some))

    async def together() -> list[set[tuple[str, str]]]:
        doorway = Doorway(inbox)
        return await asyncio.gather(*(doorway.put([push]) for push in [*pushes(100), *pushes(100)]))

    told = asyncio.run(together())
    assert [len(each) for each in told] == [1] * 100 + [0] * 100
    assert len(written) < 10


def test_doorway_tells_of_a_failure_and_takes_the_next(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: object) -> None:
        raise OSError("away")

    async def tried() -> set[tuple[str, str]]:
        doorway = Doorway(inbox)
        with monkeypatch.context() as broken:
            broken.setattr(inbox, "put", fails)
            with pytest.raises(OSError, match="away"):
                await doorway.put(pushes(1))
        return await doorway.put(pushes(1))

    assert len(asyncio.run(tried())) == 1
