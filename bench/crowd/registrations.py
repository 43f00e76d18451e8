"""Many tasks that register a task definition at one moment, in simulated time: a small Airflow, AWS's bucket."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import count
from random import Random

from crowd.aws import BEGUN, RATES, Bucket, Rate

from airdock.aws.turns import Line, Place
from airdock.factory.deliver import RETRIES

REGISTER_TASK_DEFINITION = Rate(1, 20, published=True)
TASKS_AT_ONCE = 32
"""Airflow's default `[core] parallelism`."""
START_SECONDS, END_SECONDS = (0.5, 2.0), (0.1, 0.5)
"""From a free worker to the call, and from its answer to the next task of that worker."""
DEFERRED_SECONDS, FIRED_SECONDS = (1.0, 2.0), (0.0, 1.0)
"""From a task's deferral to its trigger, and from that trigger's event to a task that wants a worker."""


READS = 2
"""Calls for a task definition before each registration, besides one for each revision that was never looked at."""


@dataclass(eq=False)
class Task:
    """One registration; `unread`: revisions yet to look at. Times in seconds of the simulation."""

    unread: int
    throttled_at: list[float] = field(default_factory=list)
    registered_at: float | None = None
    failed: bool = False


class Burst:
    """All tasks want a worker at the first moment; what one does that AWS throttles is `throttled`.

    `revisions`: how many a family has; None is for an AWS that throttles no reads.
    """

    def __init__(self, tasks: int, revisions: int | None = None, seed: int = 1) -> None:
        self.bucket = Bucket(REGISTER_TASK_DEFINITION, REGISTER_TASK_DEFINITION.burst)
        self.reads = Bucket(RATES["ecs"], RATES["ecs"].burst) if revisions is not None else None
        self.dice = Random(seed)  # noqa: S311 - a simulation
        self.now = 0.0
        self._revisions = revisions or 0
        self.tasks = [Task(revisions or 0) for _ in range(tasks)]
        self._wanting, self._free = deque(self.tasks), TASKS_AT_ONCE
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._number = count()

    def run(self) -> None:
        """Go on until nothing is left to happen."""
        self._begin()
        while self._heap:
            self.now, _, act = heapq.heappop(self._heap)
            act()

    def at(self, moment: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._heap, (moment, next(self._number), act))

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        self.at(self.now + seconds, act)

    def want(self, task: Task) -> None:
        """The task waits for a worker, behind those that do already."""
        self._wanting.append(task)
        self._begin()

    def throttled(self, task: Task) -> None:
        raise NotImplementedError

    @property
    def throttled_calls(self) -> int:
        return self.bucket.refused + (self.reads.refused if self.reads else 0)

    @property
    def makespan(self) -> float:
        """When the last one was registered of those that were."""
        return max(each.registered_at for each in self.tasks if each.registered_at is not None)

    def _begin(self) -> None:
        while self._free and self._wanting:
            self._free -= 1
            self.after(self.dice.uniform(*START_SECONDS), partial(self._call, self._wanting.popleft()))

    def _call(self, task: Task) -> None:
        self.after(self.dice.uniform(*END_SECONDS), self._end)
        if self._read(task) and self.bucket.take(self.now):
            task.registered_at = self.now
        else:
            task.throttled_at.append(self.now)
            self.throttled(task)

    def _read(self, task: Task) -> bool:
        """Whether AWS answers all that a task reads; botocore's own three retries are left out."""
        if self.reads is None:
            return True
        if not all(self.reads.take(self.now) for _ in range(READS)):
            return False
        while task.unread and self.reads.take(self.now):
            task.unread -= 1
        return not task.unread

    def _end(self) -> None:
        self._free += 1
        self._begin()


class InLine(Burst):
    """What is throttled waits for its turn: Airdock's own line, one in each triggerer."""

    def __init__(self, tasks: int, revisions: int | None = None, seed: int = 1, triggerers: int = 1) -> None:
        super().__init__(tasks, revisions, seed)
        self._lines = [Line() for _ in range(triggerers)]
        self._rings_at = dict.fromkeys(self._lines, float("inf"))
        self._waiting: dict[Place, Task] = {}

    def throttled(self, task: Task) -> None:
        self.after(self.dice.uniform(*DEFERRED_SECONDS), partial(self._join, task, self.dice.choice(self._lines)))

    def _join(self, task: Task, line: Line) -> None:
        since = BEGUN + timedelta(seconds=task.throttled_at[0])
        place = line.join(since, self.now)
        self._waiting[place] = task
        self._set_timer(line)

    def _set_timer(self, line: Line) -> None:
        if (at := line.next_at()) < self._rings_at[line]:
            self._rings_at[line] = at
            self.at(at, partial(self._let_go, line))

    def _let_go(self, line: Line) -> None:
        self._rings_at[line] = float("inf")
        if place := line.let_go(self.now):
            self.after(self.dice.uniform(*FIRED_SECONDS), partial(self.want, self._waiting.pop(place)))
        self._set_timer(line)


class Retried(Burst):
    """What is throttled fails, and Airflow tries it again after its exponential delay, until its tries are spent."""

    def throttled(self, task: Task) -> None:
        task.unread = self._revisions
        if len(task.throttled_at) > RETRIES["retries"]:
            task.failed = True
        else:
            self.after(
                self._delay(len(task.throttled_at)) + self.dice.uniform(*FIRED_SECONDS), partial(self.want, task)
            )

    def _delay(self, tries: int) -> float:
        """As Airflow 3.3 has it: twice as long after each try, and up to as long again by a hash of the try."""
        least = RETRIES["retry_delay"].total_seconds() * 2 ** (tries - 1)
        return float(min(least + self.dice.randrange(int(least)), RETRIES["max_retry_delay"].total_seconds()))
