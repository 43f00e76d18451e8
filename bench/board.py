"""How fast the board's first view is there for ten people at once, beside what Airflow's own UI and API need for it.

    make bench      # or: PYTHONPATH=include python bench/board.py [applications]

A real api-server on SQLite, filled with deliveries. Prints a table and writes bench/results/board.json.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request

import aiohttp
from boards.rows import ENVIRONMENTS, fill
from figure import Row, tell
from sqlalchemy import create_engine

from demo.place import ADMIN, ROOT, Place, Ports
from demo.rest import OPENER, Airflow, get_json
from demo.stack import READY_SECONDS, Stack

VIEWS, PEER_VIEWS = 20, 2
PEOPLE = {ADMIN: "admin", **{f"editor-{n}": "user" for n in range(4)}, **{f"viewer-{n}": "viewer" for n in range(5)}}
"""Ten people and their roles: nobody's page is anybody else's."""
OVERVIEW = "/airdock/api/overview"
PAGE = 100
"""What Airflow gives at most in one answer."""
GOAL = (
    "the first view of 500 applications in three environments takes under 1 s at p95, for ten people at once; "
    "one of 500 services takes 20 KiB"
)
WHY = (
    "The peers are the list of dags of Airflow's own UI and the newest runs by its REST API, page by page: neither "
    "tells what runs in which environment. Milliseconds are from the request to the last byte; the ten are different "
    "people with three roles, and ask again as soon as they are answered, which the page does not. The size is that of "
    "releases whose messages, authors, digests and runs all differ; n counts applications, each in three environments, "
    "but in the last row services."
)


def pipelines(folder: Path, applications: list[str]) -> None:
    """The dags of the repository, with a pipeline file for each application."""
    shutil.copytree(ROOT / "dags", folder, ignore=shutil.ignore_patterns("__pycache__", "*.yaml"))
    place = {"cluster": "demo", "rollout": {"strategy": "codedeploy"}}
    for name in applications:
        group = {"application": name, "deployment_group": name}
        target = {**place, "service": name, "rollout": {**place["rollout"], **group}}  # type: ignore[dict-item]
        told = {
            "application": name,
            "owner": "team-a",
            "source": {"provider": "github", "repository": f"acme/{name}"},
            "build": {"project": name},
            "image": {"repository": name},
            "environments": dict.fromkeys(ENVIRONMENTS, target),
        }
        (folder / "pipelines").mkdir(exist_ok=True)
        (folder / "pipelines" / f"{name}.yaml").write_text(json.dumps(told))


async def viewed(address: str, tokens: list[str], paths: list[str], views: int) -> list[float]:
    """Milliseconds of each view, in order of size: its pages one after another, by all people at once."""
    took: list[float] = []

    async def person(session: aiohttp.ClientSession, token: str) -> None:
        for _ in range(views):
            begun = time.perf_counter()
            for path in paths:
                async with session.get(f"{address}{path}", headers={"Authorization": f"Bearer {token}"}) as answer:
                    await answer.read()
                    assert answer.status == 200, f"{path}: {answer.status}"
            took.append((time.perf_counter() - begun) * 1000)

    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(300)) as session:
        await asyncio.gather(*(person(session, token) for token in tokens))
    return sorted(took)


def _measured(stack: Stack, applications: int, runs: int) -> list[Row]:
    place = stack.place
    tokens = [Airflow(place.ui, name, place.secrets.admin_password).token() for name in PEOPLE]

    def ask(paths: list[str], views: int, people: int = len(PEOPLE)) -> list[float]:
        return asyncio.run(viewed(place.ui, tokens[:people], paths, views))

    first = ask([OVERVIEW], 1)
    board, alone = ask([OVERVIEW], VIEWS), ask([OVERVIEW], VIEWS, 1)
    dags = [f"/ui/dags?limit={PAGE}&offset={n}&dag_runs_limit=3" for n in range(0, applications * 2, PAGE)]
    newest = [f"/api/v2/dags/~/dagRuns?limit={PAGE}&offset={n}&order_by=-start_date" for n in range(0, runs, PAGE)]
    ui, rest = ask(dags, PEER_VIEWS), ask(newest, PEER_VIEWS)
    return [
        _row("first view, p50, beside Airflow's list of dags", applications, board, ui, 0.5),
        _row("first view, p95, beside Airflow's list of dags", applications, board, ui, 0.95, 1000),
        _row("first view, p95, beside the runs by REST", applications, board, rest, 0.95, 1000),
        _row("one person's view, p50", applications, alone, None, 0.5, 50),
        Row("size of a view, packed", applications, _kib(place, tokens[0]), None, "KiB"),
        _row("the very first view after the api-server's start, the slowest", applications, first, None, 1),
    ]


def _kib(place: Place, token: str) -> float:
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "gzip"}
    request = Request(f"{place.ui}{OVERVIEW}", headers=headers)  # noqa: S310 - the api-server that was just started
    with OPENER.open(request, timeout=60) as answer:
        return round(len(answer.read()) / 1024, 1)


def _row(
    name: str, count: int, ours: list[float], peer: list[float] | None, part: float, at_most: float | None = None
) -> Row:
    return Row(name, count, _at(ours, part), _at(peer, part) if peer else None, "ms", at_most)


def _at(ordered: list[float], part: float) -> float:
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * part))], 1)


@contextmanager
def _delivered(applications: int) -> Iterator[tuple[Stack, int]]:
    """An api-server whose applications have all been delivered, and the number of their runs."""
    names = [f"app-{number:03}" for number in range(applications)]
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        pipelines(folder / "dags", names)
        people = ",".join(f"{name}:{role}" for name, role in PEOPLE.items())
        settings = {"AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": people}
        place = Place(folder / "run", folder / "dags", Ports.free(), settings=settings)
        with Stack(place) as stack:
            place.passwords.write_text(json.dumps(dict.fromkeys(PEOPLE, place.secrets.admin_password)))
            stack.migrate()
            runs = fill(create_engine(f"sqlite:///{place.home / 'airflow.db'}"), names)
            stack.start("api-server")
            stack.processes["api-server"].wait_until(lambda: _answers(place), READY_SECONDS, stack.stopping)
            yield stack, runs


def _of_services(services: int) -> Row:
    """The size of a view of so many services, each of which is an application in one environment."""
    with _delivered(-(-services // len(ENVIRONMENTS))) as (stack, _):
        token = stack.airflow.token()
        return Row("size of a view of as many services, packed", services, _kib(stack.place, token), None, "KiB", 20)


def main(applications: int) -> None:
    with _delivered(applications) as (stack, runs):
        rows = _measured(stack, applications, runs)
    tell("board", GOAL, [*rows, _of_services(applications)], WHY)


def _answers(place: Place) -> Any:
    try:
        return get_json(f"{place.ui}/api/v2/version")
    except (OSError, ValueError):
        return None


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
