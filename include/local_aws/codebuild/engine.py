"""Which builds run now: in the order in which they came, as many at once as the account may."""

from __future__ import annotations

import os
import threading
from typing import Any

from local_aws.codebuild import records
from local_aws.codebuild.run import Run
from local_aws.codebuild.workshop import Workshop
from local_aws.world import World

QUEUED_MINUTES = 0.1
LOOK_AWS_SECONDS, SHORTEST_LOOK_SECONDS = 2, 0.1


def start(of: World) -> None:
    """Run what is queued, beginning with what the last process left unfinished."""
    for build in of.store.all(records.KIND):
        if not build["buildComplete"]:
            Workshop(of, build).clear()
            of.store.update(records.KIND, build["id"], _queued_again)
    of.threads.spawn("codebuild", _Queue(of).run)


def _queued_again(build: dict[str, Any]) -> dict[str, Any]:
    submitted = build["phases"][0]
    return records.begin_phase({**build, "phases": [submitted]}, "QUEUED", submitted["endTime"])


class _Queue:
    def __init__(self, of: World) -> None:
        self._world = of
        self._running: dict[str, threading.Thread] = {}
        self._most_at_once = int(os.environ.get("LOCAL_AWS_BUILDS", "4"))

    def run(self) -> None:
        while not self._world.threads.stopping.is_set():
            self._running = {build: thread for build, thread in self._running.items() if thread.is_alive()}
            for build in self._next():
                self._running[build] = self._world.threads.spawn(build, self._build, build)
            self._world.clock.pause(LOOK_AWS_SECONDS, SHORTEST_LOOK_SECONDS)

    def _next(self) -> list[str]:
        """The longest waiting ones that there is room for; one that was stopped takes no room."""
        builds = self._world.store.all(records.KIND)
        waiting = [each for each in builds if not each["buildComplete"] and each["id"] not in self._running]
        stopped, others = ([each for each in waiting if bool(each.get("_stop")) is told] for told in (True, False))
        room = max(self._most_at_once - len(self._running), 0)
        return [each["id"] for each in [*stopped, *sorted(others, key=lambda each: each["startTime"])[:room]]]

    def _build(self, build_id: str) -> None:
        self._world.clock.wait(self._world.clock.minutes(QUEUED_MINUTES))
        now = records.stamp(self._world.clock.now())
        self._world.store.update(records.KIND, build_id, lambda build: records.end_phase(build, "SUCCEEDED", now))
        if not self._world.threads.stopping.is_set():
            Run(self._world, build_id).run()
