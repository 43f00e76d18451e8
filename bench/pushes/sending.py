"""Requests sent many at once, and how long each took."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

import aiohttp

SECRET = "the-secret-of-this-measurement"  # noqa: S105 - of a server that lives a minute


@dataclass(frozen=True)
class Request:
    """One POST."""

    url: str
    body: bytes
    headers: dict[str, str]


async def send(requests: list[Request], at_once: int) -> tuple[list[int], list[float], float]:
    """Status and seconds of each, as many at once as said, and the seconds of all together."""
    statuses, took, few = [], [], asyncio.Semaphore(at_once)
    connector = aiohttp.TCPConnector(limit=at_once)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(120)) as session:

        async def one(request: Request) -> None:
            async with few:
                begun = time.perf_counter()
                statuses.append(await _status(session, request))
                took.append(time.perf_counter() - begun)

        begun = time.perf_counter()
        await asyncio.gather(*map(one, requests))
        return statuses, took, time.perf_counter() - begun


async def send_steadily(request: Request, per_second: float, seconds: float) -> list[int]:
    """The statuses of requests that are sent at a steady rate, whether or not earlier ones are answered."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=100)) as session:
        sent = []
        for _ in range(int(per_second * seconds)):
            sent.append(asyncio.create_task(_status(session, request)))
            await asyncio.sleep(1 / per_second)
        return list(await asyncio.gather(*sent))


async def _status(session: aiohttp.ClientSession, request: Request) -> int:
    try:
        async with session.post(request.url, data=request.body, headers=request.headers) as answer:
            await answer.read()
            return answer.status
    except (aiohttp.ClientError, TimeoutError):
        return 0


def a_push(address: str, number: int, pipelines: int) -> Request:
    """A push of 20 files to one of the repositories, as GitHub sends it, about 8 KB."""
    name = f"acme/app-{number % pipelines}"
    commits = [_commit(f"{number}.{each}") for each in range(4)]
    told: dict[str, Any] = {
        "ref": "refs/heads/main",
        "before": commits[0]["id"],
        "after": commits[-1]["id"],
        "created": False,
        "forced": False,
        "deleted": False,
        "repository": {
            "id": number % pipelines,
            "full_name": name,
            "fork": False,
            "clone_url": f"https://github.com/{name}.git",
            "description": "x" * 4000,
        },
        "pusher": {"name": "ada"},
        "commits": commits,
        "head_commit": commits[-1],
    }
    body = json.dumps(told).encode()
    signature = "sha256=" + hmac.new(SECRET.encode(), body, "sha256").hexdigest()
    headers = {"X-GitHub-Event": "push", "X-GitHub-Delivery": str(uuid.uuid4()), "X-Hub-Signature-256": signature}
    return Request(f"{address}/airdock/hooks/github", body, headers)


def _commit(seed: str) -> dict[str, Any]:
    files = [f"services/part-{each}/main.py" for each in range(5)]
    sha = hashlib.sha1(seed.encode()).hexdigest()  # noqa: S324 - a commit id
    return {
        "id": sha,
        "message": f"Change {seed}",
        "added": [],
        "removed": [],
        "modified": files,
        "author": {"name": "Ada"},
    }
