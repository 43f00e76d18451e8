"""Triggers in one process and loop, over a made-up service: what their tasks would hear."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from airdock.aws.hooks import Account
from airdock.aws.triggers import JobTrigger
from airdock.aws.watch import Facts, Lookup, Subject
from airdock.aws.watch import waiting_room as room_module
from airdock.aws.watch.pace import Rhythm
from airdock.aws.watch.waiting_room import waiting_room
from airdock.errors import Refused

HERE = Account("aws_default", "eu-west-1")
who = ContextVar("who", default="nobody")


class Service:
    """Jobs that end when a test says so; counts its calls and knows in whose name they are made."""

    service, batch = "", 100

    def __init__(self) -> None:
        self.over: set[str] = set()
        self.calls: list[list[str]] = []
        self.callers: set[str] = set()
        self.refused: set[str] = set()
        self.weights: list[dict[str, float]] = []
        """What the looks of a deployment find in turn; with the last one it is over."""
        self.open = threading.Event()
        self.open.set()

    def read(self, lookup: Lookup, ids: Sequence[str]) -> dict[str, Facts]:
        self.calls.append(list(ids))
        self.callers.add(who.get())
        self.open.wait(10)
        if self.refused & set(ids):
            raise Refused("access denied")
        if self.weights:
            moved = {"weights": self.weights.pop(0), "over": not self.weights}
            return {each: {"id": each, **moved} for each in ids}
        return {each: {"id": each, "over": each in self.over} for each in ids}

    def finished(self, facts: Facts, options: Mapping[str, Any]) -> bool:
        return bool(facts["over"])

    def progress(self, before: Facts | None, now: Facts) -> list[str]:
        return [] if before == now else [f"{now['id']} {'is over' if now['over'] else 'runs'}"]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    service = Service()
    monkeypatch.setattr("airdock.aws.watch.sweep.watch_for", lambda kind: service)
    return service


def a_trigger(job: str = "job", seconds: float = 30, poll_seconds: float = 0.05, **arguments: Any) -> JobTrigger:
    deadline = datetime.now(UTC) + timedelta(seconds=seconds)
    return JobTrigger(Subject("job", job, HERE).to_json(), deadline.isoformat(), poll_seconds, **arguments)


async def outcome(trigger: JobTrigger) -> dict[str, Any]:
    who.set(trigger.subject["id"])
    [event] = [event.payload async for event in trigger.run()]
    return dict(event)


@pytest.fixture
def xcoms(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The XComs of the task that waits, by their keys."""
    kept: dict[str, Any] = {}

    def leave(key: str, value: Any, **place: Any) -> None:
        assert place == {"dag_id": "deliver_greeter", "task_id": "deploy", "run_id": "r", "map_index": -1}
        kept[key] = value

    monkeypatch.setattr("airflow.sdk.execution_time.xcom.XCom.set", leave)
    monkeypatch.setattr("airflow.sdk.execution_time.xcom.XCom.get_one", lambda key, **_: kept.get(key))
    return kept


def a_deploy_trigger(*seen: float) -> JobTrigger:
    """One that a deploy task has handed over, having seen these shares of the traffic."""
    trigger, shares = a_trigger(), [{"at": f"2026-01-01T00:00:0{at}", "percent": each} for at, each in enumerate(seen)]
    trigger.facts = {"id": "job", "over": False, "shares": shares}
    trigger.task_instance = SimpleNamespace(dag_id="deliver_greeter", task_id="deploy", run_id="r", map_index=-1)
    return trigger


def percents(shares: Sequence[Mapping[str, Any]]) -> list[float]:
    return [each["percent"] for each in shares]


def test_how_the_traffic_moves_is_left_for_the_board_on_the_way_and_told_with_the_end(
    service: Service, xcoms: dict[str, Any]
) -> None:
    service.weights = [{"new": 20.0}, {"new": 40.0}]
    ended = asyncio.run(outcome(a_deploy_trigger(0.0)))
    assert (percents(xcoms["shares"]), percents(ended["facts"]["shares"])) == ([0, 20], [0, 20, 40])


def test_a_trigger_that_moves_to_another_triggerer_carries_on_from_what_its_earlier_life_has_left(
    service: Service, xcoms: dict[str, Any]
) -> None:
    xcoms["shares"] = [{"at": f"2026-01-01T00:00:0{at}", "percent": each} for at, each in enumerate((0, 20, 40))]
    service.weights = [{"new": 40.0}, {"new": 60.0}, {"new": 100.0}]
    ended = asyncio.run(outcome(a_deploy_trigger(0.0)))
    assert percents(xcoms["shares"]) == [0, 20, 40, 60]
    assert percents(ended["facts"]["shares"]) == [0, 20, 40, 60, 100]


