"""The board's application on Airflow's tables, and users as its auth manager would know them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, HTTPException
from starlette.testclient import TestClient

from airdock.plan.brought import Brought
from airdock.spec import Pipeline
from airdock.web.board import app as module
from airdock.web.board import database, freeze
from airdock.web.board.app import application, signed_in
from airdock.web.board.between import Between
from airdock.web.board.comparing import Comparing
from airdock.web.board.desk import Desk
from airdock.web.board.details import Details
from airdock.web.board.ledger import Ledger
from airdock.web.board.measuring import Durations, Measuring, durations
from airdock.web.board.users import User
from tests.board.airflow_database import AirflowDatabase
from tests.board.entries import a_pipeline
from tests.databases import address

DAGS = frozenset({"deliver_greeter", "deploy_greeter"})


@dataclass
class Board:
    """The application as `user` sees it, None being somebody who is not signed in."""

    client: TestClient
    database: AirflowDatabase
    pipelines: list[Pipeline]
    user: User | None = None
    freezes: list[Any] = field(default_factory=list)
    frozen: Any = None
    may_freeze: bool = True
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    """What git was asked: application, head, live."""
    git: Callable[[], Sequence[Brought]] = list
    """What it answers; may raise, and take its time."""

    def get(self, path: str, **more: Any) -> Any:
        return self.client.get(path, **more)


@pytest.fixture
def airflow_database(tmp_path: Path) -> AirflowDatabase:
    return AirflowDatabase(address("sqlite", tmp_path))


@pytest.fixture
def patience_seconds() -> float:
    """How long a page waits for git: git that answers at all does so in time, however busy the machine is."""
    return 60


@pytest.fixture
def board(
    airflow_database: AirflowDatabase, patience_seconds: float, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Board]:
    """An editor is signed in."""
    there: list[Board] = []

    async def asker() -> User:
        return await account(None)

    async def account(_: Any) -> Any:
        if there[0].user is None:
            raise HTTPException(401, "Not authenticated")
        return there[0].user

    def unfinished() -> Any:
        with airflow_database.session() as session:
            return database.unfinished(session), database.drift(session)

    def rows(since: Any) -> Any:
        with airflow_database.session() as session:
            return list(database.ledger_rows(session, since))

    def took(dag_id: str) -> Durations:
        with airflow_database.session() as session:
            return durations(session, dag_id)

    def commits_between(pipeline: Pipeline, head: str, live: str) -> Sequence[Brought]:
        there[0].asked.append((pipeline.application, head, live))
        return there[0].git()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        desk = Desk(lambda: there[0].pipelines, Ledger(rows), unfinished, lambda: there[0].frozen, 0)
        app.state.desk, app.state.measuring = desk, Measuring(desk.pipelines, desk.ledger, took)
        app.state.details = Details(desk, airflow_database.session)
        app.state.comparing = Comparing(desk, airflow_database.session, Between(commits_between, patience_seconds))
        yield

    def change(wanted: freeze.Freeze, user: str) -> Any:
        there[0].freezes.append((wanted.frozen, wanted.reason, user))
        return None

    monkeypatch.setattr(module, "airflow_account", account)
    monkeypatch.setattr(module, "may_freeze", lambda _: there[0].may_freeze)
    monkeypatch.setattr(freeze, "change", change)
    app = application(lifespan)
    app.dependency_overrides[signed_in] = asker
    with TestClient(app, follow_redirects=False) as client:
        there.append(Board(client, airflow_database, [a_pipeline()], User("Dana", DAGS, DAGS, id="dana")))
        yield there[0]
