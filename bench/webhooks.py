"""How many pushes are accepted how fast, in three ways of keeping them, and beside Airflow's own trigger API.

    make bench      # or: PYTHONPATH=include python bench/webhooks.py [pushes] [address of an empty PostgreSQL database]

With an address the figure is `webhooks_postgresql`, else `webhooks`.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import aiohttp
from figure import Row, tell
from pushes.sending import SECRET, Request, a_push, send, send_steadily
from sqlalchemy import create_engine, text

from demo.place import ROOT, Place, Ports
from demo.rest import get_json
from demo.settings import airflow_environ
from demo.stack import READY_SECONDS, Stack

PIPELINES = 200
AT_ONCE = 50
TRIGGERS = 200
TRIGGERS_AT_ONCE = {"sqlite": 1, "postgresql": 8}
"""More at once, and Airflow's own API answers with errors: on SQLite two are too many."""
FLOOD_PER_SECOND, FLOOD_SECONDS = 200, 10
UNCHANGED = 1.1
"""What the UI's p95 may be beside a flood, as a multiple of what it is alone."""
WAYS_OF_KEEPING = {
    "inbox_each": "a row and a commit for each",
    "asset_events": "asset events of Airflow",
    "sqs": "a message in SQS for each",
    "airflow_trigger": "a run of Airflow for each",
}
GOAL = "every push of a burst of 1,000 is accepted and started once, 500 a second, p99 below 500 ms, 20 times Airflow's"
WHY = (
    "The peer of the burst is Airflow's own `POST /api/v2/dags/{dag}/dagRuns`, asked with as many requests at once as "
    "it answers without errors: eight with PostgreSQL, one with SQLite, whose latency is therefore that of requests "
    "one after the other. The peer of the unsigned requests is the UI alone; that of the forged pushes is as many "
    "requests that Airflow itself refuses. With SQLite, where writers wait for each other, the rate is below 20 times "
    "Airflow's."
)
DATABASE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"


