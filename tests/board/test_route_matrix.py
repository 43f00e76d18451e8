"""Every route for every role, with Airflow's own auth manager, tokens and tables: who is answered, and how."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from airflow import settings
from airflow.api_fastapi import app as airflow_app
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.models.dag import DagModel
from airflow.models.dagbundle import DagBundleModel
from sqlalchemy import text
from sqlalchemy.orm import sessionmaker
from starlette.routing import Route

from airdock.web.board import app as module
from airdock.web.board import freeze, users
from tests.board.conftest import DAGS, Board
from tests.board.entries import a_pipeline, an_entry

# The fixture of the board replaces them.
AIRFLOW_ACCOUNT, MAY_FREEZE, CHANGE = users.airflow_account, users.may_freeze, freeze.change
ROLES = ("anonymous", "viewer", "user", "op", "admin")
READ = (401, 200, 200, 200, 200)
DECIDED: dict[tuple[str, str], tuple[int, ...]] = {
    ("GET", "/"): (302, 200, 200, 200, 200),
    ("GET", "/static/{name:path}"): READ,
    ("GET", "/api/overview"): READ,
    ("GET", "/api/measures"): READ,
    ("GET", "/api/deliveries/{dag_id}/{run_id:path}"): READ,
    ("GET", "/api/releases/{application}"): READ,
    ("GET", "/api/ways-back/{application}"): READ,
    ("GET", "/api/compare/{application}"): READ,
    ("GET", "/api/approvals"): READ,
    ("POST", "/api/freeze"): (401, 403, 403, 200, 200),
}
ENTRY = an_entry(1)
FILLED = {
    "/static/{name:path}": "/static/app.js",
    "/api/deliveries/{dag_id}/{run_id:path}": "/api/deliveries/deliver_greeter/run-1",
    "/api/releases/{application}": "/api/releases/greeter",
    "/api/ways-back/{application}": "/api/ways-back/greeter",
    "/api/compare/{application}": f"/api/compare/greeter?from={ENTRY.record.key}&to={ENTRY.record.key}",
}
APPLICATION_ROUTES = [path for method, path in DECIDED if method == "GET" and "{" in path and "static" not in path]
FREEZE = {"frozen": True, "reason": "fire"}


class Company:
    """The board with real users, each of whom has a token of Airflow."""

    def __init__(self, board: Board) -> None:
        self.board = board

    def ask(self, role: str, method: str, path: str, **more: Any) -> Any:
        headers = {} if role == "anonymous" else {"Authorization": f"Bearer {_token(role)}"}
        body = {"json": FREEZE} if method == "POST" else {}
        return self.board.client.request(method, FILLED.get(path, path), headers=headers, **{**body, **more})


def _token(role: str) -> str:
    manager: Any = airflow_app.get_auth_manager()
    if role == "forger":
        claims, signature = manager.generate_jwt(SimpleAuthManagerUser(username="a", role="admin")).rsplit(".", 1)
        return f"{claims}.{signature[::-1]}"
    return str(manager.generate_jwt(SimpleAuthManagerUser(username=role, role=role)))


@pytest.fixture
def company(board: Board, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    tables, app = board.database, board.client.app
    with tables.session() as session, session.begin():
        session.add(DagBundleModel(name="dags"))
        session.flush()
        session.add_all(DagModel(dag_id=dag_id, bundle_name="dags") for dag_id in DAGS)
    tables.run("deliver_greeter", "run-1", state="success")
    tables.leave(("deliver_greeter", "run-1"), "production.verdict", "ledger_entry", ENTRY.to_json())
    monkeypatch.setattr(settings, "Session", sessionmaker(tables.engine))
    manager = SimpleAuthManager()
    monkeypatch.setattr(airflow_app._AuthManagerState, "instance", manager)
    monkeypatch.setattr(module, "airflow_account", AIRFLOW_ACCOUNT)
    monkeypatch.setattr(module, "may_freeze", MAY_FREEZE)
    monkeypatch.setattr(freeze, "change", CHANGE)
    app.dependency_overrides.clear()  # type: ignore[attr-defined]
    yield Company(board)


def test_who_is_offered_to_stop_the_line_is_who_may(company: Company) -> None:
    told = {role: company.ask(role, "GET", "/api/overview").json()["user"]["may_freeze"] for role in ROLES[1:]}
    assert told == {"viewer": False, "user": False, "op": True, "admin": True}


def test_every_route_has_a_decision_for_every_role(board: Board) -> None:
    app: Any = board.client.app
    assert all(isinstance(route, Route) for route in app.routes), "what is mounted hides its routes from this test"
    assert {(method, route.path) for route in app.routes for method in route.methods} == DECIDED.keys()
    assert {len(statuses) for statuses in DECIDED.values()} == {len(ROLES)}


@pytest.mark.parametrize(("method", "path"), DECIDED)
def test_each_role_is_answered_as_decided(company: Company, method: str, path: str) -> None:
    found = tuple(company.ask(role, method, path).status_code for role in ROLES)
    assert found == DECIDED[method, path]


@pytest.mark.parametrize(("method", "path"), DECIDED)
def test_a_token_that_airflow_has_not_signed_is_nobodys(company: Company, method: str, path: str) -> None:
    assert company.ask("forger", method, path).status_code == (302 if path == "/" else 403)


@pytest.mark.parametrize(("method", "path"), DECIDED)
def test_nothing_is_shown_when_airflows_check_cannot_be_made(
    company: Company, monkeypatch: pytest.MonkeyPatch, method: str, path: str
) -> None:
    async def gone(_: Any) -> Any:
        raise ImportError("no such name in this Airflow")

    monkeypatch.setattr(module, "airflow_account", gone)
    with pytest.raises(ImportError):
        company.ask("admin", method, path)


def test_who_may_not_see_plugins_sees_nothing_of_this_one(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SimpleAuthManager, "is_authorized_view", lambda *_, access_view, **__: False)
    paths = [(method, path) for method, path in DECIDED if path.startswith("/api/")]
    assert {company.ask("admin", method, path).status_code for method, path in paths} == {403}


@pytest.mark.parametrize("path", APPLICATION_ROUTES)
def test_a_dag_named_beside_the_one_that_is_asked_for_opens_nothing(company: Company, path: str) -> None:
    company.board.pipelines.append(a_pipeline("payments"))
    for run in (("deliver_payments", "run-1"), ("deploy_payments", "run-1")):
        company.board.database.run(*run)
    asked = FILLED[path].replace("greeter", "payments")
    assert (
        company.ask("admin", "GET", f"{asked}{'&' if '?' in asked else '?'}dag_id=deliver_greeter").status_code == 404
    )


def test_the_freeze_is_kept_and_audited_under_the_name_of_who_asked(company: Company) -> None:
    kept = company.ask("op", "POST", "/api/freeze", json={"frozen": True, "reason": "<b>fire</b>"}).json()["frozen"]
    assert (kept["by"], kept["reason"]) == ("op", "<b>fire</b>")
    assert freeze.frozen() == kept
    company.ask("viewer", "POST", "/api/freeze", json={"frozen": False})
    assert freeze.frozen() == kept
    assert company.ask("admin", "POST", "/api/freeze", json={"frozen": False}).json() == {"frozen": None}
    assert freeze.frozen() is None
    with company.board.database.engine.connect() as connection:
        audited = connection.execute(text("select owner, event from log order by id")).all()
    assert [tuple(row) for row in audited] == [("op", "airdock_freeze"), ("admin", "airdock_freeze")]


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/static/../app.py", "/static/%2e%2e/app.py"])
def test_what_is_no_route_is_not_there(company: Company, path: str) -> None:
    assert company.ask("admin", "GET", path).status_code == 404
