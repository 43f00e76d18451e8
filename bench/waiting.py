"""What a wait costs, and how late its end is noticed: Airdock's shared looks, polled and woken by events, beside stock
triggers, one for each wait; and how late where the events stop.

    make bench      # or: PYTHONPATH=include python bench/waiting.py [numbers of waits]

All ways wait for the same builds at the same time, in a process each, against a stand-in for CodeBuild and SQS that
notes each call. Prints a table and writes bench/results/waiting.json.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from figure import Row, tell
from waits.service import EVENT_SECONDS, Service

NUMBERS = (1, 10, 100, 1000)
FIRST_SECONDS, SPREAD_SECONDS = 90.0, 30.0
QUIET_SECONDS = 60
"""So long before the first end calls are counted: what waiting costs while nothing happens."""
START_SECONDS_EACH = 0.1
"""A stock trigger makes a client of its own: that long each, on a slow machine."""
GOAL = (
    "woken by events, at most 4, 0.6, 0.15 and 0.08 calls per waiting minute for 1, 10, 100 and 1,000 waits; an end "
    "noticed 0.1 s after its event at p50 and 0.5 s at p99, and within 30 s where events stop; 30 KiB and 1 ms of CPU "
    "a minute for each of 1,000 waits"
)
CALLS = {1: 4.0, 10: 0.6, 100: 0.15, 1000: 0.08}
WHY = (
    f"The stock trigger asks every 15 s, and has no events. Ours look every 5 to 15 s. Events of builds come here "
    f"{EVENT_SECONDS:g} s after a start or an end. Where they arrive, looks make sure every 27 s, or every 54 s at a "
    f"build of which an event has told before; and one long poll of the queue, three calls a minute, serves all. Calls "
    f"are those of the minute before the first end. Cut off: events told of one build, and of none that is measured."
)
HERE = Path(__file__).parent
WAYS = ("shared", "woken", "stock")
EARS = ("woken", "cut off")
CUT_OFF = 10
"""With so many waits it is also measured what happens where events stop."""
CUT_OFF_SECONDS = 30.0


def measure(waits: int) -> dict[str, dict[str, Any]]:
    """All ways at the same time: what they cost, by way."""
    services = {way: Service() for way in WAYS}
    if waits == CUT_OFF:
        services["cut off"] = Service(silent_after=1)
    for service in services.values():
        threading.Thread(target=service.serve_forever, daemon=True).start()
    processes = {way: _start(way, waits, service.server_port) for way, service in services.items()}
    found = {way: json.loads(process.communicate()[0].splitlines()[-1]) for way, process in processes.items()}
    for way, service in services.items():
        until = found[way]["first_end"] - 1
        found[way]["calls"] = sum(until - QUIET_SECONDS <= at < until for at in service.called)
        service.shutdown()
    return found


def _start(way: str, waits: int, port: int) -> subprocess.Popen[str]:
    connection = json.dumps({"conn_type": "aws", "extra": {"region_name": "eu-west-1"}})
    endpoint = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AIRFLOW_CONN_AWS_DEFAULT": connection,
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        **({"AIRDOCK_WAKE_QUEUE": f"{endpoint}/123456789012/wakes"} if way in EARS else {}),
    }
    first = FIRST_SECONDS + waits * START_SECONDS_EACH
    command = [sys.executable, str(HERE / "waits" / "waiting_process.py"), way, str(waits), str(first)]
    return subprocess.Popen(  # noqa: S603 - our own program
        [*command, str(SPREAD_SECONDS)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def rows(waits: int, found: dict[str, dict[str, Any]]) -> list[Row]:
    """The figures of one number of waits: ours in each way, and the stock triggers'."""
    return [
        *_rows("polled", waits, found["shared"], found["stock"]),
        *_rows("woken", waits, found["woken"], found["stock"]),
        *(_cut_off(waits, told["late"], found["stock"]["late"]) for way, told in found.items() if way == "cut off"),
    ]


def _cut_off(waits: int, ours: list[float], stock: list[float]) -> Row:
    name = "woken, events cut off: an end is noticed, the last"
    return Row(name, waits, round(max(ours), 3), round(max(stock), 3), "s", CUT_OFF_SECONDS)


def _rows(way: str, waits: int, ours: dict[str, Any], stock: dict[str, Any]) -> list[Row]:
    goals = {"calls": CALLS[waits], "p50": EVENT_SECONDS + 0.1, "p99": EVENT_SECONDS + 0.5} if way == "woken" else {}
    if waits == max(NUMBERS):
        goals |= {"memory": 30, "cpu": 1}
    figures: dict[str, tuple[str, str, Callable[[dict[str, Any]], float]]] = {
        "calls": ("calls per waiting minute", "calls", lambda told: told["calls"] * 60 / QUIET_SECONDS / waits),
        "p50": ("an end is noticed, p50", "s", lambda told: median(told["late"])),
        "p99": ("an end is noticed, p99", "s", lambda told: told["late"][int(len(told["late"]) * 0.99)]),
        "memory": ("memory of a wait", "KiB", lambda told: told["kib_each"]),
        "cpu": ("CPU of a wait", "ms a minute", lambda told: told["cpu_ms_each_minute"]),
    }
    return [
        Row(f"{way}: {name}", waits, round(of(ours), 3), round(of(stock), 3), unit, goals.get(key))
        for key, (name, unit, of) in figures.items()
    ]


def main(numbers: list[int]) -> None:
    tell("waiting", GOAL, [row for waits in numbers for row in rows(waits, measure(waits))], WHY)


if __name__ == "__main__":
    main([int(each) for each in sys.argv[1:]] or list(NUMBERS))
