"""The overview's rows: what is live, how the last delivery ended, what is on its way, and what waits."""

from __future__ import annotations

from typing import Any

from airdock.board.line import Delivery, Stage
from airdock.board.overview import application_row
from airdock.plan.lease import THAWED
from airdock.release import Commit, Outcome
from tests.board.entries import a_pipeline, an_entry, at

PLACE = ("greeter", "production")
NOTHING = {"live": None, "last": None, "running": None, "waiting": 0, "coming": [], "drift": None}
COMMIT = Commit("greeter", "greeter", "main", "c" * 40, "Fix it\n\nAt last.", "Ada")


def a_delivery(*stages: Stage, **changes: Any) -> Delivery:
    told: dict[str, Any] = {"dag_id": "deliver_greeter", "run_id": "r1", "state": "running", "commit": COMMIT}
    return Delivery(**{**told, "queued_at": at(0), "started_at": at(0), "stages": stages, **changes})


def second(moment: str) -> str:
    return moment.replace("+00:00", "Z")


def environments(*deliveries: Delivery, **more: Any) -> dict[str, Any]:
    """The environments by their names, with `NOTHING` where nothing is told."""
    row = application_row(a_pipeline(), more.get("entries", {}), deliveries, more.get("drift", {}))
    return {each["name"]: NOTHING | each for each in row["environments"]}


def test_a_release_stays_live_when_the_delivery_after_it_was_rolled_back() -> None:
    entries = {PLACE: [an_entry(1, verified=True), an_entry(2, Outcome.ROLLED_BACK)]}
    found = environments(entries=entries)["production"]
    assert (found["live"]["run_id"], found["live"]["verified"]) == ("run-1", True)
    assert (found["last"]["run_id"], found["last"]["outcome"]) == ("run-2", "rolled_back")
    assert found["last"]["sentence"] == "it is rolled_back"


def test_where_nothing_was_delivered_nothing_is_made_up() -> None:
    row = application_row(a_pipeline(), {}, [], {})
    assert row == {"name": "greeter", "owner": "team-a", "environments": [{"name": "staging"}, {"name": "production"}]}


def test_what_is_live_is_told_in_short_and_its_delivery_not_a_second_time() -> None:
    entry = an_entry(1, verified=True, commit="a" * 40, ended_at="2026-11-23T13:01:02.345678+01:00")
    found = environments(entries={PLACE: [entry]})["production"]
    what = {"commit": "a" * 12, "subject": "Change 1", "author": "Ada", "dag_id": "deliver_greeter", "run_id": "run-1"}
    assert found["live"] == {"digest": "0" * 12, **what, "verified": True, "at": "2026-11-23T12:01:02Z"}
    assert found["last"] is None
    unverified = an_entry(1, subject="", ended_at="at noon")
    told = environments(entries={PLACE: [unverified]})["production"]["live"]
    assert (told["at"], {"subject", "verified"} & told.keys()) == ("at noon", set())


def test_a_release_that_stays_though_its_delivery_failed_is_live_and_the_failure_is_told() -> None:
    found = environments(entries={PLACE: [an_entry(1, Outcome.FAILED, stays=True)]})["production"]
    assert (found["live"]["run_id"], found["last"]["outcome"]) == ("run-1", "failed")


def test_a_build_waits_before_every_environment_and_is_in_none() -> None:
    found = environments(a_delivery(Stage("clone_source", "success", at(0), at(1)), Stage("build", "deferred", at(1))))
    assert [(each["running"], each["waiting"]) for each in found.values()] == [(None, 1), (None, 1)]


def test_a_delivery_is_where_its_task_is_at_work() -> None:
    stages = [Stage("staging.verdict", "success", at(1), at(2)), Stage("production.deploy", "deferred", at(3))]
    found = environments(a_delivery(*stages))
    assert (found["staging"]["running"], found["staging"]["waiting"]) == (None, 0)
    running = found["production"]["running"]
    assert (running["stage"], running["stage_state"], running["since"]) == (
        "production.deploy",
        "deferred",
        second(at(3)),
    )
    assert (running["commit"], running["subject"], running["author"]) == ("c" * 12, "Fix it", "Ada")
    assert found["production"]["waiting"] == 0


