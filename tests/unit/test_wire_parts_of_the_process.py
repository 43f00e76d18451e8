"""The pieces every part builds on: clock, store, effects, threads."""

import json
import threading
import time
from pathlib import Path

import pytest

from local_aws.clock import Clock, Wakeups
from local_aws.effects import Effects, redacted
from local_aws.store import Store
from local_aws.world import Settings, World, world


def clock(minute_seconds: float = 3) -> tuple[Clock, Wakeups, threading.Event]:
    wakeups, stopping = Wakeups(), threading.Event()
    return Clock(minute_seconds, wakeups, stopping), wakeups, stopping


def test_clock_scales_minutes_and_seconds() -> None:
    scaled, _, _ = clock(minute_seconds=3)
    assert scaled.minutes(5) == 15
    assert scaled.seconds(60) == 3
    assert scaled.seconds(1, floor=0.5) == 0.5


def test_clock_wait_ends_when_the_condition_holds() -> None:
    scaled, wakeups, _ = clock()
    done = threading.Event()
    threading.Timer(0.1, lambda: (done.set(), wakeups.notify())).start()
    began = time.monotonic()
    assert scaled.wait(60, until=done.is_set)
    assert time.monotonic() - began < 30


def test_clock_wait_ends_at_its_time_and_at_shutdown() -> None:
    scaled, _, stopping = clock()
    assert not scaled.wait(0.05)
    stopping.set()
    began = time.monotonic()
    assert not scaled.wait(60)
    assert time.monotonic() - began < 30


def test_clock_pause_is_scaled_and_not_cut_short_by_a_wake_up() -> None:
    scaled, wakeups, _ = clock(minute_seconds=6)
    threading.Timer(0.05, wakeups.notify).start()
    began = time.monotonic()
    scaled.pause(3, floor=0.1)
    assert 0.3 <= time.monotonic() - began < 2
    began = time.monotonic()
    scaled.pause(0.1, floor=0.2)
    assert 0.2 <= time.monotonic() - began < 2


def test_clock_pause_ends_at_shutdown() -> None:
    scaled, _, stopping = clock()
    threading.Timer(0.05, stopping.set).start()
    began = time.monotonic()
    scaled.pause(600, floor=0)
    assert time.monotonic() - began < 2


def test_store_gives_back_what_another_one_wrote(tmp_path: Path) -> None:
    Store(tmp_path / "s").put("build", "b", {"n": 2})
    store = Store(tmp_path / "s")
    store.put("build", "a", {"n": 1})
    assert store.get("build", "b") == {"n": 2}
    assert store.all("build") == [{"n": 2}, {"n": 1}]
    store.delete("build", "b")
    assert store.get("build", "b") is None


def test_store_finds_documents_by_a_value_within(tmp_path: Path) -> None:
    store = Store(tmp_path / "s")
    store.put("task", "b", {"n": 1, "_": {"service": "x"}})
    store.put("task", "c", {"n": 2, "_": {"service": "y"}})
    store.put("task", "a", {"n": 3, "_": {"service": "x"}})
    store.put("task", "d", {"n": 4, "_": {}})
    store.put("run", "e", {"n": 5, "_": {"service": "x"}})
    assert [each["n"] for each in store.having("task", "$._.service", "x")] == [1, 3]


def test_store_update_is_one_transaction_among_threads(tmp_path: Path) -> None:
    store = Store(tmp_path / "s")

    def count() -> None:
        for _ in range(50):
            store.update("counter", "c", lambda document: {"n": document.get("n", 0) + 1})

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.get("counter", "c") == {"n": 200}


def test_store_update_that_fails_changes_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "s")
    store.put("k", "k", {"n": 1})

    def fail(document: dict) -> None:
        document["n"] = 2
        raise ValueError

    with pytest.raises(ValueError):
        store.update("k", "k", fail)
    assert store.get("k", "k") == {"n": 1}


def test_store_update_keeps_the_age_of_a_document(tmp_path: Path) -> None:
    store = Store(tmp_path / "s")
    for key in ("old", "new"):
        store.put("k", key, {"key": key})
    store.update("k", "old", lambda document: {**document, "changed": True})
    assert [document["key"] for document in store.all("k")] == ["old", "new"]


def test_effects_drop_a_line_cut_off_by_the_death_of_the_process(tmp_path: Path) -> None:
    path = tmp_path / "effects.jsonl"
    Effects(path).record("ecs", "task_started", "ecs", {"task": "1"})
    with path.open("a") as file:
        file.write('{"n": 2, "serv')
    effects = Effects(path)
    effects.record("ecs", "task_stopped", "ecs")
    assert [entry["operation"] for entry in effects.entries()] == ["task_started", "task_stopped"]
    assert [json.loads(line)["n"] for line in path.read_text().splitlines()] == [1, 2]


@pytest.mark.parametrize(
    "params",
    [
        {"SecretString": "hush"},
        {"credentials": [{"password": "hush"}]},
        {"token": "hush"},
        {"Name": "p", "Type": "SecureString", "Value": "hush"},
        {"authorizationData": {"authorizationToken": "hush"}},
    ],
)
def test_redacted_hides_secrets(params: dict) -> None:
    assert "hush" not in json.dumps(redacted(params))


def test_redacted_keeps_idempotency_and_cuts_what_is_long() -> None:
    assert redacted({"clientToken": "t-1"}) == {"clientToken": "t-1"}
    assert len(redacted("x" * 100_000)) < 3000
    assert redacted(b"123") == "<3 bytes>"


def test_crashed_engine_thread_is_recorded(tmp_path: Path) -> None:
    own = World(Settings(0, "127.0.0.1", tmp_path)).install()
    own.threads.spawn("doomed", lambda: 1 / 0).join(60)
    [crash] = own.effects.entries("local_aws", "thread_crashed")
    assert crash["caller"] == "doomed"
    assert "ZeroDivisionError" in crash["error"]
    assert world() is own
    own.close()


def test_shutdown_waits_for_an_engine_to_stop_what_it_runs(tmp_path: Path) -> None:
    own = World(Settings(0, "127.0.0.1", tmp_path)).install()
    stopped: list[str] = []

    def engine() -> None:
        own.threads.stopping.wait(10)
        time.sleep(0.2)
        stopped.append("child")

    own.threads.spawn("engine", engine)
    own.close()
    assert stopped == ["child"]
