"""Many deliveries at once over several triggerers, in simulated time: Airdock's own sweep, a simulated AWS."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import count
from random import Random
from typing import Any

from crowd.aws import SimulatedAws

from airdock.aws.hooks import Account
from airdock.aws.watch import Facts, Subject, watch_for
from airdock.aws.watch.pace import FIRST_LOOK_SECONDS, pauses
from airdock.aws.watch.reading import read_all
from airdock.aws.watch.sweep import Sweep
from airdock.aws.watch.wait import Wait

QUICK_SECONDS = {"deployment": 1.0}
"""The first pauses of a wait, where they are not 5 s, as the operators ask for."""
CALL_SECONDS = 0.1
BEGIN_SECONDS, WARM_UP_SECONDS = 60.0, 180.0
"""The deliveries that are under way already are taken over within the first; what comes after the second counts."""
GAP_SECONDS = 4.0
"""From the end of a wait to the start of the next job."""
STAGES = {"build": (60, 420), "scan": (10, 40), "deployment": (300, 900), "service_deployment": (180, 600)}
"""The shortest and the longest time of each job, in seconds."""
WORKER_PAUSES = {
    "build": tuple(pauses(3, 2.0, 1 / 4)),
    "scan": tuple(pauses(4)),
    "deployment": tuple(pauses(4, 3.0)),
    "service_deployment": tuple(pauses(4, 3.0)),
}
"""Between the looks of the worker, before it hands a job over."""
START_EVENTS = frozenset({"build", "deployment", "service_deployment"})
"""Jobs of whose start AWS sends an event: it comes while the worker still looks."""


@dataclass(frozen=True)
class Setting:
    """What is simulated."""

    name: str
    accounts: int
    deliveries: int = 3000
    services: int = 10000
    triggerers: int = 4
    by_codedeploy: float = 0.6
    """The share of the services that CodeDeploy deploys; ECS deploys the others itself."""
    events: bool = False
    event_seconds: float = 0.5
    events_lost: float = 0.02


@dataclass
class Tally:
    """What came of it."""

    seconds_late: dict[str, list[float]] = field(default_factory=lambda: {stage: [] for stage in STAGES})
    worker_calls: int = 0
    waiting_seconds: float = 0.0
    joined: int = 0
    ended: int = 0
    delivered: int = 0
    refused: int = 0
    most_waits: int = 0


class Triggerer:
    """One sweep and its timer."""

    def __init__(self, crowd: Crowd, seed: int) -> None:
        self.crowd = crowd
        self.sweep = Sweep(Random(seed))  # noqa: S311 - jitter, no secret
        self._rings_at = float("inf")

    def set_timer(self, at: float) -> None:
        if at < self._rings_at:
            self._rings_at = at
            self.crowd.at(at, partial(self._ring, at))

    def _ring(self, at: float) -> None:
        if at == self._rings_at:
            self._rings_at = float("inf")
            self._look_around()

    def _look_around(self) -> None:
        for batch in self.sweep.take(self.crowd.now):
            lookup = partial(self.crowd.aws.client, batch.source.account.connection)
            reading = read_all(batch.watch, lookup, batch.ids, batch.known)  # type: ignore[arg-type]
            self.crowd.at(self.crowd.now + CALL_SECONDS * max(1, reading.calls), partial(self._told, batch, reading))
        self.set_timer(self.sweep.next_at(self.crowd.now))

    def _told(self, batch: Any, reading: Any) -> None:
        for wait, news in self.sweep.told(batch, reading, self.crowd.now):
            if news.end:
                self.sweep.leave(wait)
                self.crowd.ended(wait, news.end)
        self._look_around()

    def wake(self, named: set[str]) -> None:
        if self.sweep.wake(named, self.crowd.now):
            self._look_around()


class Crowd:
    """The simulation: a heap of what happens next, and as many deliveries under way as the setting says."""

    def __init__(self, setting: Setting, seed: int = 1) -> None:
        self.setting = setting
        self.aws = SimulatedAws()
        self.now = 0.0
        self.tally = Tally()
        self._dice = Random(seed)  # noqa: S311 - a simulation
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._number = count()
        self._stages: dict[Wait, tuple[int, list[str]]] = {}
        self._joined_at: dict[Wait, float] = {}
        self.triggerers = [Triggerer(self, seed * 100 + number) for number in range(setting.triggerers)]

    def at(self, moment: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._heap, (moment, next(self._number), act))

    def run(self, seconds: float) -> Tally:
        """Begin the deliveries at all possible points of their way, and go on for so long; then count."""
        for _ in range(self.setting.deliveries):
            self.at(self._dice.uniform(0, BEGIN_SECONDS), partial(self._take_over, self._dice.random()))
        self.at(WARM_UP_SECONDS, self._count_from_now)
        while self._heap and self._heap[0][0] < WARM_UP_SECONDS + seconds:
            self.now, _, act = heapq.heappop(self._heap)
            self.aws.now = self.now
            act()
        self.tally.waiting_seconds += sum(WARM_UP_SECONDS + seconds - at for at in self._joined_at.values())
        return self.tally

    def _count_from_now(self) -> None:
        self.tally = Tally()
        self._joined_at = dict.fromkeys(self._joined_at, self.now)
        self.aws.count_from_now()

    def ended(self, wait: Wait, end: str) -> None:
        """A triggerer has seen the end of a wait: the delivery goes on to its next one."""
        service, rest = self._stages.pop(wait)
        self.tally.ended += 1
        self.tally.refused += end != "finished"
        self.tally.waiting_seconds += self.now - self._joined_at.pop(wait)
        over_at = max(self.aws.ends[_job(wait.subject.id)], wait.first_look_at)
        self.tally.seconds_late[wait.subject.kind].append(self.now - over_at)
        gap = GAP_SECONDS * self._dice.uniform(0.8, 1.2)
        self.tally.delivered += not rest
        self.at(self.now + gap, partial(self._start, service, rest) if rest else self._begin)

    def _begin(self) -> None:
        service = self._dice.randrange(self.setting.services)
        self._start(service, self._stages_of(service))

    def _take_over(self, progress: float) -> None:
        """A delivery that has begun earlier: its job is known, and somewhere on its way."""
        service = self._dice.randrange(self.setting.services)
        stages = self._stages_of(service)
        seconds = progress * sum(map(_mean, stages))
        while seconds >= _mean(stages[0]) and len(stages) > 1:
            seconds -= _mean(stages.pop(0))
        subject = self._subject(service, stages[0], 1 - seconds / _mean(stages[0]))
        lookup = partial(self.aws.unlimited, subject.account.connection)
        known = _watch(subject.kind).read(lookup, [subject.id])  # type: ignore[arg-type]
        self._hand_over(subject, service, stages[1:], known[subject.id])

    def _stages_of(self, service: int) -> list[str]:
        by_codedeploy = service < self.setting.services * self.setting.by_codedeploy
        return ["build", "scan", "deployment" if by_codedeploy else "service_deployment"]

    def _start(self, service: int, stages: list[str]) -> None:
        subject = self._subject(service, stages[0])
        self._look_in_the_worker(subject, partial(self._hand_over, subject, service, stages[1:]))

    def _subject(self, service: int, stage: str, left: float = 1.0) -> Subject:
        """A job with so much of its time left."""
        job = f"{stage}-{service}-{next(self._number)}"
        self.aws.ends[job] = self.now + self._dice.uniform(*STAGES[stage]) * max(0.02, left)
        account = Account(f"account-{service % self.setting.accounts}", "eu-west-1")
        return Subject(stage, f"{service}@{job}" if stage == "scan" else job, account)

    def _look_in_the_worker(self, subject: Subject, then: Callable[[Facts | None], None], looks: int = 0) -> None:
        lookup = partial(self.aws.client, subject.account.connection)
        reading = read_all(_watch(subject.kind), lookup, [subject.id], {})  # type: ignore[arg-type]
        self.tally.worker_calls += reading.calls
        paused = WORKER_PAUSES[subject.kind]
        if looks < len(paused):
            return self.at(self.now + paused[looks], partial(self._look_in_the_worker, subject, then, looks + 1))
        facts = reading.answers[subject.id]
        return then(facts if isinstance(facts, dict) else None)

    def _hand_over(self, subject: Subject, service: int, rest: list[str], facts: Facts | None) -> None:
        triggerer, job = self._dice.choice(self.triggerers), _job(subject.id)
        if self.setting.events and subject.kind in START_EVENTS and self._dice.random() >= self.setting.events_lost:
            triggerer.wake({subject.id})
        wait = triggerer.sweep.join(subject, QUICK_SECONDS.get(subject.kind, 5.0), facts, self.now, FIRST_LOOK_SECONDS)
        self._stages[wait], self._joined_at[wait] = (service, rest), self.now
        self.tally.joined += 1
        self.tally.most_waits = max(self.tally.most_waits, len(self._stages))
        triggerer.set_timer(wait.due)
        if self.setting.events and self._dice.random() >= self.setting.events_lost:
            self.at(self.aws.ends[job] + self.setting.event_seconds, partial(triggerer.wake, {subject.id}))


_watch = cache(watch_for)


def _mean(stage: str) -> float:
    return sum(STAGES[stage]) / 2


def _job(subject_id: str) -> str:
    return subject_id.rpartition("@")[2]
