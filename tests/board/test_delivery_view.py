"""One delivery in full: the line in its order, what its traffic's steps came to, and what can be done about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from airdock.board.actions import actions
from airdock.board.delivery import Run, delivery
from airdock.board.line import Stage
from airdock.plan.delivery import STOPPED
from airdock.plan.ledger_entry import LedgerEntry
from airdock.plan.scan_gate import REFUSED_KEY
from airdock.release import Commit, Outcome
from airdock.spec import Pipeline
from tests.board.entries import a_pipeline, an_entry, at

COMMIT = Commit("greeter", "greeter", "main", "c" * 40, "Fix it\n\nAt last.", "Ada")
RUN = ("deliver_greeter", "run-1")


def a_run(*stages: Stage, left: dict[tuple[str, str], Any] | None = None, **changes: Any) -> Run:
    told: dict[str, Any] = {"dag_id": RUN[0], "run_id": RUN[1], "state": "running", "commit": COMMIT}
    told |= {"started_at": at(0), "ended_at": "", "trigger": "manual by dana", "note": ""}
    return Run(**{**told, "stages": stages, "left": left or {}, **changes})


def decision(minutes: float, percent: float, answer: str = "CONTINUE") -> dict[str, Any]:
    told = {"step": 1, "hook": "h", "at": at(minutes), "percent": percent, "answer": answer}
    return {**told, "sentence": f"decided at {percent:g} %", "evidence": ["errors 0.1 %"]}


def test_stages_stand_in_the_order_of_the_line_with_their_times() -> None:
    stages = [
        Stage("production.verdict", ""),
        Stage("production.deploy", "running", at(5)),
        Stage("production.hold", "success", at(4), at(4.5)),
        Stage("staging.verdict", "success", at(3), at(4)),
        Stage("wait_for_scan", "success", at(2), at(3)),
        Stage("clone_source", "success", at(0), at(1), 2),
    ]
    told = delivery(a_pipeline(), a_run(*stages))
    ids = [each["task_id"] for each in told["stages"]]
    assert ids == [
        "clone_source",
        "wait_for_scan",
        "staging.verdict",
        "production.hold",
        "production.deploy",
        "production.verdict",
    ]
    first = told["stages"][0]
    assert (first["seconds"], first["try_number"], first["environment"]) == (60, 2, None)
    assert (told["stages"][4]["seconds"], told["stages"][4]["ended_at"]) == (None, None)
    assert (told["subject"], told["ended_at"]) == ("Fix it", None)


def test_an_environment_that_the_run_never_came_to_is_left_out() -> None:
    stages = [Stage("staging.deploy", "success", at(1), at(2)), Stage("production.hold", "skipped", at(3), at(3))]
    told = delivery(a_pipeline(), a_run(*stages))
    assert [each["name"] for each in told["environments"]] == ["staging"]
    assert [each["task_id"] for each in told["stages"]] == ["staging.deploy"]


def test_a_reason_is_told_where_a_task_failed_and_not_where_a_later_try_succeeded() -> None:
    left = {("build", "reason"): "tests failed", ("clone_source", "reason"): "git was away"}
    told = delivery(a_pipeline(), a_run(Stage("clone_source", "success"), Stage("build", "failed"), left=left))
    assert [each["reason"] for each in told["stages"]] == [None, "tests failed"]


def test_the_steps_of_the_traffic_end_where_it_all_went() -> None:
    outcome = {"outcome": "rolled_back", "sentence": "errors rose", "details": ["deploy: failed"]}
    left = {
        ("production.deploy", "decisions"): [decision(1, 0), decision(2, 10, "ROLLBACK")],
        ("production.verdict", "outcome"): outcome,
    }
    run = a_run(Stage("production.deploy", "failed", at(0), at(3)), left=left)
    [there] = delivery(a_pipeline(), run)["environments"]
    assert [(each["at"], each["blue"], each["green"]) for each in there["weights"]] == [
        (at(1), 100, 0),
        (at(1), 90, 10),
        (at(3), 100, 0),
    ]
    assert [(each["step"], each["decision"]) for each in there["analysis"]] == [(0, "continue"), (10, "roll_back")]
    assert (there["outcome"], there["sentence"], there["details"]) == ("rolled_back", "errors rose", ["deploy: failed"])


@pytest.mark.parametrize(
    ("state", "last"), [("success", (at(4), 0)), ("failed", (at(1), 10)), ("skipped", (at(1), 10))]
)
def test_the_traffic_of_what_was_stopped_ends_where_its_way_back_has_brought_it(
    state: str, last: tuple[str, float]
) -> None:
    left = {
        ("production.deploy", "shares"): [{"at": at(1), "percent": 10.0}],
        ("production.verdict", "outcome"): {"outcome": "stopped", "sentence": "dana stopped it"},
    }
    stages = [Stage("production.deploy", "failed", at(0), at(3)), Stage("production.roll_back", state, at(3), at(4))]
    [there] = delivery(a_pipeline(), a_run(*stages, left=left))["environments"]
    assert (there["weights"][-1]["at"], there["weights"][-1]["green"]) == last


def test_what_the_scan_found_in_a_refused_image_is_told() -> None:
    finding = {"name": "CVE-2026-1", "severity": "CRITICAL", "package": "openssl 3", "fix": "4"}
    report = {"status": "COMPLETE", "counts": {"CRITICAL": 1}, "findings": [finding], "description": ""}
    run = a_run(Stage("wait_for_scan", "failed"), left={("wait_for_scan", REFUSED_KEY): report})
    assert delivery(a_pipeline(), run)["scan"]["findings"] == [finding]


def test_only_addresses_of_airflow_and_https_become_links() -> None:
    left = {("build", "console_url"): "https://console.aws/b", ("staging.deploy", "console_url"): "javascript:alert(1)"}
    run = a_run(Stage("build", "success"), Stage("staging.deploy", "running"), left=left, run_id="a/b c")
    told = delivery(a_pipeline(), run)
    assert [each["url"] for each in told["links"]] == [
        "/dags/deliver_greeter/runs/a%2Fb%20c",
        "https://console.aws/b",
    ]


def offered(
    state: str, staging: Sequence[LedgerEntry] = (), production: Sequence[LedgerEntry] = (), *stages: Stage
) -> dict[str, Any]:
    entries = {"staging": staging, "production": production}
    return {each["label"]: each for each in actions(a_pipeline(), a_run(*stages, state=state), entries, "dana")}


def conf_of(action: dict[str, Any]) -> dict[str, Any]:
    [request] = action["requests"]
    assert request["body"]["logical_date"] is None
    return dict(request["body"]["conf"])


TASKS = "/api/v2/dags/deliver_greeter/dagRuns/run-1/taskInstances"
DEPLOYED = [Stage("build", "success"), Stage("production.hold", "success"), Stage("production.deploy", "success")]


@pytest.mark.parametrize(
    ("stages", "task_id", "says"),
    [
        ([Stage("clone_source", "success"), Stage("build", "deferred")], "build", "staging is not touched"),
        ([Stage("build", "deferred")], "build", "runs in CodeBuild by now runs to its end"),
        ([Stage("build", "success"), Stage("production.hold", "")], "production.hold", "production is not touched"),
        ([*DEPLOYED[:2], Stage("production.deploy", "deferred")], "production.deploy", "goes back to what ran there"),
        ([*DEPLOYED, Stage("production.verify", "running")], "production.verify", "goes back to what ran there"),
    ],
)
def test_what_is_under_way_can_only_be_stopped_at_its_task_so_that_its_verdict_runs(
    stages: list[Stage], task_id: str, says: str
) -> None:
    [stop] = offered("running", [an_entry(1)], [], *stages, Stage("production.verdict", "")).values()
    assert says in stop["says"]
    assert [(each["method"], each["path"], each["body"]) for each in stop["requests"]] == [
        ("POST", f"{TASKS}/{task_id}/xcomEntries", {"key": STOPPED, "value": "dana stopped it"}),
        ("PATCH", f"{TASKS}/{task_id}", {"new_state": "failed"}),
    ]


def test_what_has_not_begun_is_stopped_as_a_whole() -> None:
    [stop] = offered("queued", [], [], Stage("clone_source", "")).values()
    [request] = stop["requests"]
    assert (request["path"], request["body"]) == (TASKS.rpartition("/")[0], {"state": "failed"})


@pytest.mark.parametrize(
    "stages",
    [
        [Stage("production.deploy", "failed"), Stage("production.roll_back", "deferred")],
        [*DEPLOYED, Stage("production.verify", "success"), Stage("production.verdict", "running")],
    ],
)
def test_what_ends_by_itself_is_not_stopped(stages: list[Stage]) -> None:
    assert offered("running", [], [], *stages) == {}


def test_what_it_made_live_can_be_taken_back_and_brought_on() -> None:
    found = offered("success", [an_entry(1)], [an_entry(0.5, run_id="before")])
    assert list(found) == ["Roll back staging", "Promote to production"]
    conf = {"release": None, "environment": "staging", "from_environment": None, "instead_of": an_entry(1).record.key}
    assert conf_of(found["Roll back staging"]) == conf
    assert found["Promote to production"]["waits"]
    release = an_entry(1).record.key
    conf = {"release": release, "environment": "production", "from_environment": "staging"}
    assert conf_of(found["Promote to production"]) == conf


def test_what_another_has_replaced_offers_nothing() -> None:
    assert offered("success", [an_entry(1), an_entry(2)], []) == {}
    assert offered("failed", [an_entry(0.5, run_id="before"), an_entry(1, Outcome.FAILED)], []) == {}


def test_what_runs_everywhere_is_not_brought_on_again() -> None:
    assert list(offered("success", [an_entry(1)], [an_entry(1)])) == ["Roll back staging", "Roll back production"]


def test_a_release_of_the_same_image_with_other_files_can_be_brought_on() -> None:
    here = an_entry(1)
    there = an_entry(0.5, image=here.record.image, run_id="before")
    found = offered("success", [here], [there])
    assert list(found) == ["Roll back staging", "Promote to production"]
    assert found["Promote to production"]["waits"]


def test_a_deployment_without_decisions_shows_each_share_as_it_was_seen() -> None:
    shares = [{"at": at(1), "percent": 0.0}, {"at": at(2), "percent": 10.0}]
    run = a_run(Stage("production.deploy", "deferred", at(0)), left={("production.deploy", "shares"): shares})
    [production] = [each for each in delivery(a_pipeline(), run)["environments"] if each["name"] == "production"]
    assert production["weights"] == [
        {"at": at(1), "blue": 100.0, "green": 0.0},
        {"at": at(2), "blue": 90.0, "green": 10.0},
    ]


def test_a_deployment_that_went_well_has_moved_all_the_traffic_though_nobody_left_the_last_share() -> None:
    shares = [{"at": at(1), "percent": 0.0}, {"at": at(2), "percent": 10.0}]
    stages = [Stage("production.deploy", "success", at(0), at(3)), Stage("production.verify", "running", at(3))]
    run = a_run(*stages, left={("production.deploy", "shares"): shares})
    [there] = delivery(a_pipeline(), run)["environments"]
    assert [(each["at"], each["green"]) for each in there["weights"]] == [(at(1), 0), (at(2), 10), (at(3), 100)]
    assert there["planned"] == []


@pytest.mark.parametrize(("outcome", "green"), [("rolled_back", 0), ("live", 100)])
def test_shares_end_where_the_outcome_says_that_all_the_traffic_is(outcome: str, green: float) -> None:
    left: dict[tuple[str, str], Any] = {
        ("production.deploy", "shares"): [{"at": at(1), "percent": 0.0}, {"at": at(2), "percent": 10.0}],
        ("production.verdict", "outcome"): {"outcome": outcome, "sentence": "so it ended", "details": []},
    }
    run = a_run(Stage("production.deploy", "failed", at(0), at(3)), left=left)
    [there] = delivery(a_pipeline(), run)["environments"]
    assert [(each["at"], each["green"]) for each in there["weights"]] == [(at(1), 0), (at(2), 10), (at(3), green)]


def test_traffic_is_back_when_the_way_back_has_ended() -> None:
    left: dict[tuple[str, str], Any] = {
        ("production.deploy", "shares"): [{"at": at(1), "percent": 10.0}],
        ("production.verdict", "outcome"): {"outcome": "rolled_back", "sentence": "errors rose", "details": []},
    }
    stages = [
        Stage("production.deploy", "failed", at(0), at(3)),
        Stage("production.roll_back", "success", at(3), at(5)),
    ]
    [there] = delivery(a_pipeline(), a_run(*stages, left=left))["environments"]
    assert there["weights"][-1] == {"at": at(5), "blue": 100, "green": 0}


def test_the_way_back_goes_to_the_release_that_it_names_and_replaces_no_other() -> None:
    before, live = an_entry(0.5, run_id="before"), an_entry(1)
    told = offered("success", [before, live], [])["Roll back staging"]
    assert told["says"].startswith(f"{before.record.commit[:7]} (Change 0.5), the last good release before this one,")
    conf = conf_of(told)
    assert (conf["release"], conf["instead_of"]) == (before.record.key, live.record.key)


def test_what_has_been_live_there_before_is_not_held_by_a_freeze() -> None:
    production = [an_entry(1, run_id="earlier"), an_entry(1.5, run_id="since")]
    assert not offered("success", [an_entry(1)], production)["Promote to production"]["waits"]


def test_shares_that_are_still_to_come_are_planned_by_the_pipeline() -> None:
    told = a_pipeline().model_dump(mode="json", by_alias=True, exclude_unset=True)
    told["environments"]["production"]["rollout"]["traffic"] = {"type": "canary", "percent": 10}
    left: dict[tuple[str, str], Any] = {("production.deploy", "shares"): [{"at": at(1), "percent": 10.0}]}
    run = a_run(Stage("production.deploy", "deferred", at(0)), left=left)
    [there] = delivery(Pipeline.model_validate(told), run)["environments"]
    assert there["planned"] == [100.0]
    left["production.verdict", "outcome"] = {"outcome": "live", "sentence": "", "details": []}
    [there] = delivery(Pipeline.model_validate(told), run)["environments"]
    assert there["planned"] == []