def test_an_end_is_told_without_asking_airflow_for_anything(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise AssertionError("Airflow is asked, which takes seconds in a triggerer that has just begun")

    monkeypatch.setattr("airdock.aws.triggers._leave", refuse)
    monkeypatch.setattr("airdock.aws.triggers._left", refuse)
    service.weights = [{"new": 100.0}]
    assert percents(asyncio.run(outcome(a_deploy_trigger(0.0)))["facts"]["shares"]) == [0, 100]


def test_a_wait_is_first_looked_at_when_its_task_wants_it_whatever_its_rhythm(service: Service) -> None:
    service.over = {"job"}
    begun = time.monotonic()
    assert asyncio.run(outcome(a_trigger(poll_seconds=60, first_look_seconds=0.05)))["status"] == "finished"
    assert time.monotonic() - begun < 30


def test_a_board_that_can_be_told_nothing_does_not_end_the_wait(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: Any) -> None:
        raise RuntimeError("the api-server is away")

    monkeypatch.setattr("airflow.sdk.execution_time.xcom.XCom.set", broken)
    monkeypatch.setattr("airflow.sdk.execution_time.xcom.XCom.get_one", broken)
    service.weights = [{"new": 20.0}, {"new": 40.0}]
    ended = asyncio.run(outcome(a_deploy_trigger(0.0)))
    assert percents(ended["facts"]["shares"]) == [0, 20, 40]


def test_many_triggers_end_each_with_its_own_job_and_share_calls(service: Service) -> None:
    async def run() -> list[dict[str, Any]]:
        waits = [asyncio.create_task(outcome(a_trigger(f"job-{number}"))) for number in range(50)]
        while len(service.calls) < 2:
            await asyncio.sleep(0.01)
        service.over = {f"job-{number}" for number in range(50)}
        return await asyncio.gather(*waits)

    outcomes = asyncio.run(run())
    assert [each["facts"]["id"] for each in outcomes] == [f"job-{number}" for number in range(50)]
    assert {each["status"] for each in outcomes} == {"finished"}
    assert max(map(len, service.calls)) == 50


def test_a_refused_job_ends_its_own_trigger(service: Service) -> None:
    service.over, service.refused = {"good"}, {"bad"}

    async def run() -> list[dict[str, Any]]:
        return await asyncio.gather(outcome(a_trigger("good")), outcome(a_trigger("bad")))

    good, bad = asyncio.run(run())
    assert (good["status"], bad["status"], bad["reason"]) == ("finished", "refused", "access denied")


def test_a_cancelled_trigger_leaves_the_room_and_nothing_runs_on(service: Service) -> None:
    async def run() -> tuple[int, int]:
        waits = [asyncio.create_task(outcome(a_trigger(f"job-{number}"))) for number in range(2)]
        while not service.calls:
            await asyncio.sleep(0.01)
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        await asyncio.sleep(0)
        asked = len(service.calls)
        await asyncio.sleep(0.3)
        return len(waiting_room()._sweep), len(service.calls) - asked

    left, more = asyncio.run(run())
    assert (left, more <= 1) == (0, True)  # a look may have been under way


def test_a_deadline_is_kept_even_if_aws_hangs(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airdock.aws.triggers.LAST_LOOK_SECONDS", 0.2)
    service.open.clear()
    ended = asyncio.run(outcome(a_trigger(seconds=0.3)))
    service.open.set()
    assert ended["status"] == "deadline"


def test_a_job_that_ended_while_nobody_was_there_is_seen_after_the_deadline(service: Service) -> None:
    service.over = {"job"}
    assert asyncio.run(outcome(a_trigger(seconds=-3600)))["status"] == "finished"


def test_a_wait_past_its_deadline_ends_with_what_is_known(service: Service) -> None:
    ended = asyncio.run(outcome(a_trigger(seconds=-1)))
    assert (ended["status"], ended["facts"]) == ("deadline", {"id": "job", "over": False})


def test_looks_are_made_in_no_triggers_name(service: Service) -> None:
    service.over = {"job"}
    asyncio.run(outcome(a_trigger()))
    assert service.callers == {"nobody"}, "a task's log would hear of other tasks' waits"


def test_progress_is_told_to_the_log_of_the_wait(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    service.over = {"job"}
    asyncio.run(outcome(a_trigger()))
    assert "job is over" in capsys.readouterr().out


def test_the_arguments_of_an_old_trigger_are_readable() -> None:
    arguments = {
        "subject": {"kind": "build", "id": "p:1", "account": {"connection": None, "region": "eu-west-1"}},
        "deadline_at": "2026-03-01T12:00:00+00:00",
        "poll_seconds": 5,
    }
    path, stored = JobTrigger(**arguments).serialize()
    assert path == "airdock.aws.triggers.JobTrigger"
    assert JobTrigger(**stored).serialize() == (path, stored)


def test_an_event_wakes_a_wait_whose_next_look_is_far(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Any] = []
    monkeypatch.setenv("AIRDOCK_WAKE_QUEUE", "https://queue")
    monkeypatch.setattr(room_module, "listen", lambda url, wake: heard.append((url, wake)))
    monkeypatch.setattr("airdock.aws.watch.wait.POLLED", Rhythm(share=1e6, slowest_seconds=600))

    async def run() -> tuple[str, bool, dict[str, Any]]:
        wait = asyncio.create_task(outcome(a_trigger()))
        while waiting_room()._sweep.next_at(0) < asyncio.get_running_loop().time() + 300:
            await asyncio.sleep(0.01)
        service.over = {"job"}
        [(url, wake)] = heard
        await asyncio.to_thread(wake, {"another"})
        return url, await asyncio.to_thread(wake, {"job"}), await wait

    url, going_on, ended = asyncio.run(run())
    assert (url, going_on, ended["status"]) == ("https://queue", True, "finished")
    assert heard[0][1](set()) is False, "the loop is closed: the listener may end"
