"""Two releases side by side."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airdock.board.compare import changed_files
from airdock.release import Commit, Finding, ScanReport, Source
from airdock.web.board.users import User
from tests.board.conftest import Board
from tests.board.entries import a_pipeline, an_entry

DAG = "deliver_greeter"
OLD_HOLE, NEW_HOLE, BOTH = (Finding(f"CVE-2026-{n}", "HIGH", "openssl", "3.1") for n in (1, 2, 3))


def delivered(
    board: Board, minutes: int, files: dict[str, str] | None = None, findings: tuple[Finding, ...] | None = None
) -> str:
    """A release that is live, and its name."""
    entry = an_entry(minutes, key=f"20261123T12{minutes:02}00Z-x")
    run = (DAG, entry.record.run_id)
    board.database.run(*run, state="success")
    board.database.leave(run, "production.verdict", "ledger_entry", entry.to_json())
    if files is not None:
        source = Source(Commit("greeter", "greeter", "main", entry.record.commit), files, "https://token@git.example")
        board.database.leave(run, "clone_source", "return_value", source.to_json())
    if findings is not None:
        scan = ScanReport("COMPLETE", {}, findings)
        board.database.leave(run, "wait_for_scan", "return_value", scan.to_json())
    return entry.record.digest


def compare(board: Board, older: str, newer: str) -> Any:
    return board.get("/api/compare/greeter", params={"from": older, "to": newer})


def task_definition(**environment: str) -> str:
    container = {"name": "web", "environment": [{"name": key, "value": value} for key, value in environment.items()]}
    return json.dumps({"family": "greeter", "containerDefinitions": [container]})


def test_a_comparison_tells_files_findings_and_what_came_between(board: Board) -> None:
    older = delivered(board, 1, {"taskdef.json": task_definition(MODE="slow"), "a": "same"}, (OLD_HOLE, BOTH))
    middle = delivered(board, 2)
    newer = delivered(board, 3, {"taskdef.json": task_definition(MODE="fast"), "a": "same"}, (BOTH, NEW_HOLE))
    found = compare(board, older, newer).json()
    assert (found["from"]["release"], found["to"]["release"]) == (older, newer)
    assert [each["release"] for each in found["commits"]] == [newer, middle]
    assert found["files"] == [{"path": "taskdef.json", "diff": ["~ web.environment.MODE  slow -> fast"]}]
    assert [each["name"] for each in found["findings"]["new"]] == ["CVE-2026-2"]
    assert [each["name"] for each in found["findings"]["gone"]] == ["CVE-2026-1"]


def test_looking_back_from_the_newer_to_the_older_names_the_same_commits(board: Board) -> None:
    older, newer = delivered(board, 1), delivered(board, 2)
    assert [each["release"] for each in compare(board, newer, older).json()["commits"]] == [newer]


def test_what_nobody_kept_is_not_made_up(board: Board) -> None:
    older, newer = delivered(board, 1), delivered(board, 2, {"taskdef.json": task_definition()}, (OLD_HOLE,))
    found = compare(board, older, newer).json()
    assert (found["files"], found["findings"]) == (None, None)


def test_passwords_in_the_files_do_not_leave_the_database(board: Board) -> None:
    old = {"taskdef.json": task_definition(DB_PASSWORD="tiger"), "buildspec.yml": "run: make"}
    new = {
        "taskdef.json": task_definition(DB_PASSWORD="lion"),
        "buildspec.yml": "  DB_TOKEN: puma\n- npm_password=lynx",
    }
    text = compare(board, delivered(board, 1, old), delivered(board, 2, new)).text
    assert "web.environment.DB_PASSWORD  (hidden) -> (hidden)" in text
    assert not [word for word in ("tiger", "lion", "puma", "lynx", "token@git") if word in text]


@pytest.mark.parametrize(("older", "newer"), [("", ""), ("nothing", ""), ("nothing", "else")])
def test_a_release_that_is_not_there_is_not_found(board: Board, older: str, newer: str) -> None:
    assert compare(board, older or delivered(board, 1), newer or "nothing").status_code == 404


def test_an_application_that_the_user_may_not_see_is_not_there(board: Board) -> None:
    older, newer = delivered(board, 1), delivered(board, 2)
    board.pipelines.append(a_pipeline("payments"))
    board.user = User("vera", frozenset({"deliver_payments"}), frozenset())
    assert compare(board, older, newer).status_code == 404
    assert board.get(f"/api/compare/greeter?dag_id=deliver_payments&from={older}&to={newer}").status_code == 404


def test_a_file_that_is_no_task_definition_is_told_line_by_line() -> None:
    old, new = {"appspec.yaml": "version: 0.0\nhooks: []"}, {"appspec.yaml": "version: 0.0\nhooks: [x]", "more": "a\n"}
    assert changed_files(old, new) == [
        {"path": "appspec.yaml", "diff": ["- hooks: []", "+ hooks: [x]"]},
        {"path": "more", "diff": ["+ a"]},
    ]