def dags(folder: Path) -> Path:
    """The dags of the repository, for as many applications as are measured."""
    shutil.copytree(ROOT / "dags", folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(Path(__file__).parent / "pushes" / "assets.py", folder / "by_asset_dag.py")
    pipelines = folder / "pipelines"
    text_of_all = (pipelines / "greeter.yaml").read_text()
    head, _, rest = text_of_all.partition("source:")
    for number in range(PIPELINES):
        source = f"source: {{provider: github, repository: acme/app-{number}}}\n"
        own = head.replace("application: greeter", f"application: app-{number}") + source
        (pipelines / f"app-{number}.yaml").write_text(own + "build:" + rest.partition("\nbuild:")[2])
    return folder


class Burst:
    """A running api-server, and what is sent to it."""

    def __init__(self, stack: Stack, database: str) -> None:
        self.address = stack.place.ui
        self.stack = stack
        self.engine = create_engine(database)
        self._headers = {"Content-Type": "application/json"}

    def count(self, sql: str) -> int:
        with self.engine.connect() as connection:
            return int(connection.execute(text(sql)).scalar() or 0)

    def airflows_own(self) -> dict[str, Any]:
        """`POST /api/v2/dags/{dag}/dagRuns`, as often as it can."""
        headers = {**self._headers, "Authorization": f"Bearer {self._token()}"}
        body = json.dumps({"logical_date": None, "conf": {"revision": "a" * 40}}).encode()
        paths = [f"{self.address}/api/v2/dags/deliver_app-{n % PIPELINES}/dagRuns" for n in range(TRIGGERS)]
        at_once = TRIGGERS_AT_ONCE[self.engine.dialect.name]
        statuses, took, wall = asyncio.run(send([Request(path, body, headers) for path in paths], at_once))
        return _figures(statuses, took, wall, 200)

    def pushes(self, count: int) -> dict[str, Any]:
        """All at once, and then until each has its run."""
        before = self.count("select count(*) from dag_run")
        requests = [a_push(self.address, number, PIPELINES) for number in range(count)]
        begun = time.monotonic()
        statuses, took, wall = asyncio.run(send(requests, AT_ONCE))
        stored = self.count("select count(*) from airdock_accepted_push")
        self._until_done()
        started = self.count("select count(*) from dag_run") - before
        assert stored == started == count, f"of {count} pushes {stored} are stored, and {started} have a run"
        figures = _figures(statuses, took, wall, 202)
        return {**figures, "stored": stored, "runs": started, "all_started_s": round(time.monotonic() - begun, 1)}

    def beside_a_flood(self) -> dict[str, Any]:
        """How the UI's own requests fare alone, and beside unsigned requests."""
        before = self.count("select count(*) from airdock_accepted_push")
        alone = asyncio.run(self._ui())
        bogus = {"X-GitHub-Event": "push", "X-GitHub-Delivery": "x", "X-Hub-Signature-256": "sha256=" + "0" * 64}
        unsigned = Request(f"{self.address}/airdock/hooks/github", b"{}" * 1000, self._headers)
        forged = Request(f"{self.address}/airdock/hooks/github", b"{}" * 1000, bogus)
        own = Request(f"{self.address}/api/v2/dags/deliver_app-0/dagRuns", b"{}" * 1000, self._headers)

        async def both(flood: Request) -> tuple[list[int], float]:
            return await asyncio.gather(send_steadily(flood, FLOOD_PER_SECOND, FLOOD_SECONDS), self._ui())

        refused, beside_unsigned = asyncio.run(both(unsigned))
        statuses, beside_it = asyncio.run(both(forged))
        _, beside_own = asyncio.run(both(own))
        written = self.count("select count(*) from airdock_accepted_push") - before
        return {
            "ui_p95_ms_alone": alone,
            "ui_p95_ms_beside_unsigned_pushes": beside_unsigned,
            "ui_p95_ms_beside_forged_pushes": beside_it,
            "ui_p95_ms_beside_as_many_refused_by_airflow": beside_own,
            "refused": refused.count(401) + statuses.count(401),
            "of": len(refused) + len(statuses),
            "written": written,
        }

    async def _ui(self) -> float:
        """Milliseconds that the list of dags takes, the 95th of a hundred."""
        headers, took = {"Authorization": f"Bearer {self._token()}"}, []
        async with aiohttp.ClientSession(headers=headers) as session:
            ends = time.monotonic() + FLOOD_SECONDS
            while time.monotonic() < ends:
                begun = time.perf_counter()
                async with session.get(f"{self.address}/ui/dags?limit=25&dag_runs_limit=14") as answer:
                    await answer.read()
                took.append(time.perf_counter() - begun)
                await asyncio.sleep(0.05)
        return round(sorted(took)[int(len(took) * 0.95)] * 1000, 1)

    def _until_done(self) -> None:
        paused = threading.Event()
        while self.count("select count(*) from airdock_accepted_push where done_at is null"):
            self.stack.check()
            paused.wait(0.5)

    def _token(self) -> str:
        return self.stack.airflow.token()


def _figures(statuses: list[int], took: list[float], wall: float, good: int) -> dict[str, Any]:
    ordered = sorted(took)
    return {
        "sent": len(statuses),
        "accepted": statuses.count(good),
        "per_second": round(statuses.count(good) / wall, 1),
        "p50_ms": round(ordered[len(ordered) // 2] * 1000, 1),
        "p99_ms": round(ordered[int(len(ordered) * 0.99)] * 1000, 1),
    }


def main(count: int, database: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = {"AIRFLOW_CONN_AIRDOCK_HOOK_GITHUB": json.dumps({"conn_type": "generic", "password": SECRET})}
        settings |= {"BENCH_PIPELINES": str(PIPELINES), **({DATABASE: database} if database else {})}
        place = Place(folder / "run", dags(folder / "dags"), Ports.free(), settings=settings)
        with Stack(place) as stack:
            stack.start_aws()
            stack.migrate()
            for part in ("dag-processor", "api-server"):
                stack.start(part)
            stack.processes["api-server"].wait_until(lambda: _answers(place), READY_SECONDS, stack.stopping)
            found = _measured(stack, database or f"sqlite:///{place.home / 'airflow.db'}", count)
    tell("webhooks_postgresql" if database else "webhooks", GOAL, rows(found), WHY)


def _measured(stack: Stack, database: str, count: int) -> dict[str, Any]:
    burst = Burst(stack, database)
    for dag in [f"deliver_app-{number}" for number in range(PIPELINES)] + [f"by_asset_{PIPELINES - 1}"]:
        stack.wait_for_dag(dag)
    # What is parsed again and again would take one of few cores.
    stack.kill("dag-processor")
    asyncio.run(send([a_push(burst.address, number, PIPELINES) for number in range(20)], 5))
    burst._until_done()
    with burst.engine.begin() as connection:
        connection.execute(text("delete from airdock_accepted_push"))
    doors = {"airflow_api": burst.airflows_own(), "webhooks": burst.pushes(count), "flood": burst.beside_a_flood()}
    ways = [sys.executable, str(Path(__file__).parent / "pushes" / "ways.py"), str(count)]
    told = subprocess.run(ways, env=airflow_environ(stack.place), stdout=subprocess.PIPE, check=True)  # noqa: S603
    return {"doors": doors, "ways": json.loads(told.stdout.splitlines()[-1])}


def _answers(place: Place) -> bool:
    try:
        return bool(get_json(f"{place.ui}/api/v2/version"))
    except (OSError, ValueError):
        return False


def rows(found: dict[str, Any]) -> list[Row]:
    """The receiver beside Airflow's own trigger API, its way of keeping pushes beside others, and what a flood does."""
    ours, own, flood = (found["doors"][name] for name in ("webhooks", "airflow_api", "flood"))
    pushes, kept = ours["sent"], found["ways"]["inbox_together"]["per_second"]
    others = {name: each for name, each in found["ways"].items() if name != "inbox_together"}
    alone, unsigned = flood["ui_p95_ms_alone"], flood["ui_p95_ms_beside_unsigned_pushes"]
    beside, same = flood["ui_p95_ms_beside_forged_pushes"], flood["ui_p95_ms_beside_as_many_refused_by_airflow"]
    return [
        Row("accepted of a burst", pushes, ours["accepted"], None, "pushes", at_least=pushes),
        Row("runs that the burst has started", pushes, ours["runs"], None, "runs", pushes, pushes),
        Row("accepted a second", pushes, ours["per_second"], own["per_second"], "pushes", None, 500, True),
        Row("answered, the slowest of a hundred", pushes, ours["p99_ms"], own["p99_ms"], "ms", 500),
        *(Row(f"kept a second, beside {WAYS_OF_KEEPING[name]}", each["sent"], kept, each["per_second"], "pushes",
              more_is_better=True) for name, each in others.items()),
        Row(f"UI p95 beside {FLOOD_PER_SECOND} unsigned requests a second", FLOOD_PER_SECOND * FLOOD_SECONDS, unsigned,
            alone, "ms", round(alone * UNCHANGED, 1)),
        Row(f"the UI beside {FLOOD_PER_SECOND} forged pushes a second, p95", FLOOD_PER_SECOND * FLOOD_SECONDS, beside,
            same, "ms"),
        Row("rows that forged pushes have written", flood["of"], flood["written"], None, "rows", 0),
    ]  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000, sys.argv[2] if len(sys.argv) > 2 else "")
