"""How much longer a delivery takes than AWS needs for it while a hundred are in flight.

    make bench      # or: PYTHONPATH=include:. python bench/overhead_crowd.py [in flight] [database] [seconds a minute]

With the address of an empty PostgreSQL database the figure is `overhead_crowd_postgresql`, else `overhead_crowd`. Real
Airflow processes, and the local AWS by the real clock: a hundred services, whose deliveries are begun one after the
other. With fewer seconds to AWS's minute all goes faster, for a try.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from figure import Row, tell
from fleet.applications import Application, applications, make, write_pipelines
from fleet.machine import Cores, Meter
from fleet.steady import Delivery, Fleet
from overhead import DATABASE, OnPostgreSQL, by_script, gaps_seconds, moment, of_aws

from demo import facts
from demo.stack import Stack
from tests.e2e.line import Line, place_for_tests, started

IN_FLIGHT = 100
BETWEEN = 3
"""So many more are kept in flight: between an end and the next begin there is one less for a moment."""
SPARE = 15
"""Applications beyond those in flight: the deployment before is over when one is delivered again."""
PEERS = 10
BUILD_MINUTES = (2, 6)
RAMP_MINUTES, WINDOW_MINUTES = 8, 8
"""Nothing ends before nine minutes: the first delivery is in flight when the last one is begun."""
SETTINGS = {"AIRFLOW__CORE__PARALLELISM": "8", "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "90"}
"""Twice the demonstration's workers; and as shipped, where the tests are quicker to take a triggerer for dead."""
GOAL = "with 100 deliveries in flight at most 3 s at p50 and 5 s at p99, and none fails"
WHY = (
    "From the trigger to the verdict, less the seconds in which AWS built, scanned or deployed, of every delivery that "
    "ended while so many were in flight. They are begun one after the other, each of an application of its own, by the "
    "real clock: builds of two to six minutes, a scan, and a canary of five. Airflow, its database, the local AWS, a "
    "hundred services and all builds share the machine, so some seconds are waits for a core: the rows on cores tell "
    "how busy it was. The peer is the script of the first figure, ten of them side by side in the same minutes. "
    "Of fewer than a hundred the p99 is the worst."
)


@dataclass(frozen=True)
class Ended:
    """A delivery in figures, all seconds; `extra`: builds and deployments beyond the one that is needed."""

    until: float
    overhead: float
    to_first_task: float
    live: bool
    extra: int


def overhead(line: Line, delivery: Delivery, until: float) -> float:
    """What was not AWS's of the seconds from its begin to a moment."""
    return until - delivery.began - of_aws(line, delivery.commit, delivery.began, until, delivery.application)


def judged(line: Line, delivery: Delivery) -> Ended:
    """How a delivery that has ended went."""
    sql = "select min(start_date), max(end_date) from task_instance where run_id = ? and start_date is not null"
    [(first, last)] = line.query(sql, delivery.run_id)
    ended = moment(last)
    report = line.airflow.xcom(delivery.dag_id, delivery.run_id, "production.verdict", "outcome") or {}
    made = [
        facts.builds(line.aws, delivery.commit, delivery.application),
        facts.deployments(line.aws, delivery.application, delivery.began, ended),
    ]
    return Ended(
        until=ended,
        overhead=overhead(line, delivery, ended),
        to_first_task=moment(first) - delivery.began,
        live=report.get("outcome") == "live",
        extra=sum(max(0, len(each) - 1) for each in made),
    )


def peer_seconds(line: Line, name: str, commit: str) -> float:
    """The overhead of one delivery by the script."""
    began, ended = by_script(line, commit, name)
    return ended - began - of_aws(line, commit, began, ended, name)


@contextmanager
def line_of(count: int, database: str, minute_seconds: float) -> Iterator[tuple[Line, list[Application]]]:
    """The running line, with so many applications more."""
    settings = {**SETTINGS, **({DATABASE: database} if database else {})}
    more = applications(count)
    with tempfile.TemporaryDirectory() as folder:
        place = place_for_tests(Path(folder), minute_seconds, **settings)
        place = replace(place, aws_settings={"LOCAL_AWS_BUILDS": str(count)})
        write_pipelines(place.dags / "pipelines", more)
        with Stack(place) as stack:
            line = started(stack)
            if database:
                line = OnPostgreSQL(line.stack, line.aws, line.seeded)
            make(line.aws, more)
            line.stack.wait_for_dag(f"deliver_{more[-1].name}")
            yield line, more


