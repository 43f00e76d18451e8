"""The container health checks of one task."""

from __future__ import annotations

import time
from dataclasses import dataclass

from local_aws.ecs.records import TASK, Document, last
from local_aws.ecs.start_plan import HealthCheck, health_check
from local_aws.ecs.task_records import changed
from local_aws.runtime.container import Place, Runtime
from local_aws.world import World

SHORTEST_INTERVAL_SECONDS = 0.5
SHORTEST_WHILE_WELL_SECONDS = 2.0
"""Each check is a process: those of services at rest would take a fifth of a small machine's core."""
# A check is a real program, which takes the time it takes.
SHORTEST_TIMEOUT_SECONDS = 5.0


@dataclass
class _Checked:
    place: Place
    check: HealthCheck
    due: float
    grace_ends: float
    failures: int = 0
    well: bool = False


def after_check(status: str, passed: bool, failures: int, retries: int, in_grace: bool) -> tuple[str, int]:
    """The health status, and the failures in a row, after one more check: as Docker's HEALTHCHECK counts."""
    if passed:
        return "HEALTHY", 0
    if in_grace and status != "HEALTHY":
        return status, 0
    return ("UNHEALTHY" if failures + 1 >= retries else status), failures + 1


class Checkups:
    """Makes the checks of a task's containers when they are due."""

    def __init__(self, world: World, runtime: Runtime, task: Document) -> None:
        self._world = world
        self._runtime = runtime
        self._arn = task["taskArn"]
        self._checked = [
            self._first(container, check)
            for container in task["_"]["definition"]["containers"]
            if (check := health_check(container))
        ]

    def make_due(self) -> None:
        """Make every check that is due."""
        for checked in self._checked:
            if time.monotonic() >= checked.due:
                self._make(checked)
                checked.due = time.monotonic() + self._interval(checked.check, checked.well)

    def _first(self, container: Document, check: HealthCheck) -> _Checked:
        home = self._world.settings.state_dir / "containers" / last(self._arn) / container["name"]
        place = Place(self._arn, container["name"], home)
        now = time.monotonic()
        grace = self._world.clock.seconds(check.start_seconds)
        return _Checked(place, check, now + self._interval(check), now + grace)

    def _interval(self, check: HealthCheck, well: bool = False) -> float:
        shortest = SHORTEST_WHILE_WELL_SECONDS if well else SHORTEST_INTERVAL_SECONDS
        return self._world.clock.seconds(check.interval_seconds, shortest)

    def _make(self, checked: _Checked) -> None:
        timeout = max(SHORTEST_TIMEOUT_SECONDS, float(checked.check.timeout_seconds))
        checked.well = passed = self._runtime.probe(checked.place, checked.check.command, timeout)
        task = self._world.store.get(TASK, self._arn) or {}
        (shown,) = (entry for entry in task["containers"] if entry["name"] == checked.place.name)
        in_grace = time.monotonic() < checked.grace_ends
        status, checked.failures = after_check(
            shown["healthStatus"], passed, checked.failures, checked.check.retries, in_grace
        )
        if status != shown["healthStatus"]:
            self._tell(task, checked.place.name, status)

    def _tell(self, task: Document, name: str, status: str) -> None:
        containers = [
            {**entry, "healthStatus": status} if entry["name"] == name else entry for entry in task["containers"]
        ]
        names = {checked.place.name for checked in self._checked}
        states = {entry["healthStatus"] for entry in containers if entry["name"] in names}
        whole = next((state for state in ("UNHEALTHY", "UNKNOWN") if state in states), "HEALTHY")
        changed(self._world, self._arn, containers=containers, healthStatus=whole)
        self._world.threads.wakeups.notify()
