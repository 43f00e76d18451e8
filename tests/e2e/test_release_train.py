"""The release train in real Airflow: twelve applications in three waves, and the one that fails in the second.

The train, the scheduler, the triggerer, the repository's git server and the records in SSM are real. The deliveries are
stand-ins that keep real records: see `stand_ins.py`.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from airdock.plan.release_record import ReleaseRecord, fitting, from_text
from demo.delivery import ENDED
from tests.e2e.fleet import AT_ONCE, DOCS, FAILING, FOLDER, HELD, WAVES
from tests.e2e.line import RUN_SECONDS, Line
from tests.unit.test_release_record import a_record

TRAIN = "release_train"
TRAIN_SECONDS = 2 * RUN_SECONDS
"""Fifteen short runs after each other take a minute on a quiet machine, and three on a busy one."""

# The line's own start counts for whoever comes first.
pytestmark = pytest.mark.timeout(3 * RUN_SECONDS)
ALL = {DOCS} | {name for wave in WAVES.values() for name in wave}


@pytest.fixture(autouse=True)
def ready(line: Line) -> None:
    for dag_id in (TRAIN, "deliver_store", "deploy_store"):
        line.stack.wait_for_dag(dag_id)


def release(line: Line, newest: set[str]) -> dict[str, ReleaseRecord]:
    """Record that these run the branch's newest commit, and all the others an old one; the records, by SSM's word."""
    branch = line.aws.client("codecommit").get_branch(repositoryName="greeter", branchName="main")
    head = branch["branch"]["commitId"]
    for number, name in enumerate(sorted(ALL), 1):
        commit = head if name in newest else f"{number:040x}"
        keep(line, replace(a_record(number), application=name, commit=commit, dag_id=f"deliver_{name}"))
    return {name: live(line, name) for name in ALL}


def keep(line: Line, record: ReleaseRecord) -> None:
    path = f"/airdock/{record.application}/{record.environment}"
    for name in (f"{path}/releases/{record.key}", f"{path}/live"):
        line.aws.client("ssm").put_parameter(Name=name, Value=fitting(record), Type="String", Overwrite=True)


def live(line: Line, application: str) -> ReleaseRecord:
    told = line.aws.client("ssm").get_parameter(Name=f"/airdock/{application}/production/live")
    record = from_text(told["Parameter"]["Value"])
    assert record is not None
    return record


def runs(line: Line, purpose: str, train: str) -> list[tuple[str, str, str]]:
    """(dag id, begin, end) of all that the train has started for the purpose, in the order of their begin."""
    sql = "select dag_id, start_date, end_date from dag_run where run_id = ? order by start_date"
    return line.query(sql, f"{purpose}__{train}")  # type: ignore[return-value]


def most_at_once(ran: list[tuple[str, str, str]]) -> int:
    return max(sum(begin <= moment < end for _, begin, end in ran) for _, moment, _ in ran)


def mapped_states(line: Line, train: str, task_id: str) -> list[str]:
    sql = "select coalesce(state, '') from task_instance where run_id = ? and task_id = ? and map_index >= 0"
    return sorted(state for (state,) in line.query(sql, train, task_id))


def test_train_with_nothing_new_is_a_quiet_success(line: Line) -> None:
    release(line, newest=ALL)
    train = line.trigger(TRAIN)
    line.until(lambda: line.state(train) in ENDED, TRAIN_SECONDS, lambda: line.story(train))
    assert line.state(train) == "success"
    assert line.task_states(train)["choose"] == "skipped"
    assert runs(line, "train", train) == []
    assert line.airflow.xcom(TRAIN, train, "summary", "outcome")["sentence"] == "no application has anything new"


def test_failing_wave_stops_the_train_and_the_set_returns_to_what_it_was(line: Line) -> None:
    before = release(line, newest={DOCS})
    held = line.stack.place.dags / FOLDER / HELD
    held.touch()
    train = line.trigger(TRAIN)

    # While three deliveries last, their tasks hold no worker, and the fourth is not begun.
    full = ["deferred"] * AT_ONCE
    line.until(
        lambda: mapped_states(line, train, "wave_1.deliver").count("deferred") >= AT_ONCE,
        RUN_SECONDS,
        lambda: line.story(train),
    )
    assert [state for state in mapped_states(line, train, "wave_1.deliver") if state not in ("", "scheduled")] == full
    assert len(runs(line, "train", train)) == AT_ONCE
    held.unlink()
    line.until(lambda: line.state(train) in ENDED, TRAIN_SECONDS, lambda: line.story(train))

    # Waves one and two ran, wave three never began.
    assert line.state(train) == "failed"
    delivered = runs(line, "train", train)
    assert {dag_id for dag_id, _, _ in delivered} == {f"deliver_{name}" for wave in (1, 2) for name in WAVES[wave]}
    assert {dag_id for dag_id, _, _ in delivered[:4]} == {f"deliver_{name}" for name in WAVES[1]}
    assert most_at_once(delivered) <= AT_ONCE
    states = line.task_states(train)
    assert (states["wave_3.begin"], states["wave_3.deliver"]) == ("upstream_failed", "upstream_failed")

    # What came live went back, the last wave first; what was rolled back by itself did not.
    returned = [dag_id for dag_id, _, _ in runs(line, "put_back", train)]
    last = {f"deploy_{name}" for name in WAVES[2] if name != FAILING}
    assert (set(returned[:3]), set(returned[3:])) == (last, {f"deploy_{name}" for name in WAVES[1]})
    now = {name: live(line, name) for name in ALL}
    assert {name: (record.commit, record.image) for name, record in now.items()} == {
        name: (record.commit, record.image) for name, record in before.items()
    }

    # The summary says so, a line for each.
    report = line.airflow.xcom(TRAIN, train, "summary", "outcome")
    assert report["outcome"] == "rolled_back"
    assert report["sentence"] == (
        f"7 of 12 applications came live; the train stopped in wave 2 for {FAILING}; "
        "7 of 7 went back to the release that they had"
    )
    assert len(report["details"]) == 13
    assert "wave 3, web: was not started" in report["details"]
