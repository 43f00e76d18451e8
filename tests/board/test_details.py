"""A delivery, releases and questions by their routes: from Airflow's own tables, for whom Airflow knows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from airdock.release import Commit, ScanReport, Source
from airdock.spec import Pipeline
from airdock.web.board.users import User
from tests.board.conftest import DAGS, Board
from tests.board.entries import MOMENT, a_pipeline, an_entry, at

RUN = ("deliver_greeter", "manual__2026-11-23T12:00:00+00:00")
PROMOTED = ("deploy_greeter", "manual__2")
APPROVE = "production.approve"
SOURCE = Source(Commit("greeter", "greeter", "main", "d" * 40, "Ship it", "Bob"), {"secret": "not for the board"})
STRANGER = User("Sam", frozenset(), frozenset(), id="sam")


def asked_pipeline() -> Pipeline:
    """Alice and bob must approve; the question stands for an hour."""
    told = a_pipeline().model_dump(mode="json", by_alias=True, exclude_unset=True)
    approvers = [{"user": "alice"}, {"user": "bob"}]
    told["environments"]["production"]["approval"] = {"approvers": approvers, "timeout_minutes": 60}
    return Pipeline.model_validate(told)


def ask(board: Board, *users: str, answered: bool = False, state: str = "deferred", **more: Any) -> None:
    """A run that asks these users."""
    board.pipelines[:] = [asked_pipeline()]
    number, tables = uuid4(), board.database
    tables.run(*RUN)
    tables.task(RUN, APPROVE, state, id=number)
    tables.leave(RUN, "clone_source", "return_value", SOURCE.to_json())
    tables.leave(RUN, APPROVE, "evidence", ["commit    d", "", "~ memory  512 -> 1024"])
    tables.question(number, users, minutes=5, answered=answered)
    if more.get("given"):
        tables.remember(RUN, APPROVE, "answers", {"clears": 0, "given": more["given"]})
    if more.get("first_asked"):
        tables.remember(RUN, APPROVE, "asked", {"clears": 0, "at": more["first_asked"]})


def questions(board: Board, user: str = "bob", edits: frozenset[str] = DAGS) -> list[dict[str, Any]]:
    board.user = User(user.title(), DAGS, edits, id=user)
    return list(board.get("/api/approvals").json()["approvals"])


def test_who_is_asked_sees_the_question_with_its_evidence(board: Board) -> None:
    ask(board, "alice", "bob")
    [told] = questions(board)
    assert (told["application"], told["environment"], told["task_id"]) == ("greeter", "production", APPROVE)
    assert (told["commit"], told["subject"], told["author"]) == ("d" * 40, "Ship it", "Bob")
    assert told["evidence"] == ["commit    d", "", "~ memory  512 -> 1024"]
    assert (told["may_answer"], told["why_not"], told["until"]) == (True, "", at(65))


def test_a_question_that_is_asked_again_ends_when_the_first_would_have(board: Board) -> None:
    ask(board, "bob", first_asked=at(1))
    [told] = questions(board)
    assert (told["asked_at"], told["until"]) == (at(1), at(61))


def test_how_many_must_approve_and_who_has_is_told(board: Board) -> None:
    ask(board, "bob", given=[{"user": "alice", "option": "Approve", "at": ""}])
    told = asked_pipeline().model_dump(mode="json", by_alias=True, exclude_unset=True)
    told["environments"]["production"]["approval"]["needed"] = 2
    board.pipelines[:] = [Pipeline.model_validate(told)]
    [told] = questions(board)
    assert (told["needed"], told["approved_by"]) == (2, ["alice"])


@pytest.mark.parametrize(
    ("user", "edits", "why_not"),
    [
        ("bob", frozenset(), "You may look at this application, but not act on it."),
        (
            "alice",
            DAGS,
            "You made or pushed a commit of it, or have answered already: somebody else has to approve it.",
        ),
        ("carol", DAGS, "Asked are bob."),
    ],
)
def test_who_is_not_asked_is_told_why(board: Board, user: str, edits: frozenset[str], why_not: str) -> None:
    ask(board, "bob")
    [told] = questions(board, user, edits)
    assert (told["may_answer"], told["why_not"]) == (False, why_not)


def test_an_answered_question_and_one_of_a_run_that_ended_are_gone(board: Board) -> None:
    ask(board, "bob", answered=True)
    assert questions(board) == []


def test_a_question_whose_task_ended_is_gone(board: Board) -> None:
    ask(board, "bob", state="failed")
    assert questions(board) == []


def test_strangers_learn_nothing_of_what_they_may_not_see(board: Board) -> None:
    ask(board, "bob")
    board.user = STRANGER
    assert board.get("/api/approvals").json() == {"approvals": []}
    hidden = [board.get(f"/api/deliveries/{RUN[0]}/{RUN[1]}"), board.get("/api/releases/greeter")]
    missing = [board.get("/api/deliveries/deliver_nothing/x"), board.get("/api/releases/nothing")]
    assert [each.status_code for each in (*hidden, *missing)] == [404] * 4
    assert [each.json() for each in hidden] == [each.json() for each in missing]


def test_a_delivery_tells_what_its_tasks_left_and_nothing_of_the_repository(board: Board) -> None:
    tables = board.database
    tables.run(*RUN, state="failed")
    tables.task(RUN, "clone_source", "success", 1)
    tables.task(RUN, "wait_for_scan", "success", 2)
    tables.task(RUN, "production.preflight", "failed", 3)
    tables.leave(RUN, "clone_source", "return_value", SOURCE.to_json())
    tables.leave(RUN, "wait_for_scan", "return_value", ScanReport("COMPLETE", {"LOW": 1}).to_json())
    tables.leave(RUN, "production.preflight", "reason", "no such cluster")
    answer = board.get(f"/api/deliveries/{RUN[0]}/{RUN[1]}")
    told = answer.json()
    assert (told["state"], told["subject"], told["trigger"]) == ("failed", "Ship it", "manual")
    assert told["scan"] == {"status": "COMPLETE", "counts": {"LOW": 1}, "findings": [], "sentence": ""}
    assert [each["reason"] for each in told["stages"]] == [None, None, "no such cluster"]
    assert "not for the board" not in answer.text


def test_a_delivery_that_a_push_has_started_tells_so_and_who_pushed(board: Board) -> None:
    for run, conf in ((RUN, {"revision": "d" * 40, "ref": "refs/heads/main"}), (PROMOTED, {"environment": "staging"})):
        board.database.run(*run, triggering_user_name="ada", conf=conf)
    told = [board.get(f"/api/deliveries/{dag}/{run}").json()["trigger"] for dag, run in (RUN, PROMOTED)]
    assert told == ["pushed by ada", "manual by ada"]


def test_findings_of_an_image_that_the_scan_refused_are_read(board: Board) -> None:
    board.database.run(*RUN, state="failed")
    board.database.task(RUN, "wait_for_scan", "failed", 2)
    board.database.leave(RUN, "wait_for_scan", "refused_report", ScanReport("COMPLETE", {"CRITICAL": 1}).to_json())
    assert board.get(f"/api/deliveries/{RUN[0]}/{RUN[1]}").json()["scan"]["counts"] == {"CRITICAL": 1}


def test_only_who_may_act_is_offered_actions(board: Board) -> None:
    board.database.run(*RUN)
    board.database.task(RUN, "build", "deferred")
    path = f"/api/deliveries/{RUN[0]}/{RUN[1]}"
    assert [each["name"] for each in board.get(path).json()["actions"]] == ["stop"]
    board.user = User("Vera", DAGS, frozenset(), id="vera")
    assert board.get(path).json()["actions"] == []


def test_releases_come_with_the_time_of_their_builds(board: Board) -> None:
    board.database.run(*RUN, state="success")
    board.database.task(RUN, "build", "success", 1, end_date=MOMENT + timedelta(minutes=1, seconds=42))
    board.database.leave(RUN, "production.verdict", "ledger_entry", an_entry(1, run_id=RUN[1]).to_json())
    [row] = board.get("/api/releases/greeter").json()["releases"]
    assert (row["subject"], row["built_seconds"]) == ("Change 1", 42)
