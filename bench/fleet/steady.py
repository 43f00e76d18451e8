"""Many deliveries kept in flight, each of another application, begun one after the other."""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random

from fleet.applications import Application, change

from tests.e2e.line import Line

LOOK_SECONDS = 0.5
PREFIX = "bench__"
RUNS = "select run_id, state from dag_run where run_id like ?"
WAITING = "select count(*) from task_instance where state = 'deferred'"
ENDED = ("success", "failed")


@dataclass(frozen=True)
class Delivery:
    """`began`: when its run was asked for, seconds since the epoch."""

    application: str
    commit: str
    run_id: str
    began: float

    @property
    def dag_id(self) -> str:
        return f"deliver_{self.application}"


@dataclass(frozen=True)
class Look:
    """How many deliveries Airflow runs at a moment, and how many of them wait in the triggerer."""

    at: float
    in_flight: int
    waiting: int


class Fleet:
    """Keeps `size` deliveries in flight; an application whose delivery has ended is the last to be delivered again.

    `build_seconds`: the shortest and the longest build.
    """

    def __init__(
        self, line: Line, applications: Iterable[Application], size: int, build_seconds: tuple[float, float]
    ) -> None:
        self.line = line
        self.size = size
        self.in_flight: dict[str, Delivery] = {}
        self.ended: list[Delivery] = []
        self.looks: list[Look] = []
        self._idle = deque(each.name for each in applications)
        self._build_seconds = build_seconds
        self._dice = Random(0)  # noqa: S311 - any numbers will do
        self._versions = 0

    def push(self, name: str) -> str:
        """A new commit of the application's; its id."""
        self._versions += 1
        seconds = self._dice.uniform(*self._build_seconds)
        return self.line.push(change(name, f"1.0.{self._versions}", seconds))

    def run(self, until: Callable[[], bool], pace_seconds: float = 0.0) -> None:
        """Begin a delivery whenever there is room, and one at most every `pace_seconds`, until it is enough."""
        due = 0.0
        while not until():
            self._look()
            if len(self.in_flight) < self.size and time.time() >= due:
                due = time.time() + pace_seconds
                self._begin()
            else:
                threading.Event().wait(LOOK_SECONDS)

    def _begin(self) -> None:
        name = self._idle.popleft()
        commit, run_id = self.push(name), f"{PREFIX}{uuid.uuid4().hex[:12]}"
        delivery = Delivery(name, commit, run_id, time.time())
        self.line.airflow.trigger(delivery.dag_id, run_id, {"revision": commit})
        self.in_flight[run_id] = delivery

    def _look(self) -> None:
        self.line.stack.check()
        [(waiting,)] = self.line.query(WAITING)
        states = dict(self.line.query(RUNS, f"{PREFIX}%"))
        self.looks.append(Look(time.time(), sum(state not in ENDED for state in states.values()), waiting))
        for run_id in [each for each in self.in_flight if states.get(each) in ENDED]:
            delivery = self.in_flight.pop(run_id)
            self.ended.append(delivery)
            self._idle.append(delivery.application)
            print(f"{delivery.application}: {states[run_id]}, {len(self.in_flight)} in flight", flush=True)
            if states[run_id] == "failed":
                print(self.line.story(run_id), flush=True)
