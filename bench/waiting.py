"""What a wait costs, and how late its end is noticed: Airdock's shared poll beside a stock trigger for each wait.

    make bench      # or: PYTHONPATH=include python bench/waiting.py [numbers of waits]

Both ways wait for the same builds at the same time, in a process each, against a stand-in for CodeBuild that counts
calls. Prints a table and writes bench/results/waiting.json.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any

from figure import Row, tell
from waits.service import Handler

NUMBERS = (1, 10, 100, 1000)
FIRST_SECONDS, SPREAD_SECONDS = 20.0, 30.0
START_SECONDS_EACH = 0.1
"""A stock trigger makes a client of its own: that long each, on a slow machine."""
GOAL = "a wait costs next to nothing, and less the more there are"
WHY = (
    "Ours looks every 5 s at first, a stock trigger every 15 s: a single wait costs us more calls. On a slow machine a "
    "thousand stock triggers have not all made their clients when the first builds end, hence their few calls and late "
    "answers; where the machine keeps up, theirs are 4 calls a minute and 7.5 s at p50."
)
HERE = Path(__file__).parent
WAYS = ("shared", "stock")


class CountingServer(ThreadingHTTPServer):
    """The stand-in for CodeBuild, with room for a connection of every wait."""

    request_queue_size = 1024
    daemon_threads = True
    calls = 0


class CountingHandler(Handler):
    counting = threading.Lock()

    def do_POST(self) -> None:
        with self.counting:
            self.server.calls += 1  # type: ignore[attr-defined]
        super().do_POST()


def measure(waits: int) -> dict[str, dict[str, Any]]:
    """Both ways at the same time: what they cost, by way."""
    servers = {way: CountingServer(("127.0.0.1", 0), CountingHandler) for way in WAYS}
    for server in servers.values():
        threading.Thread(target=server.serve_forever, daemon=True).start()
    processes = {way: _start(way, waits, servers[way].server_port) for way in WAYS}
    found = {way: json.loads(process.communicate()[0].splitlines()[-1]) for way, process in processes.items()}
    for way, server in servers.items():
        found[way]["calls"] = server.calls
        server.shutdown()
    return found


def _start(way: str, waits: int, port: int) -> subprocess.Popen[str]:
    connection = json.dumps({"conn_type": "aws", "extra": {"region_name": "eu-west-1"}})
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AIRFLOW_CONN_AWS_DEFAULT": connection,
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
    }
    first = FIRST_SECONDS + waits * START_SECONDS_EACH
    command = [sys.executable, str(HERE / "waits" / "waiting_process.py"), way, str(waits), str(first)]
    return subprocess.Popen(  # noqa: S603 - our own program
        [*command, str(SPREAD_SECONDS)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def rows(waits: int, found: dict[str, dict[str, Any]]) -> list[Row]:
    """The figures of one number of waits: ours, and the stock triggers'."""
    figures: dict[str, tuple[str, Callable[[dict[str, Any]], float]]] = {
        "calls per waiting minute": ("calls", lambda told: told["calls"] / told["waiting_minutes"]),
        "an end is noticed, p50": ("s", lambda told: median(told["late"])),
        "an end is noticed, p99": ("s", lambda told: told["late"][int(len(told["late"]) * 0.99)]),
        "memory of a wait": ("KiB", lambda told: told["kib_each"]),
        "CPU of a wait": ("ms a minute", lambda told: told["cpu_ms_each_minute"]),
    }
    return [
        Row(name, waits, round(of(found["shared"]), 3), round(of(found["stock"]), 3), unit)
        for name, (unit, of) in figures.items()
    ]


def main(numbers: list[int]) -> None:
    tell("waiting", GOAL, [row for waits in numbers for row in rows(waits, measure(waits))], WHY)


if __name__ == "__main__":
    main([int(each) for each in sys.argv[1:]] or list(NUMBERS))
