"""What a deployment came to, and what is heard of it on the way, in the words that people read."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.session import Session

from airdock.plan import deployment_result
from airdock.plan.adoption import State
from airdock.plan.deployment_result import (
    DeploymentStatus,
    deployment_progress,
    deployment_state,
    judge_deployment,
)
from airdock.release import Outcome
from tests.builders import a_deployment

MODEL = Session().get_service_model("codedeploy")
SHIFTING = {"Install": "Succeeded", "AllowTraffic": "InProgress"}


def a_rollback(status: str = "Succeeded", **told: Any) -> dict[str, Any]:
    return a_deployment(status, id="d-BACK00001", **told)


def an_error(code: str, message: str = "") -> dict[str, str]:
    return {"code": code, "message": message}


def test_succeeded_deployment_is_live() -> None:
    result = judge_deployment(a_deployment("Succeeded"))
    assert result.live
    assert result.sentence == "the deployment d-FORWARD01 succeeded: all traffic is on the new version"


def test_deployment_is_live_at_the_traffic_shift_only_where_asked() -> None:
    shifted = a_deployment("InProgress", terminating=True)
    assert judge_deployment(shifted, "traffic_shift").outcome is Outcome.LIVE
    assert judge_deployment(shifted, "termination").outcome is Outcome.FAILED
    assert judge_deployment(a_deployment("InProgress"), "traffic_shift").outcome is Outcome.FAILED


def test_alarm_is_told_with_its_reason_and_where_production_stands() -> None:
    facts = a_deployment("Stopped", error=an_error("ALARM_ACTIVE", "x"), events=SHIFTING, rollback=a_rollback())
    result = judge_deployment(facts, causes=["alarm greeter-5xx fired: 12 > 5", "a task stopped: exit 1"])
    assert result.outcome is Outcome.ROLLED_BACK
    assert result.sentence == (
        "the deployment d-FORWARD01 stopped while traffic was moving: alarm greeter-5xx fired: 12 > 5; "
        "CodeDeploy rolled back with d-BACK00001, production is on the previous version"
    )
    assert len(result.details) == 2


def test_failing_hook_is_named() -> None:
    events = [
        {"name": "Install", "status": "Succeeded", "message": ""},
        {"name": "BeforeAllowTraffic", "status": "Failed", "message": "smoke test said no."},
        {"name": "AllowTraffic", "status": "Skipped", "message": ""},
    ]
    error = an_error("HOOK_EXECUTION_FAILURE", "One of the lifecycle event validation functions failed.")
    result = judge_deployment(a_deployment("Failed", events=events, error=error, rollback=a_rollback()))
    assert "before any traffic moved: the hook BeforeAllowTraffic failed: smoke test said no;" in result.sentence


def test_unhealthy_tasks_are_told_by_why_they_stopped() -> None:
    facts = a_deployment("Failed", events={"Install": "Failed"}, error=an_error("TIMEOUT", "timed out"))
    result = judge_deployment(facts, causes=["a task stopped: CannotPullContainerError"])
    assert result.outcome is Outcome.FAILED
    assert result.sentence.endswith(
        "before any traffic moved: the new tasks did not become healthy in time: a task stopped: "
        "CannotPullContainerError; production is on the previous version, untouched"
    )


def test_stop_by_hand_is_stopped_and_by_airdock_rolled_back() -> None:
    facts = a_deployment("Stopped", events=SHIFTING, error=an_error("MANUAL_STOP"), rollback=a_rollback())
    assert judge_deployment(facts).outcome is Outcome.STOPPED
    ours = judge_deployment(facts, stopped_because="it had not ended after 60 minutes")
    assert ours.outcome is Outcome.ROLLED_BACK
    assert "it had not ended after 60 minutes" in ours.sentence


def test_stop_without_rollback_tells_the_traffic_on_the_new_version() -> None:
    facts = a_deployment("Stopped", events=SHIFTING, weights={"blue": 90.0, "green": 10.0})
    result = judge_deployment(facts)
    assert result.outcome is Outcome.FAILED
    assert result.sentence.endswith("nothing was rolled back, 10 % of the traffic is on the new version")


@pytest.mark.parametrize(
    ("rollback", "told"),
    [
        (a_rollback("Failed", error=an_error("ECS_UPDATE_ERROR", "no capacity")), "failed as well"),
        (a_rollback("InProgress"), "has not ended"),
    ],
)
def test_rollback_that_did_not_succeed_is_a_failure(rollback: dict[str, Any], told: str) -> None:
    result = judge_deployment(a_deployment("Failed", events=SHIFTING, rollback=rollback))
    assert result.outcome is Outcome.FAILED
    assert told in result.sentence


def test_failure_after_the_shift_says_so() -> None:
    facts = a_deployment(
        "Failed", events={"AllowTraffic": "Succeeded", "AfterAllowTraffic": "Failed"}, rollback=a_rollback()
    )
    assert "failed after all traffic had moved: the hook AfterAllowTraffic failed" in judge_deployment(facts).sentence


def test_error_code_that_is_not_known_is_told_as_it_is() -> None:
    result = judge_deployment(a_deployment("Failed", error=an_error("SOMETHING_NEW", "odd")))
    assert "SOMETHING_NEW: odd" in result.sentence


def test_every_deployment_status_of_aws_is_claimed() -> None:
    told = set(MODEL.shape_for("DeploymentStatus").enum)
    assert told == set(DeploymentStatus) == set(deployment_result.STATES)
    assert deployment_state("SomethingNew") is State.RUNNING


def test_error_words_are_for_codes_that_aws_has() -> None:
    assert set(deployment_result.ERRORS) <= set(MODEL.shape_for("ErrorCode").enum)


def test_progress_tells_each_change_once() -> None:
    first = a_deployment(events={"BeforeInstall": "Succeeded", "Install": "InProgress", "AllowTraffic": "Pending"})
    assert deployment_progress(None, first) == [
        "deployment d-FORWARD01 with CodeDeployDefault.ECSAllAtOnce is InProgress",
        "BeforeInstall done",
        "Install begins",
        "traffic: 100 % old (blue), 0 % new (green)",
    ]
    assert deployment_progress(first, first) == []


def test_progress_tells_weights_tasks_and_the_end() -> None:
    def tasks(running: int) -> list[dict[str, Any]]:
        return [
            {"label": "green", "running": running, "desired": 2},
            {"label": "blue", "running": 2, "desired": 2},
        ]

    first = a_deployment(events={"AllowTraffic": "Pending"}, task_sets=tasks(0))
    second = a_deployment(
        events={"AllowTraffic": "InProgress"}, task_sets=tasks(2), weights={"blue": 90.0, "green": 10.0}
    )
    assert deployment_progress(first, second) == [
        "AllowTraffic begins",
        "new tasks: 2 of 2 running",
        "traffic: 90 % old (blue), 10 % new (green)",
    ]
    ended = {**second, "status": "Failed", "error": an_error("ALARM_ACTIVE", "greeter-5xx")}
    assert deployment_progress(second, ended) == ["deployment d-FORWARD01 is Failed (ALARM_ACTIVE: greeter-5xx)"]


def test_progress_tells_why_an_event_failed() -> None:
    failed = a_deployment(events=[{"name": "AfterInstall", "status": "Failed", "message": "Lambda said no"}])
    assert "AfterInstall FAILED: Lambda said no" in deployment_progress(a_deployment(), failed)


def test_progress_follows_the_rollback() -> None:
    failed = a_deployment("Failed")
    begun, ended = {**failed, "rollback": a_rollback("InProgress")}, {**failed, "rollback": a_rollback()}
    assert deployment_progress(failed, begun) == [
        "CodeDeploy rolls back with d-BACK00001",
        "rollback d-BACK00001 is InProgress",
    ]
    assert deployment_progress(begun, ended) == ["rollback d-BACK00001 is Succeeded"]
