"""Two releases side by side."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from airdock.board.compare import changed_files
from airdock.errors import AirdockError, Fault, Refused
from airdock.plan.brought import Brought
from airdock.release import Commit, Finding, ScanReport, Source
from airdock.source.commits import MOST_COMMITS
from airdock.web.board.users import User
from tests.board.conftest import Board
from tests.board.entries import a_pipeline, an_entry
from tests.registry import until

DAG = "deliver_greeter"
SLOW, BUSY = (
    f"git {what}: look again in a minute" for what in ("has not answered yet", "is being asked about other releases")
)
OLD_HOLE, NEW_HOLE, BOTH = (Finding(f"CVE-2026-{n}", "HIGH", "openssl", "3.1") for n in (1, 2, 3))


def delivered(
    board: Board,
    minutes: int,
    files: dict[str, str] | None = None,
    findings: tuple[Finding, ...] | None = None,
    **changes: str,
) -> str:
    """A release that is live, and its name."""
    entry = an_entry(minutes, key=f"20261123T12{minutes:02}00Z-x", **changes)
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


def test_commits_that_came_are_those_between_the_older_and_the_newer_whichever_is_named_first(board: Board) -> None:
    older, newer = delivered(board, 1), delivered(board, 2)
    board.git = lambda: [Brought("a" * 40, "Greet louder", "Ada", ("Ada", "ada@example.com"))]
    found = [compare(board, *pair).json() for pair in ((older, newer), (newer, older))]
    listed = [{"sha": "a" * 40, "subject": "Greet louder", "author": "Ada"}]
    assert [(each["brought"], each["brought_unknown"]) for each in found] == [(listed, "")] * 2
    commits = {each["release"]: each["commit"] for each in (found[0]["from"], found[0]["to"])}
    assert board.asked == [("greeter", commits[newer], commits[older])]  # once: what lies between stays so


def test_one_release_beside_itself_brings_nothing_and_git_is_not_asked(board: Board) -> None:
    release = delivered(board, 1)
    assert compare(board, release, release).json()["brought"] == []
    assert board.asked == []


def test_as_many_commits_as_are_listed_at_most_may_not_be_all(board: Board) -> None:
    older, newer = delivered(board, 1), delivered(board, 2)
    board.git = lambda: [Brought(f"{number:040x}", "x", "Ada") for number in range(MOST_COMMITS)]
    found = compare(board, older, newer).json()
    assert (len(found["brought"]), found["brought_unknown"]) == (200, "these are the newest 200")


@pytest.mark.parametrize("error", [Refused("it is gone"), Fault("it is away"), KeyError("a fault of ours")])
def test_git_that_fails_fails_no_page_and_is_asked_again(board: Board, error: Exception) -> None:
    older, newer = delivered(board, 1), delivered(board, 2)

    def fails() -> Any:
        raise error

    board.git = fails
    found = compare(board, older, newer)
    sentence = error.sentence if isinstance(error, AirdockError) else "git could not be asked"
    assert (found.status_code, found.json()["brought"]) == (200, None)
    assert found.json()["brought_unknown"].startswith(sentence)
    board.git = lambda: [Brought("a" * 40, "Greet louder", "Ada")]
    assert len(compare(board, older, newer).json()["brought"]) == 1


def test_release_without_a_recorded_commit_is_told_so(board: Board) -> None:
    older, newer = delivered(board, 1, commit=""), delivered(board, 2)
    found = compare(board, older, newer).json()
    assert (found["brought"], found["brought_unknown"]) == (None, "the commit of one of them is not recorded")
    assert board.asked == []


@pytest.mark.parametrize("patience_seconds", [0.5])
def test_slow_git_holds_up_no_page_and_what_it_says_is_there_later(board: Board) -> None:
    names, answers = [delivered(board, minute) for minute in range(1, 11)], Event()

    def slow() -> list[Brought]:
        answers.wait()
        return [Brought("a" * 40, "Greet louder", "Ada")]

    board.git = slow
    try:
        asked = [(names[0], name) for name in names[1:]]
        with ThreadPoolExecutor(len(asked)) as threads:
            told = list(threads.map(lambda pair: compare(board, *pair).json()["brought_unknown"], asked))
        assert sorted(told) == [*[SLOW] * 8, BUSY]
        assert board.get("/api/releases/greeter").status_code == 200
    finally:
        answers.set()
    for pair in (asked[told.index(SLOW)], asked[told.index(BUSY)]):
        until(lambda pair=pair: len(compare(board, *pair).json()["brought"] or []) == 1)


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
