"""Signed nonsense for the hooks: `python -m tests.hooks.fuzz [seconds] [seed]`, or `make fuzz SECONDS=600`.

Recorded messages are changed, signed and sent; what is answered in a way that was not seen before is changed further.
What is accepted goes on to the decision which pipelines it starts. Found is whatever raises, is answered with 5xx,
takes longer than a second of the processor, or would make a run that Airflow does not take.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

from fastapi import FastAPI
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from airdock.errors import Fault, Refused
from airdock.plan.push import Push
from airdock.plan.push_decision import AskedOnce, decided
from airdock.plan.push_run import conf_of, note_of
from airdock.spec import Pipeline, parse
from airdock.web.hooks.app import Desk, application
from airdock.web.hooks.inbox import Inbox
from airdock.web.hooks.keys import KeyRing
from tests.builders import a_pipeline_text
from tests.hooks.conftest import a_connection
from tests.hooks.mutation import IDENTITIES, NAMES, mutated
from tests.hooks.sender import SECRET, names, payload, signed

Headers = list[tuple[bytes, bytes]]

LONGEST_SECONDS = 1.0
MOST_SEEDS = 3000
CONNECTION = a_connection(repositories={"acme/nobody": SECRET, "": SECRET, "7": [None, "short"], "x": {}})
REPOSITORIES = ["/acme/nobody", "/acme/greeter", "/7", "/x", "/", "//", "/\x00", "/é/../x", "/" + "x" * 3000]
RUN_ID = re.compile(r"[A-Za-z0-9_.~:+-]+")
"""What Airflow takes (`[core] allowed_run_id_pattern`)."""


@dataclass
class Found:
    """What was sent, how it was answered, and what was wrong: "" for nothing."""

    path: str
    headers: Headers
    body: bytes
    status: int = 0
    sentence: str = ""
    wrong: str = ""
    seconds: float = 0.0


@dataclass
class Fuzzer:
    """Sends to the application itself, with an empty database in memory."""

    seed: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0
    found: list[Found] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._chance = Random(self.seed)
        engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
        self._inbox = Inbox(engine)
        self._app = application(None)
        self._app.state.desk = Desk(KeyRing(lambda _: CONNECTION), self._inbox, lambda: None)
        self._seeds = [(name, json.dumps(payload(name)).encode()) for name in names()]
        self._seen: set[tuple[str, int, str]] = set()

    def run(self, seconds: float = 0, requests: int = 0) -> None:
        """Send for so long, or so many; stop at the tenth thing that is wrong."""
        asyncio.run(self._run(time.monotonic() + seconds if seconds else float("inf"), requests or sys.maxsize))

    async def _run(self, until: float, requests: int) -> None:
        for _ in range(requests):
            if time.monotonic() > until or len(self.found) >= 10:
                return
            name, body = self._chance.choice(self._seeds)
            sent = self._message(name, mutated(self._chance, body))
            await self._send(sent)
            self._judge(sent)
            self._learn(name, sent)

    def _message(self, name: str, body: bytes) -> Found:
        chance = self._chance
        identity = chance.choice(IDENTITIES) if chance.random() < 0.1 else str(chance.getrandbits(99))
        path, _, told = signed(name, body, identity)
        headers = [(key.lower().encode(), value.encode()) for key, value in told.items()]
        if chance.random() < 0.1:
            headers = _otherwise(chance, headers)
        return Found(f"/{path}{chance.choice(REPOSITORIES) if chance.random() < 0.05 else ''}", headers, body)

    async def _send(self, sent: Found) -> None:
        begun = time.process_time()
        try:
            sent.status, answer = await ask(self._app, sent.path, sent.headers, sent.body)
            sent.sentence = json.loads(answer)["message"] if answer else ""
        except Exception:
            sent.wrong = traceback.format_exc()
        sent.seconds = time.process_time() - begun

    def _judge(self, sent: Found) -> None:
        self.statuses[sent.status] += 1
        self.slowest = max(self.slowest, sent.seconds)
        if not sent.wrong and sent.status >= 500:
            sent.wrong = f"answered with {sent.status}"
        elif not sent.wrong and sent.seconds > LONGEST_SECONDS:
            sent.wrong = f"took {sent.seconds:.2f} s"
        elif not sent.wrong and sent.status == 202:
            sent.wrong = self._followed()
        if sent.wrong:
            self.found.append(sent)

    def _followed(self) -> str:
        """What is wrong with what the accepted pushes would start."""
        try:
            for waiting in self._inbox.take(1000):
                for pipeline in PIPELINES:
                    _check(waiting.push, pipeline)
                self._inbox.done(waiting.number, [])
        except Exception:
            return traceback.format_exc()
        return ""

    def _learn(self, name: str, sent: Found) -> None:
        """What is answered as nothing before was leads somewhere new, unless it was no message at all."""
        kind = (sent.path, sent.status, re.sub(r"'.*'|[0-9]+", "", sent.sentence))
        if kind not in self._seen and len(self._seeds) < MOST_SEEDS and sent.status != 400:
            self._seen.add(kind)
            self._seeds.append((name, sent.body))


def _otherwise(chance: Random, headers: Headers) -> Headers:
    """One header left out, twice there, joined, of other bytes, or with another of the values that it may have."""
    at = chance.randrange(len(headers))
    key, value = headers[at]
    other = chance.choice(
        [[], [(key, value)] * 2, [(key, value + b"," + value)], [(key, b"\xff" + value)], [(key, b"")],
         [(key, chance.choice(NAMES + IDENTITIES).encode())], [(key, value[::-1])],
         [(key, value), (b"content-length", chance.choice([b"-1", b"99999999", b"x", b"9" * 5000]))]]
    )  # fmt: skip
    return headers[:at] + other + headers[at + 1 :]


def _pipelines() -> Iterator[Pipeline]:
    sources = ["{provider: github, repository: acme/greeter}", "{provider: gitlab, repository: acme/greeter}",
               "{provider: bitbucket, repository: acme/greeter}", "{provider: codecommit, repository: greeter}",
               "{provider: git, repository: 'https://git.example.com/acme/greeter.git'}"]  # fmt: skip
    triggers = "triggers: {branches: ['**'], tags: ['**'], paths: [services], forks: accept, pull_requests: own, images: tagged_by_commit}\n"  # noqa: E501
    for source in sources:
        yield parse(a_pipeline_text("{provider: codecommit, repository: greeter}", source) + triggers)


PIPELINES = list(_pipelines())


def _check(push: Push, pipeline: Pipeline) -> None:
    """A push is decided on, and what it starts is what Airflow takes."""
    decided(push, pipeline, AskedOnce(_nobody_knows), patient=False)
    assert RUN_ID.fullmatch(push.run_id), push.run_id
    assert len(push.run_id) <= 250, push.run_id
    json.dumps([conf_of(push), note_of(push)]).encode()
    assert not conf_of(push).get("revision", "").startswith("-")


def _nobody_knows(_pipeline: Pipeline, _before: str, after: str) -> Sequence[str]:
    raise (Refused if after < "8" else Fault)("git can't tell")


async def ask(app: FastAPI, path: str, headers: Headers, body: bytes) -> tuple[int, bytes]:
    """Status and body of the answer to one POST."""
    told: dict[str, Any] = {}
    parts = [body[at : at + 65536] for at in range(0, len(body) or 1, 65536)]
    numbers = count()

    async def receive() -> dict[str, Any]:
        number = next(numbers)
        return {"type": "http.request", "body": parts[number], "more_body": number + 1 < len(parts)}

    async def send(message: Any) -> None:
        told["status"] = message.get("status", told.get("status"))
        told["body"] = told.get("body", b"") + message.get("body", b"")

    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
             "path": path, "root_path": "", "query_string": b"", "headers": headers,
             "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "state": {}}  # fmt: skip
    await app(scope, receive, send)
    return told["status"], told["body"]


def main(seconds: float, seed: int) -> int:
    logging.disable()
    fuzzer = Fuzzer(seed)
    fuzzer.run(seconds)
    by_status = ", ".join(f"{count} answered {status}" for status, count in sorted(fuzzer.statuses.items()))
    print(f"seed {seed}: {fuzzer.statuses.total()} messages in {seconds:g} s: {by_status}")
    print(
        f"the slowest took {fuzzer.slowest * 1000:.0f} ms of the processor; {len(fuzzer.found)} were answered wrongly"
    )
    for each in fuzzer.found:
        print(f"\n{each.wrong}\nPOST {each.path} {each.headers}\n{each.body[:2000]!r}")
    return 1 if fuzzer.found else 0


if __name__ == "__main__":
    times = [int(each) for each in sys.argv[1:]]
    sys.exit(main(times[0] if times else 600, times[1] if len(times) > 1 else int(time.time())))
