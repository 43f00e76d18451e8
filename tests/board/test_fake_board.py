"""The board that the page's tests look at tells what the application tells: the same names in the same places."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from airdock.plan.brought import Brought
from airdock.plan.reconcile import LOOK_AFTER
from airdock.release import Commit, Finding, Outcome, ScanReport, Source
from airdock.web.board.users import User
from tests.board.conftest import DAGS, Board
from tests.board.entries import an_entry, at
from tests.board.test_details import asked_pipeline
from tests.fake_board import FakeBoard

RUNS = [("deliver_greeter", f"run-{number}") for number in range(1, 5)]
SHIFTING = ("deliver_greeter", "run-5")
FILES = ({"taskdef.json": "a"}, {"taskdef.json": "b"})
HOLES = (Finding("CVE-1", "LOW", "a", "2"), Finding("CVE-2", "LOW", "a", "2"))


@pytest.fixture
def full(board: Board) -> Board:
    """Two releases that were live, one that was rolled back, and some on their way: asked for, shifting, queued."""
    board.pipelines[:] = [asked_pipeline().model_copy(update={"description": "It greets."})]
    board.frozen = {"by": "bob", "at": at(0), "reason": "fire"}
    for run, files, hole in zip(RUNS, FILES, HOLES, strict=False):
        _delivered(board, run, files, hole)
    tables, going = board.database, RUNS[3]
    tables.run(*RUNS[2], state="failed")
    tables.leave(RUNS[2], "production.verdict", "ledger_entry", an_entry(3, Outcome.ROLLED_BACK).to_json())
    tables.run(*going, minutes=4)
    number = uuid4()
    tables.task(going, "production.approve", "deferred", 4, id=number)
    tables.task(going, "build", "success", 4)
    tables.leave(going, "clone_source", "return_value", _source(FILES[0]))
    tables.question(number, ["dana"])
    tables.leave(going, "production.approve", "evidence", ["commit"])
    tables.run("deliver_greeter", "queued", state="queued")
    tables.run(*SHIFTING, minutes=5)
    tables.task(SHIFTING, "staging.deploy", "deferred", 5)
    tables.leave(SHIFTING, "staging.deploy", "shares", [{"at": at(5), "percent": 10.0}])
    tables.run("reconcile", "r")
    drift = {"application": "greeter", "environment": "production", "sentence": "it runs greeter:9"}
    tables.leave(("reconcile", "r"), LOOK_AFTER, "drift", [drift])
    return board


def _delivered(board: Board, run: tuple[str, str], files: dict[str, str], hole: Finding) -> None:
    tables, number = board.database, RUNS.index(run) + 1
    tables.run(*run, state="success", minutes=number)
    for task_id in ("clone_source", "build", "wait_for_scan", "production.deploy", "production.verdict"):
        tables.task(run, task_id, "success", number)
    tables.leave(run, "clone_source", "return_value", _source(files))
    tables.leave(run, "wait_for_scan", "return_value", ScanReport("COMPLETE", {"LOW": 1}, (hole,)).to_json())
    decided = {
        "step": 1,
        "hook": "h",
        "at": at(1),
        "percent": 0.0,
        "answer": "CONTINUE",
        "sentence": "",
        "evidence": [],
    }
    tables.leave(run, "production.deploy", "decisions", [decided])
    tables.leave(run, "production.deploy", "shares", [{"at": at(1), "percent": 10.0}])
    outcome = {"outcome": "live", "sentence": "it is live", "details": []}
    tables.leave(run, "production.verdict", "outcome", outcome)
    entry = an_entry(
        number, verified=True, committed_at=at(0), key=f"k{number}", started_at=datetime.now(UTC).isoformat()
    )
    tables.leave(run, "production.verdict", "ledger_entry", entry.to_json())


def _source(files: dict[str, str]) -> Any:
    return Source(Commit("greeter", "greeter", "main", "d" * 40, "Ship it", "Bob"), files).to_json()


def names(told: Any, place: str = "") -> Iterator[str]:
    """Every name with its place, in whatever it stands."""
    if isinstance(told, dict) and not place.endswith(".counts"):
        for name, each in told.items():
            yield f"{place}.{name}"
            yield from names(each, f"{place}.{name}")
    elif isinstance(told, list):
        for each in told:
            yield from names(each, f"{place}[]")


def differing(board: Board, path: str, *fake: Any) -> set[str]:
    """The names that only one of the two tells."""
    return set(names(board.get(f"/api/{path}").json())) ^ {name for each in fake for name in names(each)}


def test_overview_of_the_fake_is_that_of_the_application(full: Board) -> None:
    fake = FakeBoard()
    fake.frozen = full.frozen
    told = fake.told("overview", {})
    assert differing(full, "overview", told) == set()


@pytest.mark.parametrize("run_id", ["run-1", "run-4"])
def test_delivery_of_the_fake_is_that_of_the_application(full: Board, run_id: str) -> None:
    fake = FakeBoard().told(f"deliveries/deliver_greeter/{'push__running' if run_id == 'run-4' else 'push__1'}", {})
    found = set(names(full.get(f"/api/deliveries/deliver_greeter/{run_id}").json()))
    assert found <= set(names(fake)), found - set(names(fake))
    known = {name for each in RUNS for name in names(full.get(f"/api/deliveries/{each[0]}/{each[1]}").json())}
    assert set(names(fake)) <= known, set(names(fake)) - known


def test_releases_and_comparisons_of_the_fake_are_those_of_the_application(full: Board) -> None:
    fake, pair = FakeBoard(), {}
    full.git = lambda: [Brought("d" * 40, "Ship it", "Bob")]
    assert differing(full, "releases/greeter", fake.told("releases/greeter", {})) == set()
    assert differing(full, "ways-back/greeter", fake.told("ways-back/basket", {})) == set()
    keys = [each["release"] for each in fake.told("releases/greeter", {})["releases"]]
    pair = {"from": keys[1], "to": keys[0]}
    assert differing(full, "compare/greeter?from=k1&to=k2", fake.told("compare/greeter", pair)) == set()


def test_approvals_of_the_fake_are_those_of_the_application(full: Board) -> None:
    full.user = User("Dana", DAGS, DAGS, id="dana")
    assert differing(full, "approvals", FakeBoard().told("approvals", {})) == set()


def test_measures_of_the_fake_are_those_of_the_application(full: Board) -> None:
    query = {"days": "365", "application": "greeter"}
    fake = FakeBoard()
    fake.applications[0]["name"] = "greeter"
    assert differing(full, "measures?days=365&application=greeter", fake.told("measures", query)) == set()
