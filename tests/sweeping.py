"""Jobs of a made-up service and a clock that a test turns: the sweep without threads, AWS or waiting."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from botocore.exceptions import ClientError

from airdock.aws.faults import spoken
from airdock.aws.hooks import Account
from airdock.aws.watch import Facts, Lookup, Subject
from airdock.aws.watch.reading import read_all
from airdock.aws.watch.sweep import Sweep
from airdock.aws.watch.wait import Wait
from airdock.errors import Fault

HERE = Account("aws_default", "eu-west-1")


def throttling() -> Exception:
    """What a call of Airdock raises where AWS throttles it."""
    try:
        with spoken("looking"):
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, "Look")
    except Fault as fault:
        return fault


@dataclass
class Limit:
    """An AWS that takes so many calls a second, whoever makes them, and as many at once."""

    per_second: float
    asked: int = 0
    refused: int = 0
    _left: float = 0.0
    _at: float = 0.0

    def __call__(self, now: float) -> Exception | None:
        self._left, self._at = min(self.per_second, self._left + (now - self._at) * self.per_second), now
        self.asked += 1
        if self._left < 1:
            self.refused += 1
            return throttling()
        self._left -= 1
        return None


@dataclass
class Jobs:
    """A Watch of jobs that end at known times; `broken` ones fail the whole call, `throttled` says when all do."""

    service: str = "codebuild"
    batch: int = 100
    ends: dict[str, float] = field(default_factory=dict)
    broken: dict[str, Exception] = field(default_factory=dict)
    throttled: Any = None
    now: float = 0.0
    calls: list[tuple[float, list[str]]] = field(default_factory=list)

    def read(self, lookup: Lookup, ids: Sequence[str]) -> dict[str, Facts]:
        self.calls.append((self.now, list(ids)))
        if self.throttled and (fault := self.throttled(self.now)):
            raise fault
        if found := [self.broken[each] for each in ids if each in self.broken]:
            raise found[0]
        return {each: {"id": each, "over": self.ends[each] <= self.now} for each in ids if each in self.ends}

    def finished(self, facts: Facts, options: Mapping[str, Any]) -> bool:
        return bool(facts["over"])

    def progress(self, before: Facts | None, now: Facts) -> list[str]:
        return [] if before == now else [f"{now['id']} is {'over' if now['over'] else 'running'}"]


class Turner:
    """Turns the clock from one thing to do to the next, with looks that take `look_seconds`."""

    def __init__(self, jobs: Jobs, look_seconds: float = 0.05, seed: int = 0, kind: str = "build") -> None:
        self.jobs = jobs
        self.kind = kind
        self.sweep = Sweep(Random(seed))
        self.now = 0.0
        self.look_seconds = look_seconds
        self.found: dict[Wait, tuple[float, str]] = {}
        """When and how each wait ended."""
        self._told: list[tuple[float, int, Any, Any]] = []

    def wait(self, job: str, account: Account = HERE, quick_seconds: float = 5.0) -> Wait:
        return self.sweep.join(Subject(self.kind, job, account), quick_seconds, None, self.now)

    def until(self, end: float) -> None:
        """Go on to a moment; waits that are over leave, as their triggers do."""
        while (step := min(self.sweep.next_at(self.now), self._told[0][0] if self._told else end)) < end:
            self.jobs.now = self.now = max(self.now, step)
            while self._told and self._told[0][0] <= self.now:
                _, _, batch, reading = heapq.heappop(self._told)
                self._tell(batch, reading)
            for batch in self.sweep.take(self.now):
                reading = read_all(batch.watch, lambda service: None, batch.ids, batch.known)
                heapq.heappush(self._told, (self.now + self.look_seconds, len(self.jobs.calls), batch, reading))
        self.jobs.now = self.now = end

    def _tell(self, batch: Any, reading: Any) -> None:
        for wait, news in self.sweep.told(batch, reading, self.now):
            if news.end and wait not in self.found:
                self.found[wait] = (self.now, news.end)
                self.sweep.leave(wait)

    def calls_between(self, begin: float, end: float) -> int:
        return sum(begin <= at < end for at, _ in self.jobs.calls)
