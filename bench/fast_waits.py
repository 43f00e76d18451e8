"""Whether a fast wait is ever lost: many jobs of 0.3 to 8 s, waited for in three ways by real Airflow processes.

make bench      # or: PYTHONPATH=include python bench/fast_waits.py [jobs of each way]

"""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from figure import Row, tell
from waits.service import serve

from demo.place import Place, Ports
from demo.stack import Stack

WAYS = {
    "handed_over": "the first seconds in the worker, then the triggerer",
    "deferred": "deferred at once, the trigger polls every second",
    "triggered": "begun and ended in the triggerer",
}
LONGEST_SECONDS = 600
GOAL = "no wait is lost, however soon its job ends"
WHY = (
    "Jobs of 0.3 to 8 s, all begun together, waited for by real Airflow processes with four workers. Ours waits its "
    "first seconds in a worker, and only then in the triggerer; the peers are a task that is deferred at once, and one "
    "that begins and ends in the triggerer, which can neither start a job exactly once nor judge its end. Ours takes "
    "longer where hundreds begin at one moment on few workers; a delivery's jobs begin one at a time."
)


def measure(stack: Stack, way: str, jobs: int, started: Path) -> dict[str, Any]:
    """One run of `jobs` waits; what became of them."""
    begun = time.monotonic()
    stack.airflow.trigger(way, f"bench__{way}", {})
    rows = _ended(stack, way, begun + LONGEST_SECONDS)
    lines = started.read_text().splitlines() if started.exists() else []
    tries = [number for state, number in rows if state == "success"]
    return {
        "jobs": jobs,
        "first_try": sum(number <= 1 for number in tries),
        "after_retry": sum(number > 1 for number in tries),
        "lost": jobs - len(tries),
        "started": sum(line.startswith(f"{way} ") for line in lines) if way != "triggered" else None,
        "wall_seconds": round(time.monotonic() - begun, 1),
    }


def _ended(stack: Stack, way: str, deadline: float) -> list[tuple[str, int]]:
    """State and number of tries of each task once the run is over, or at the deadline."""
    paused = threading.Event()
    while True:
        stack.check()
        with sqlite3.connect(f"file:{stack.place.home / 'airflow.db'}?mode=ro", uri=True, timeout=20) as database:
            run = database.execute("select state from dag_run where dag_id = ?", (way,)).fetchone()
            rows = database.execute("select state, try_number from task_instance where dag_id = ?", (way,)).fetchall()
        if (run and run[0] in ("success", "failed")) or time.monotonic() > deadline:
            return rows
        paused.wait(0.5)


def main(jobs: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        started = Path(folder) / "started"
        os.environ.update(BENCH_JOBS=str(jobs), BENCH_STARTED=str(started))
        place = Place(Path(folder) / "run", Path(__file__).parent / "waits", Ports.free())
        service = serve(place.ports.aws)
        threading.Thread(target=service.serve_forever, daemon=True).start()
        with Stack(place) as stack:
            stack.migrate()
            stack.start_airflow()
            stack.wait_for_airflow()
            for way in WAYS:
                stack.wait_for_dag(way)
            found = {way: measure(stack, way, jobs, started) for way in WAYS}
        service.shutdown()
    tell("fast_waits", GOAL, rows(found), WHY)


def rows(found: dict[str, dict[str, Any]]) -> list[Row]:
    """Airdock's way beside the two others."""
    ours = found["handed_over"]
    return [
        row
        for way in ("deferred", "triggered")
        for peer in (found[way],)
        for row in (
            Row(f"lost, beside {WAYS[way]}", ours["jobs"], ours["lost"], peer["lost"], "waits", 0),
            Row(f"tried again, beside {WAYS[way]}", ours["jobs"], ours["after_retry"], peer["after_retry"], "waits", 0),
            Row(
                f"until all are over, beside {WAYS[way]}", ours["jobs"], ours["wall_seconds"], peer["wall_seconds"], "s"
            ),
        )
    ]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