@dataclass(frozen=True)
class Measured:
    """What was seen while `fleet` had all its deliveries in flight, from `began` on."""

    fleet: Fleet
    began: float
    seconds: float
    cores: Cores
    airflow_mib: float
    peers: list[float]


def measure(line: Line, more: Sequence[Application], size: int, minute_seconds: float) -> Measured:
    """Begin deliveries at an even pace until so many are in flight, and keep as many there while the window lasts."""
    shortest, longest = (minutes * minute_seconds for minutes in BUILD_MINUTES)
    fleet = Fleet(line, more[PEERS:], size + BETWEEN, (shortest, longest))
    scripted = [(each.name, fleet.push(each.name)) for each in more[:PEERS]]
    pace = RAMP_MINUTES * minute_seconds / fleet.size
    with ThreadPoolExecutor(PEERS) as pool:
        fleet.run(lambda: len(fleet.in_flight) >= size // 2, pace)
        peers = [pool.submit(peer_seconds, line, *each) for each in scripted]
        fleet.run(lambda: len(fleet.in_flight) == fleet.size, pace)
        print("the window begins", flush=True)
        meter, began, before = Meter(line.stack), time.time(), len(fleet.ended)
        fleet.run(
            lambda: time.time() >= began + WINDOW_MINUTES * minute_seconds and len(fleet.ended) >= before + size / 2
        )
        seen = meter.seconds, meter.cores(), meter.airflow_mib()
    return Measured(fleet, began, *seen, sorted(each.result() for each in peers))


def rows(line: Line, found: Measured, size: int) -> list[Row]:
    fleet, cores = found.fleet, os.cpu_count() or 1
    looks = [each for each in fleet.looks if each.at >= found.began]
    ended = [judged(line, each) for each in fleet.ended]
    window = [each for each in ended if each.until >= found.began]
    overheads, starts = sorted(each.overhead for each in window), sorted(each.to_first_task for each in window)
    gaps = sorted(gaps_seconds(line, "deliver_app-%"))
    spent = found.cores.airflow * found.seconds
    count, fewest = len(window), min(each.in_flight for each in looks)
    return [
        Row("deliveries in flight, the fewest", len(looks), fewest, None, "", at_least=size),
        Row("of them waiting in the triggerer, median", len(looks), median(each.waiting for each in looks), None, ""),
        Row("time that is not AWS's, median", count, _s(median(overheads)), _s(median(found.peers)), "s", 3),
        Row("time that is not AWS's, p99", count, _s(p99(overheads)), _s(found.peers[-1]), "s", 5),
        Row("deliveries that did not end live", len(ended), sum(not each.live for each in ended), None, "", 0),
        Row("builds and deployments beyond one each", len(ended), sum(each.extra for each in ended), None, "", 0),
        Row("from the trigger to the first task, median", count, _s(median(starts)), None, "s"),
        Row("from the trigger to the first task, p99", count, _s(p99(starts)), None, "s"),
        Row("between two tasks, median", len(gaps), round(median(gaps), 2), None, "s"),
        Row("between two tasks, p99", len(gaps), round(p99(gaps), 2), None, "s"),
        Row("cores at work (n: cores)", cores, found.cores.all, None, ""),
        Row("cores at work for Airflow", cores, found.cores.airflow, None, ""),
        Row("cores at work for the local AWS, its builds and tasks", cores, found.cores.aws, None, ""),
        Row("CPU of Airflow for a delivery that ends", count, _s(spent / count), None, "s"),
        Row("memory of Airflow's processes", fewest, round(found.airflow_mib), None, "MiB"),
    ]  # fmt: skip


def p99(ordered: Sequence[float]) -> float:
    """The 99th of a hundred; of fewer the last."""
    return ordered[int(len(ordered) * 0.99)]


def _s(seconds: float) -> float:
    return round(seconds, 1)


def main(size: int = IN_FLIGHT, database: str = "", minute_seconds: float = 60.0) -> None:
    with line_of(size + BETWEEN + SPARE + PEERS, database, minute_seconds) as (line, more):
        found = rows(line, measure(line, more, size, minute_seconds), size)
    tell("overhead_crowd_postgresql" if database else "overhead_crowd", GOAL, found, WHY)


if __name__ == "__main__":
    main(*(read(told) for read, told in zip((int, str, float), sys.argv[1:], strict=False)))
