"""The overview from Airflow's own tables, and how many questions it takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airdock.plan.lease import THAWED
from airdock.release import Commit, Outcome, Source
from tests.board.airflow_database import AirflowDatabase
from tests.board.conftest import Board
from tests.board.entries import a_pipeline, an_entry, at
from tests.databases import KINDS, address

RUN, LATER = ("deliver_greeter", "run-1"), ("deliver_greeter", "run-2")
SOURCE = Source(Commit("greeter", "greeter", "main", "d" * 40, "Ship it", "Bob"), {"secret": "not for the board"})


@pytest.fixture(params=KINDS)
def airflow_database(request: pytest.FixtureRequest, tmp_path: Path) -> AirflowDatabase:
    return AirflowDatabase(address(request.param, tmp_path))


def production(board: Board) -> dict[str, Any]:
    [application] = board.get("/api/overview").json()["applications"]
    return dict(application["environments"][1])


def test_an_overview_tells_what_the_tables_say(board: Board) -> None:
    tables = board.database
    tables.run(*RUN, state="success")
    tables.leave(RUN, "production.verdict", "ledger_entry", an_entry(1).to_json())
    tables.run(*LATER, minutes=2)
    tables.task(LATER, "clone_source", "success", 2)
    tables.task(LATER, "production.deploy", "deferred", 3)
    tables.task(LATER, "production.verify", None)
    tables.leave(LATER, "clone_source", "return_value", SOURCE.to_json())
    found = production(board)
    assert found["live"]["run_id"] == "run-1"
    assert (found["running"]["run_id"], found["running"]["stage"]) == ("run-2", "production.deploy")
    assert found["running"]["since"] == at(3).replace("+00:00", "Z")
    assert (found["running"]["subject"], found["running"]["author"]) == ("Ship it", "Bob")
    assert "not for the board" not in board.get("/api/overview").text


def test_what_a_stopped_line_holds_is_told_with_who_stopped_it(board: Board) -> None:
    board.frozen = {"by": "bob", "at": at(0), "reason": "fire"}
    for run, task, after in ((RUN, "staging.hold", THAWED), (LATER, "production.hold", "resume")):
        board.database.run(*run)
        board.database.task(run, task, "deferred", 1, next_method=after)
    [application] = board.get("/api/overview").json()["applications"]
    assert [each["running"]["stage_state"] for each in application["environments"]] == ["held", "deferred"]
    held, waiting = (board.get(f"/api/deliveries/{dag}/{run}").json() for dag, run in (RUN, LATER))
    assert (held["held"], held["stages"][0]["state"]) == (board.frozen, "held")
    assert (waiting["held"], waiting["stages"][0]["state"]) == (None, "deferred")


def test_the_verdict_of_a_cleared_run_counts_anew(board: Board) -> None:
    tables = board.database
    tables.run(*RUN, state="failed")
    tables.leave(RUN, "production.verdict", "ledger_entry", an_entry(1, Outcome.FAILED).to_json())
    assert production(board)["last"]["outcome"] == "failed"
    with tables.engine.begin() as connection:
        connection.exec_driver_sql("delete from xcom")
    tables.leave(RUN, "production.verdict", "ledger_entry", an_entry(9).to_json(), minutes=9)
    assert (production(board)["live"]["run_id"], "last" in production(board)) == ("run-9", False)


def test_drift_comes_from_the_newest_look(board: Board) -> None:
    old, new = ("reconcile", "r1"), ("reconcile", "r2")
    place = {"application": "greeter", "environment": "production"}
    for minutes, run, sentence in ((1, old, "it ran another image"), (2, new, "it runs greeter:9")):
        board.database.run(*run)
        told = [{**place, "sentence": sentence}, "no drift"]
        board.database.leave(run, "look_after_environments", "drift", told, minutes)
        # Those who look for lost pushes end later, and know nothing of what runs.
        board.database.leave(run, "find_missed_pushes", "drift", [], minutes + 0.5)
    assert production(board)["drift"] == "it runs greeter:9"


def test_questions_do_not_grow_with_applications_or_runs(board: Board) -> None:
    assert _questions(board) <= (one := _filled(board, 1))
    assert _filled(board, 20) == one <= 5


def _filled(board: Board, applications: int) -> int:
    board.pipelines[:] = [a_pipeline(f"app-{number}") for number in range(applications)]
    tables: AirflowDatabase = board.database
    for pipeline in board.pipelines:
        name = pipeline.application
        for run in ((f"deliver_{name}", f"{applications}-a"), (f"deploy_{name}", f"{applications}-b")):
            tables.run(*run)
            tables.task(run, "production.deploy", "running")
            tables.leave(run, "clone_source", "return_value", SOURCE.to_json())
    return _questions(board)


def _questions(board: Board) -> int:
    board.database.statements.clear()
    assert board.get("/api/overview").status_code == 200
    return len(board.database.statements)
