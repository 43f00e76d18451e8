"""The measures as the page asks for them: whose, over which time, with how many questions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airdock.plan.ledger_entry import LedgerEntry
from airdock.release import Outcome
from airdock.web.board.ledger import KEPT
from airdock.web.board.users import User
from tests.board.conftest import Board
from tests.board.entries import MOMENT, a_pipeline, an_entry

VIEWER = User("vera", frozenset({"deliver_greeter"}), frozenset())


def ended(days_ago: float, outcome: Outcome = Outcome.LIVE, **changes: Any) -> LedgerEntry:
    """An entry that ended so many days ago, six hours after its commit."""
    at = datetime.now(UTC) - timedelta(days=days_ago)
    committed_at = (at - timedelta(hours=6)).isoformat()
    return an_entry(days_ago, outcome, ended_at=at.isoformat(), committed_at=committed_at, **changes)


def left(board: Board, *entries: LedgerEntry) -> None:
    for number, entry in enumerate(entries, len(board.database.runs)):
        record = entry.record
        run = (f"deliver_{record.application}", f"run-{number}")
        board.database.run(*run, state="success")
        board.database.leave(run, f"{record.environment}.verdict", "ledger_entry", entry.to_json())


def measures(board: Board, **query: Any) -> Any:
    return board.get("/api/measures", params=query).json()


def test_the_measures_are_of_production_in_the_days_that_were_asked_for(board: Board) -> None:
    left(board, ended(1), ended(2, Outcome.ROLLED_BACK), ended(20), ended(1.5, environment="staging"))
    found = measures(board, days=7)
    [greeter] = found["applications"]
    assert (greeter["name"], greeter["deployments"], greeter["failures"]) == ("greeter", 2, 1)
    assert greeter["lead_seconds_median"] == 6 * 3600
    assert greeter["restore_seconds_median"] == pytest.approx(86400, abs=300)
    assert [run["outcome"] for run in greeter["runs"]] == ["live", "rolled_back"]
    assert found["all"]["deployments"] == 2
    assert measures(board)["all"]["deployments"] == 3


def test_the_figures_of_all_are_of_what_the_user_may_see(board: Board) -> None:
    board.pipelines.append(a_pipeline("payments"))
    left(board, ended(1), ended(2, application="payments"), ended(3, application="payments"))
    board.user = VIEWER
    found = measures(board)
    assert [each["name"] for each in found["applications"]] == ["greeter"]
    assert found["all"]["deployments"] == 1


def test_another_dag_in_the_query_opens_nothing(board: Board) -> None:
    board.pipelines.append(a_pipeline("payments"))
    board.user = VIEWER
    answer = board.get("/api/measures?application=payments&dag_id=deliver_greeter")
    assert answer.status_code == 404
    assert board.get("/api/measures?application=nothing").json()["detail"].startswith("There is no application nothing")


def test_a_busy_application_is_measured_whole(board: Board) -> None:
    left(board, *(ended(number / 100 + 1) for number in range(KEPT + 50)))
    assert measures(board)["all"]["deployments"] == KEPT + 50


def test_stages_of_one_application_come_in_their_order_with_the_last_runs(board: Board) -> None:
    for number in range(35):
        run = ("deliver_greeter", f"run-{number}")
        board.database.run(*run, state="success")
        for place, task_id in enumerate(("wait_for_scan", "build", "production.deploy")):
            began = number * 10.0 + (1, 0, 2)[place]
            ends = {"end_date": MOMENT + timedelta(minutes=began, seconds=number)}
            board.database.task(run, task_id, "success", began, **ends)
        board.database.task(run, "production.verify", "failed", number * 10.0 + 5)
    [greeter] = measures(board, application="greeter")["applications"]
    last = [float(number) for number in range(5, 35)]
    assert greeter["stages"] == [
        {"label": name, "seconds": last} for name in ("build", "wait for scan", "production: deploy")
    ]


@pytest.mark.parametrize("query", ["days=0", "days=366", "days=many"])
def test_a_time_that_is_none_is_answered_with_a_sentence(board: Board, query: str) -> None:
    answer = board.get(f"/api/measures?{query}")
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("days: Input should be ")


def test_a_reader_without_applications_gets_empty_figures(board: Board) -> None:
    left(board, ended(1))
    board.user = replace(VIEWER, sees=frozenset())
    found = measures(board)
    assert (found["applications"], found["all"]["deployments"], found["all"]["change_failure_rate"]) == ([], 0, None)


def test_questions_do_not_grow_with_applications(board: Board) -> None:
    counts = []
    for _ in range(2):
        board.pipelines.extend(a_pipeline(f"app-{len(board.pipelines)}-{n}") for n in range(20))
        board.database.statements.clear()
        measures(board, application="greeter")
        counts.append(len(board.database.statements))
    assert counts == [2, 2]
