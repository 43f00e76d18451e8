"""What an ended deployment of ECS's own means, from its facts alone."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.session import Session

from airdock.plan.adoption import State
from airdock.plan.service_deployment_progress import STAGES, service_deployment_progress
from airdock.plan.service_deployment_result import (
    ServiceDeploymentStatus,
    judge_service_deployment,
    service_deployment_state,
)
from airdock.release import Outcome

OURS, BEFORE = "arn:task-definition/greeter:7", "arn:task-definition/greeter:6"


def facts(status: str, **changes: Any) -> dict[str, Any]:
    told = {
        "id": "arn:aws:ecs:eu-west-1:1:service-deployment/demo/greeter/abc",
        "status": status,
        "stage": "",
        "reason": "",
        "rollback_reason": "",
        "task_definition": OURS,
        "previous_task_definition": BEFORE,
        "tasks": {"requested": 2, "running": 0, "pending": 0},
        "weights": {},
        "hooks": [],
        "failed_starts": 0,
        "breaker": {"status": "MONITORING", "failures": 0, "threshold": 3},
        "alarms": {"status": "DISABLED", "triggered": []},
    }
    return {**told, "newest": told["id"], **changes}


def model(shape: str) -> set[str]:
    return set(Session().get_service_model("ecs").shape_for(shape).enum)


def test_every_status_that_botocore_knows_has_a_meaning() -> None:
    assert {status.value for status in ServiceDeploymentStatus} == model("ServiceDeploymentStatus")


def test_every_stage_that_botocore_knows_has_words() -> None:
    assert model("ServiceDeploymentLifecycleStage") <= set(STAGES)


def test_an_unknown_status_counts_as_running() -> None:
    assert service_deployment_state("REBALANCING") is State.RUNNING


@pytest.mark.parametrize(
    ("told", "outcome", "cause"),
    [
        (facts("SUCCESSFUL"), Outcome.LIVE, "succeeded"),
        (facts("SUCCESSFUL", task_definition=BEFORE), Outcome.SUPERSEDED, "not arn:task-definition/greeter:7"),
        (facts("STOPPED", newest="another"), Outcome.SUPERSEDED, "a newer deployment"),
        (facts("STOPPED"), Outcome.STOPPED, "without a rollback"),
        (
            facts("ROLLBACK_FAILED", rollback_reason="No candidate."),
            Outcome.FAILED,
            "so did its rollback: No candidate",
        ),
        (
            facts("ROLLBACK_SUCCESSFUL", breaker={"status": "TRIGGERED", "failures": 3, "threshold": 3}),
            Outcome.ROLLED_BACK,
            "failed to start 3 times",
        ),
        (
            facts("ROLLBACK_SUCCESSFUL", alarms={"status": "TRIGGERED", "triggered": ["5xx"]}),
            Outcome.ROLLED_BACK,
            "an alarm fired (5xx)",
        ),
        (
            facts("ROLLBACK_SUCCESSFUL", hooks=[{"status": "FAILED", "target": "arn:aws:lambda:e:1:function:no"}]),
            Outcome.ROLLED_BACK,
            "the function no said no",
        ),
        (
            facts("ROLLBACK_SUCCESSFUL", rollback_reason="because of a StopServiceDeployment request."),
            Outcome.STOPPED,
            "StopServiceDeployment",
        ),
        (
            facts("ROLLBACK_SUCCESSFUL", rollback_reason="words that nobody knows", rollback_requested=True),
            Outcome.STOPPED,
            "words that nobody knows",
        ),
        (
            facts("ROLLBACK_SUCCESSFUL", rollback_reason="words that nobody knows"),
            Outcome.ROLLED_BACK,
            "words that nobody knows",
        ),
        (
            facts("ROLLBACK_SUCCESSFUL", rollback_requested=True, alarms={"status": "TRIGGERED", "triggered": ["5xx"]}),
            Outcome.ROLLED_BACK,
            "an alarm fired (5xx)",
        ),
        (facts("STOPPED", reason="words that nobody knows"), Outcome.STOPPED, "words that nobody knows"),
        (facts("IN_PROGRESS"), Outcome.FAILED, "has not ended"),
    ],
)
def test_an_end_is_named_by_its_status_our_revision_and_its_cause(told: Any, outcome: Outcome, cause: str) -> None:
    result = judge_service_deployment(told, OURS)
    assert (result.outcome, cause in result.sentence) == (outcome, True), result.sentence


def test_a_rollback_that_airdock_asked_for_is_no_stop_by_hand() -> None:
    told = facts("ROLLBACK_SUCCESSFUL", rollback_reason="because of a StopServiceDeployment request.")
    result = judge_service_deployment(told, OURS, ("a task stopped",), "it was not over after 5 minutes")
    assert result.outcome is Outcome.ROLLED_BACK
    assert "it was not over after 5 minutes" in result.sentence


def test_what_is_told_of_the_cause_is_added_to_what_ecs_says() -> None:
    told = facts("ROLLBACK_SUCCESSFUL", breaker={"status": "TRIGGERED", "failures": 3, "threshold": 3})
    sentence = judge_service_deployment(told, OURS, ("a task stopped: it exited with 1",)).sentence
    assert "failed to start 3 times: a task stopped: it exited with 1" in sentence


def test_the_log_tells_only_what_has_changed() -> None:
    first = facts("IN_PROGRESS", stage="SCALE_UP")
    then = {**first, "stage": "PRODUCTION_TRAFFIC_SHIFT", "weights": {"old": 90.0, "new": 10.0}}
    assert service_deployment_progress(None, first)[0] == "service deployment abc is IN_PROGRESS"
    assert service_deployment_progress(first, then) == [
        "PRODUCTION_TRAFFIC_SHIFT: production traffic moves",
        "traffic: 90 % old, 10 % new",
    ]
    assert service_deployment_progress(then, then) == []
