"""The web application on an empty database, without Airflow."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import Response
from sqlalchemy import create_engine
from starlette.testclient import TestClient

from airdock.plan.push import Push
from airdock.web.hooks.app import Desk, application
from airdock.web.hooks.inbox import Inbox
from airdock.web.hooks.keys import KeyRing
from tests.databases import address
from tests.hooks.sender import SECRET, Sent


@dataclass
class Door:
    """The application as a provider sees it, and what it has stored."""

    client: TestClient
    inbox: Inbox
    connections: dict[str, Any] = field(default_factory=dict)
    woken: list[bool] = field(default_factory=list)

    def send(self, sent: Sent) -> Response:
        provider, body, headers = sent
        return self.client.post(f"/{provider}", content=body, headers=headers)

    def stored(self) -> list[Push]:
        """All pushes that wait, oldest first; the next call does not have them again."""
        return [each.push for each in self.inbox.take(10_000)]


def a_connection(password: str = SECRET, **extra: Any) -> Any:
    return SimpleNamespace(password=password, extra_dejson=extra)


@pytest.fixture
def database(tmp_path: Path) -> str:
    """The address of an empty database."""
    return address("sqlite", tmp_path)


@pytest.fixture
def inbox(database: str) -> Inbox:
    return Inbox(create_engine(database))


@pytest.fixture
def door(inbox: Inbox) -> Iterator[Door]:
    """Every provider has a secret; `connections` says another for one."""
    connections: dict[str, Any] = {}
    woken: list[bool] = []
    keys = KeyRing(lambda name: connections.get(name, a_connection()))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.desk = Desk(keys, inbox, lambda: woken.append(True))
        yield

    with TestClient(application(lifespan)) as client:
        yield Door(client, inbox, connections, woken)
