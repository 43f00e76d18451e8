"""Which builds run now: in the order in which they came, as many at once as the account may."""

from __future__ import annotations

import os
import threading

from local_aws.codebuild import records
from local_aws.codebuild.run import Run
from local_aws.codebuild.shell import end_group
from local_aws.world import World

MOST_AT_ONCE = int(os.environ.get("LOCAL_AWS_BUILDS", "4"))
QUEUED_MINUTES = 0.1


def start(of: World) -> None:
    """Run what is queued, beginning with what the last process left unfinished."""
    for build in of.store.all(records.KIND):
        if not build["buildComplete"]:
            if build.get("_group"):
                end_group(build["_group"])
            of.store.update(records.KIND, build["id"], _queued_again)
    of.threads.spawn("codebuild", _Queue(of).run)


def _queued_again(build: dict[str, object]) -> dict[str, object]:
    phases = [each for each in build["phases"] if each["phaseType"] in ("SUBMITTED", "QUEUED")]  # type: ignore[attr-defined]
    return {**build, "phases": phases[:1], "currentPhase": "SUBMITTED", "_group": 0}


class _Queue:
    def __init__(self, of: World) -> None:
        self._world = of
        self._running: dict[str, threading.Thread] = {}

    def run(self) -> None:
        while not self._world.threads.stopping.is_set():
            self._running = {build: thread for build, thread in self._running.items() if thread.is_alive()}
            for build in self._waiting()[: MOST_AT_ONCE - len(self._running)]:
                self._running[build] = self._world.threads.spawn(build, self._build, build)
            self._world.threads.wakeups.wait(0.1)

    def _waiting(self) -> list[str]:
        builds = self._world.store.all(records.KIND)
        waiting = [each for each in builds if not each["buildComplete"] and each["id"] not in self._running]
        return [each["id"] for each in sorted(waiting, key=lambda each: each["startTime"])]

    def _build(self, build_id: str) -> None:
        def now() -> float:
            return records.stamp(self._world.clock.now())

        self._world.store.update(records.KIND, build_id, lambda b: records.begin_phase(b, "QUEUED", now()))
        self._world.clock.wait(self._world.clock.minutes(QUEUED_MINUTES))
        self._world.store.update(records.KIND, build_id, lambda b: records.end_phase(b, "SUCCEEDED", now()))
        if not self._world.threads.stopping.is_set():
            Run(self._world, build_id).run()
