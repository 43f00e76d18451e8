"""Who may see and do what, and with which headers it is answered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airdock.web.board.users import User
from tests.board.conftest import DAGS, Board
from tests.board.entries import a_pipeline, an_entry

FILE = "/static/app.js"
ROUTES = ("/api/overview", "/api/deliveries/deliver_greeter/run-1", "/api/releases/greeter", "/api/approvals")
RUN = ("deliver_greeter", "run-1")
VIEWER = User("vera", DAGS, frozenset())
STRANGER = User("sam", frozenset(), frozenset())


@pytest.mark.parametrize("path", [FILE, *ROUTES])
def test_nobody_sees_anything_without_signing_in(board: Board, path: str) -> None:
    board.user = None
    answer = board.get(path)
    assert (answer.status_code, answer.json()) == (401, {"detail": "Not authenticated"})
    assert board.client.post("/api/freeze", json={"frozen": True, "reason": ""}).status_code == 401
    assert not board.freezes


def test_the_page_sends_whoever_is_not_signed_in_to_airflows_login(board: Board) -> None:
    board.user = None
    answer = board.get("/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "../auth/login?next=%2F")


def test_a_user_sees_the_applications_of_the_dags_that_airflow_grants(board: Board) -> None:
    board.pipelines.append(a_pipeline("payments"))
    names = {each["name"]: each["can_deploy"] for each in board.get("/api/overview").json()["applications"]}
    assert names == {"greeter": True}
    board.user = VIEWER
    assert [each["can_deploy"] for each in board.get("/api/overview").json()["applications"]] == [False]
    board.user = STRANGER
    assert board.get("/api/overview").json()["applications"] == []


@pytest.mark.parametrize("path", ["/", FILE, *ROUTES, "/api/nothing"])
def test_every_answer_carries_the_pages_own_policy(board: Board, path: str) -> None:
    headers = board.get(path).headers
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_page_is_html_that_names_its_own_files_only(board: Board) -> None:
    answer = board.get("/")
    assert answer.headers["Content-Type"].startswith("text/html")
    assert 'src="static/app.js"' in answer.text
    assert "//" not in answer.text.split("</head>")[0]


def test_an_overview_that_has_not_changed_is_answered_without_a_body(board: Board) -> None:
    first = board.get("/api/overview")
    same = board.get("/api/overview", headers={"If-None-Match": first.headers["ETag"]})
    assert (same.status_code, same.content) == (304, b"")
    board.database.run(*RUN)
    board.database.leave(RUN, "production.verdict", "ledger_entry", an_entry(1).to_json())
    assert board.get("/api/overview", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_the_same_rows_are_something_else_to_another_user(board: Board) -> None:
    first = board.get("/api/overview").headers["ETag"]
    board.user = VIEWER
    assert board.get("/api/overview", headers={"If-None-Match": first}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "application/json", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Content-Type": "application/json", "Sec-Fetch-Site": "same-site"}, 403),
        ({"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Content-Type": "application/json", "Origin": "https://evil.example"}, 403),
        ({"Content-Type": "application/json", "Origin": "null"}, 403),
        ({"Content-Type": "application/json", "Origin": "http://testserver.evil.example"}, 403),
        ({"Content-Type": "application/json", "Origin": "http://testserver"}, 200),
        ({"Content-Type": "application/json", "Origin": "https://airflow.example"}, 200),
        ({"Content-Type": "application/json"}, 200),
    ],
)
def test_another_site_cannot_stop_the_line(
    board: Board, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], status: int
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example/ui")
    body = b'{"frozen": true, "reason": "fire"}'
    assert board.client.post("/api/freeze", content=body, headers=headers).status_code == status
    assert board.freezes == ([(True, "fire", "dana")] if status == 200 else [])


@pytest.mark.parametrize("may", [True, False])
def test_only_who_may_write_variables_stops_the_line_and_the_page_knows(board: Board, may: bool) -> None:
    board.may_freeze = may
    assert board.get("/api/overview").json()["user"] == {"name": "Dana", "may_freeze": may}
    assert board.client.post("/api/freeze", json={"frozen": True, "reason": ""}).status_code == (200 if may else 403)
    assert len(board.freezes) == may


@pytest.mark.parametrize(
    "body", [{}, {"frozen": "yes"}, {"frozen": True, "more": 1}, {"frozen": True, "reason": "x" * 301}]
)
def test_a_freeze_that_says_something_else_is_not_taken(board: Board, body: dict[str, Any]) -> None:
    board.user = replace(board.user or VIEWER, name="dana")
    assert board.client.post("/api/freeze", json=body).status_code == 422
    assert not board.freezes


@pytest.mark.parametrize("name", ["../app.py", "%2e%2e/app.py", "..%2fapp.py", "nothing.js", ""])
def test_only_the_pages_own_files_are_served(board: Board, name: str) -> None:
    answer = board.get(f"/static/{name}")
    assert answer.status_code == 404
    assert "airflow_account" not in answer.text
