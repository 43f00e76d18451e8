"""A client that sends steady traffic through the balancer, and what it was answered."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

REQUESTS_PER_SECOND = 50
CONNECTIONS = 10
"""Enough that a few slow answers do not slow the client down."""
TIMEOUT_SECONDS = 10
SETTLING_SECONDS = 0.25
"""Around each change of weights: answers from here may belong to either step."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request got: `at` and `until` in seconds since the epoch; no status when none came."""

    at: float
    until: float
    version: str
    status: int | None
    problem: str = ""

    @property
    def failed(self) -> bool:
        return self.status != 200


@dataclass(frozen=True, slots=True)
class Step:
    """From `at` on, this percentage of the traffic belongs to the new version."""

    at: float
    percent: int


@dataclass(frozen=True, slots=True)
class Share:
    """What each version answered while the weights stood still."""

    percent: int
    seconds: float
    answered: dict[str, int]

    def measured(self, version: str) -> float:
        """The share of a version, in percent."""
        total = sum(self.answered.values())
        return 100 * self.answered.get(version, 0) / total if total else 0.0


def shares(answers: Iterable[Answer], steps: Sequence[Step], end: float) -> list[Share]:
    """What each version really answered in each step of the traffic."""
    found = []
    ends = [step.at for step in steps[1:]] + [end]
    kept = list(answers)
    for step, until in zip(steps, ends, strict=True):
        first, last = step.at + SETTLING_SECONDS, until - SETTLING_SECONDS
        inside = Counter(each.version for each in kept if each.version and first <= each.at and each.until <= last)
        found.append(Share(step.percent, until - step.at, dict(inside)))
    return found


class Client:
    """Asks the application's page at a steady rate from the moment it is started."""

    def __init__(self, address: str, per_second: int = REQUESTS_PER_SECOND) -> None:
        parts = urlsplit(address)
        self._per_second = per_second
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._answers: list[Answer] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(number,)) for number in range(CONNECTIONS)]

    def __enter__(self) -> Client:
        for thread in self._threads:
            thread.daemon = True
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(TIMEOUT_SECONDS + 1)

    def answers(self, since: float = 0.0) -> list[Answer]:
        """Those of requests that were sent at or after `since`, in the order in which they came."""
        return [answer for answer in self._answers.copy() if answer.at >= since]

    def _send(self, number: int) -> None:
        """One connection's part of the traffic: its requests are spread evenly between the others'."""
        interval = CONNECTIONS / self._per_second
        due = time.monotonic() + number / self._per_second
        connection = self._connection()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            answer = self._ask(connection)
            self._answers.append(answer)
            if answer.status is None:
                connection = self._connection()
            # A client that fell behind does not catch up with a burst.
            due = max(due + interval, time.monotonic())
        connection.close()

    def _ask(self, connection: HTTPConnection) -> Answer:
        began = time.time()
        try:
            connection.request("GET", "/", headers={"Host": "greeter.example.com"})
            reply = connection.getresponse()
            reply.read()
            version = reply.headers.get("Greeter-Version", "")
            return Answer(began, time.time(), version, reply.status, "" if reply.status == 200 else reply.reason)
        except (OSError, HTTPException) as error:
            connection.close()
            return Answer(began, time.time(), "", None, repr(error))

    def _connection(self) -> HTTPConnection:
        return HTTPConnection(self._host, self._port, timeout=TIMEOUT_SECONDS)
