"""What a restart of the triggerer does to a thousand waits: real Airflow processes, and a stand-in for CodeBuild.

    make bench      # or: PYTHONPATH=include python bench/restart.py [waits]

Every job is begun by a task of its own in one of eight workers. All waits are in the triggerer before the first job
ends. In the midst of the ends the triggerer is stopped, as an update does it, and started again.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from figure import Row, tell
from waits.service import Service, serve

from demo.place import Place, Ports
from demo.stack import Stack

DAG_ID, RUN_ID = "held", "bench__held"
BEGIN_SECONDS, ENDS_SECONDS, RESTART_AFTER_SECONDS = 5, 240, 60
LONGEST_SECONDS = 3000
UPDATE = {"triggerer": 30}
"""Seconds from SIGTERM to SIGKILL where ECS or Kubernetes stops a container."""
WORKERS = {"AIRFLOW__CORE__PARALLELISM": "8"}
"""Twice the demonstration's: four leave a third of two cores idle while the waits begin."""
INTERVAL_SECONDS = 15
"""The slowest that a wait is looked at."""
GOAL = "a restart of the triggerer loses no wait, doubles none, and ends are noticed as before within two intervals"
WHY = (
    "Jobs, each begun by a task of its own, end one after the other for four minutes; after one minute the triggerer "
    "is stopped (SIGTERM, and half a minute of grace, as ECS and Kubernetes give it) and started again. Airflow's "
    "triggerer stops within two seconds, on a busy machine at times after twelve. What ended while there was none is "
    "noticed so many seconds after the first look of the new one; ends after that are noticed as early as before it. "
    "An interval is 15 s, the longest pause between two looks at a wait. The service that runs the jobs counts them."
)


def measure(stack: Stack, service: Service, waits: int) -> list[Row]:
    stack.airflow.trigger(DAG_ID, RUN_ID, {})
    _until(stack, lambda: _states(stack).get("deferred", 0) == waits)
    begin = time.time() + BEGIN_SECONDS
    service.held = (begin, begin + ENDS_SECONDS)
    _until(stack, lambda: time.time() >= begin + RESTART_AFTER_SECONDS)
    stopped = time.time()
    stack.restart("triggerer")
    gone = time.time()
    _until(stack, lambda: len(service.told) == waits)
    _until(stack, lambda: sum(_states(stack).get(state, 0) for state in ("success", "failed")) == waits)
    return _rows(service, waits, stopped, gone, _states(stack))


def _rows(service: Service, waits: int, stopped: float, gone: float, states: dict[str, int]) -> list[Row]:
    again = min(at for at in service.looked if at > gone)
    ends = {each: service.end_of(each) for each in service.told}
    late = {each: at - ends[each] for each, at in service.told.items()}
    before = _slowest(late[each] for each in late if service.told[each] < stopped)
    missed = [service.told[each] - again for each in late if ends[each] < again <= service.told[each]]
    after = _slowest(late[each] for each in late if ends[each] >= again + 2 * INTERVAL_SECONDS)
    assert missed, "nothing ended while there was no triggerer"
    return [
        Row("waits that ended otherwise than well", waits, waits - states.get("success", 0), None, "waits", 0),
        Row("jobs that were started again", waits, len(service.started) - waits, None, "jobs", 0),
        Row("until the triggerer had stopped", 1, round(gone - stopped, 1), None, "s"),
        Row("from the stop to the first look after it", 1, round(again - stopped, 1), None, "s"),
        Row("what ended meanwhile, noticed after that look, the last", len(missed), round(max(missed), 1), None, "s",
            2 * INTERVAL_SECONDS),
        Row("an end is noticed two intervals later, p99, beside before", waits, after, before, "s", INTERVAL_SECONDS),
    ]  # fmt: skip


def _slowest(late: Iterable[float]) -> float:
    """The 99th of a hundred. Raises AssertionError: there are none, for the machine was too slow."""
    ordered = sorted(late)
    assert ordered, "no job ended then"
    return round(ordered[int(len(ordered) * 0.99)], 2)


def _states(stack: Stack) -> dict[str, int]:
    with sqlite3.connect(f"file:{stack.place.home / 'airflow.db'}?mode=ro", uri=True, timeout=60) as database:
        sql = "select coalesce(state, ''), count(*) from task_instance where run_id = ? group by 1"
        return dict(database.execute(sql, (RUN_ID,)))


def _until(stack: Stack, ready: Callable[[], bool]) -> None:
    paused, deadline = threading.Event(), time.monotonic() + LONGEST_SECONDS
    while not ready():
        stack.check()
        assert time.monotonic() < deadline, _states(stack)
        paused.wait(0.5)


def main(waits: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BENCH_WAITS"] = str(waits)
        place = Place(Path(folder) / "run", Path(__file__).parent / "held", Ports.free(), settings=WORKERS)
        service = serve(place.ports.aws)
        threading.Thread(target=service.serve_forever, daemon=True).start()
        with Stack(place, UPDATE) as stack:
            stack.migrate()
            stack.start_airflow()
            stack.wait_for_airflow()
            stack.wait_for_dag(DAG_ID)
            found = measure(stack, service, waits)
        service.shutdown()
    tell("restart", GOAL, found, WHY)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
