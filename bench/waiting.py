"""What a wait costs, and how late its end is noticed: Airdock's shared poll beside a stock trigger for each wait.

    make bench      # or: PYTHONPATH=include python bench/waiting.py [numbers of waits]

Both ways wait for the same builds at the same time, in a process each, against a stand-in for CodeBuild that counts
calls. Prints a table and writes bench/results/waiting.json.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import threading
from datetime import UTC, datetime
from http.server import ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any

from waits.service import Handler

NUMBERS = (1, 10, 100, 1000)
FIRST_SECONDS, SPREAD_SECONDS = 20.0, 30.0
START_SECONDS_EACH = 0.1
"""A stock trigger makes a client of its own: that long each, on a slow machine."""
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


def rows(waits: int, found: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """The figures of one number of waits: ours, the peer's, and how many times less ours is."""
    figures = {
        "calls per waiting minute": ("calls", lambda told: told["calls"] / told["waiting_minutes"]),
        "an end is noticed, p50": ("s", lambda told: median(told["late"])),
        "an end is noticed, p99": ("s", lambda told: told["late"][int(len(told["late"]) * 0.99)]),
        "memory of a wait": ("KiB", lambda told: told["kib_each"]),
        "CPU of a wait": ("ms a minute", lambda told: told["cpu_ms_each_minute"]),
    }
    return [
        {"name": name, "n": waits, "ours": round(ours, 3), "peer": round(peer, 3), "unit": unit,
         "ratio": round(peer / ours, 1) if ours > 0 else None}
        for name, (unit, of) in figures.items()
        for ours, peer in [[of(found[way]) for way in WAYS]]
    ]  # fmt: skip


def main(numbers: list[int]) -> None:
    print(f"{'':28}{'waits':>7}{'ours':>12}{'stock':>12}{'ratio':>8}")
    found = []
    for waits in numbers:
        found += (news := rows(waits, measure(waits)))
        for row in news:
            ours, stock, ratio = row["ours"], row["peer"], "" if row["ratio"] is None else row["ratio"]
            print(f"{row['name']:28}{waits:>7}{ours:>12g}{stock:>12g}{ratio!s:>8}  {row['unit']}", flush=True)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    told = {"figure": "waiting", "rows": found, "machine": machine, "at": datetime.now(UTC).isoformat()}
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "waiting.json").write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main([int(each) for each in sys.argv[1:]] or list(NUMBERS))