def test_between_two_tasks_a_delivery_stays_where_it_was() -> None:
    stages = [Stage("production.register", "success", at(1), at(2)), Stage("production.deploy", "")]
    assert environments(a_delivery(*stages))["production"]["running"]["stage"] == "production.register"


def test_a_delivery_that_ends_in_staging_does_not_wait_for_production() -> None:
    found = environments(a_delivery(Stage("build", "running", at(1)), until="staging"))
    assert [each["waiting"] for each in found.values()] == [1, 0]


def test_a_promotion_comes_to_its_environment_alone() -> None:
    queued = a_delivery(dag_id="deploy_greeter", state="queued", until="production", commit=None)
    assert [each["waiting"] for each in environments(queued).values()] == [0, 1]


def test_of_two_in_an_environment_the_older_is_shown_and_the_other_waits() -> None:
    held = Stage("production.hold", "deferred", at(2))
    older = a_delivery(Stage("production.deploy", "running", at(1)), run_id="older", started_at=at(0))
    found = environments(a_delivery(held, run_id="newer", started_at=at(1)), older)["production"]
    assert (found["running"]["run_id"], found["waiting"]) == ("older", 1)


def test_what_waits_for_a_stopped_line_is_held_and_what_waits_for_another_is_not() -> None:
    for after, state in ((THAWED, "held"), ("resume", "deferred")):
        stage = Stage("production.hold", "deferred", at(1), next_method=after)
        assert environments(a_delivery(stage))["production"]["running"]["stage_state"] == state
    gone_on = Stage("production.hold", "running", at(1), next_method=THAWED)
    assert environments(a_delivery(gone_on))["production"]["running"]["stage_state"] == "running"


def test_drift_is_told_where_it_was_found() -> None:
    found = environments(drift={PLACE: "it runs greeter:9"})
    assert [each["drift"] for each in found.values()] == [None, "it runs greeter:9"]


def test_a_running_deployment_shows_how_the_traffic_is_shared_once_that_is_known() -> None:
    stage = Stage("production.deploy", "deferred", at(1))
    before, known = (
        environments(a_delivery(stage, **more))["production"]["running"].get("weights")
        for more in ({}, {"shares": {"production.deploy": 10.0, "staging.deploy": 100.0}})
    )
    assert (before, known) == (None, {"blue": 90.0, "green": 10.0})


def test_all_the_traffic_has_moved_once_a_deployment_has_ended_well_though_nobody_saw_the_last_of_it() -> None:
    stages = [Stage("production.deploy", "success", at(1), at(2)), Stage("production.verify", "running", at(3))]
    told = environments(a_delivery(*stages, shares={"production.deploy": 10.0}))["production"]["running"]
    assert told["weights"] == {"blue": 0, "green": 100}


def test_what_waits_is_named_in_the_order_in_which_it_comes() -> None:
    building = a_delivery(Stage("build", "deferred", at(1)), run_id="building", started_at=at(1))
    queued = a_delivery(run_id="queued", started_at="", commit=None)
    more = [a_delivery(Stage("build", "deferred", at(2)), run_id=f"r{n}", started_at=at(2 + n)) for n in range(3)]
    found = environments(queued, *more, building)["staging"]
    assert (found["waiting"], [each["run_id"] for each in found["coming"]]) == (5, ["building", "r0", "r1"])
    first = {"stage": "build", "stage_state": "deferred", "commit": "c" * 12, "subject": "Fix it"}
    assert found["coming"][0] == {"dag_id": "deliver_greeter", "run_id": "building", **first}
    [last] = environments(queued)["staging"]["coming"]
    assert last == {"dag_id": "deliver_greeter", "run_id": "queued"}
