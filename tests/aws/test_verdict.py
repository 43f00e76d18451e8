"""The run's outcome, its sentence, and the state of its last task."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import Asset
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from airdock.aws.operators.verdict import VerdictOperator
from tests.delivery import a_source, a_target, connect
from tests.fakes import a_context, run_task
from tests.local_aws_process import LocalAws

ASSET = Asset("greeter in production", uri="x-airdock://greeter/production")
DIGEST = "sha256:" + "b2" * 32
STEPS = ("clone_source", "build", "wait_for_scan", "hold", "register", "deploy", "verify", "roll_back")
TASKS = {step: step if step in STEPS[:3] else f"production.{step}" for step in STEPS}
GOOD = dict.fromkeys(STEPS[:7], "success")


@pytest.fixture(scope="module")
def service(local_aws: LocalAws) -> LocalAws:
    """A service that runs greeter:1, pinned."""
    ecs = local_aws.client("ecs")
    ecs.create_cluster(clusterName="demo")
    ecs.register_task_definition(
        family="greeter", containerDefinitions=[{"name": "web", "image": f"x.example/greeter@{DIGEST}", "memory": 64}]
    )
    ecs.create_service(cluster="demo", serviceName="greeter", taskDefinition="greeter:1", desiredCount=0)
    return local_aws


@pytest.fixture(autouse=True)
def connected(service: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(service, monkeypatch)


def verdict(
    states: dict[str, str], left: dict[str, dict[str, Any]] | None = None, staging: Any = None, **target: Any
) -> Any:
    """The context after the verdict, and what it raised; `staging`: the outcome in the environment before."""
    xcoms: dict[tuple[str, str], Any] = {("clone_source", "return_value"): a_source()}
    xcoms |= {(TASKS[step], key): value for step, each in (left or {}).items() for key, value in each.items()}
    xcoms["staging.verdict", "outcome"] = staging
    context = a_context("verdict", xcoms=xcoms, states={TASKS[step]: state for step, state in states.items()})
    operator = VerdictOperator(
        task_id="verdict",
        application="greeter",
        environment="production",
        target=a_target(**target),
        tasks=TASKS,
        earlier=["staging.verdict"],
        outlets=[ASSET],
    )
    try:
        run_task(operator, context)
    except AirflowFailException as failed:
        return context["ti"].xcoms["verdict", "outcome"], failed
    return context["ti"].xcoms["verdict", "outcome"], None


def test_a_live_delivery_succeeds_and_says_what_production_runs() -> None:
    outcome, failed = verdict({**GOOD, "roll_back": "skipped"})
    assert failed is None
    assert outcome["outcome"] == "live"
    assert "greeter ccccccc to production is live" in outcome["sentence"]
    assert DIGEST in outcome["sentence"]


def test_a_refused_build_fails_the_run_with_its_reason() -> None:
    states = {"clone_source": "success", "build": "failed", **dict.fromkeys(STEPS[2:], "upstream_failed")}
    states["roll_back"] = "skipped"
    outcome, failed = verdict(states, {"build": {"reason": "test_app.py::test_hello failed", "faulted": False}})
    assert outcome["outcome"] == "refused"
    assert "test_hello failed" in str(failed)
    assert outcome["sentence"] == str(failed)


def test_a_build_that_a_fault_ended_is_failed_and_not_refused() -> None:
    states = {"clone_source": "success", "build": "failed", "roll_back": "skipped"}
    outcome, _ = verdict(states, {"build": {"reason": "CodeBuild was out of reach", "faulted": True}})
    assert outcome["outcome"] == "failed"


@pytest.mark.parametrize(
    ("deployment", "outcome"), [("rolled_back", "rolled_back"), ("failed", "rolled_back"), ("stopped", "stopped")]
)
def test_a_deployment_that_was_taken_back_fails_the_run(deployment: str, outcome: str) -> None:
    states = {**GOOD, "deploy": "failed", "verify": "upstream_failed", "roll_back": "success"}
    left = {"deploy": {"reason": "an alarm fired: greeter-5xx", "faulted": False, "deployment_outcome": deployment}}
    found, failed = verdict(states, left)
    assert found["outcome"] == outcome
    assert "an alarm fired: greeter-5xx" in str(failed)
    assert DIGEST in str(failed)


def test_a_delivery_that_somebody_stopped_on_the_board_ends_as_stopped_by_them() -> None:
    states = {**GOOD, "deploy": "failed", "verify": "upstream_failed", "roll_back": "success"}
    outcome, failed = verdict(
        states, {"deploy": {"stopped": "dana stopped it", "reason": "throttled", "faulted": True}}
    )
    assert outcome["outcome"] == "stopped"
    assert "was stopped: dana stopped it. Production runs" in str(failed)


def test_a_word_of_stopping_that_came_too_late_changes_nothing() -> None:
    outcome, failed = verdict({**GOOD, "roll_back": "skipped"}, {"deploy": {"stopped": "dana stopped it"}})
    assert (outcome["outcome"], failed) == ("live", None)


def test_a_way_back_that_failed_is_said() -> None:
    states = {**GOOD, "verify": "failed", "roll_back": "failed"}
    left = {"verify": {"reason": "answered 500"}, "roll_back": {"reason": "the rollback failed"}}
    outcome, failed = verdict(states, left)
    assert outcome["outcome"] == "failed"
    assert "answered 500" in str(failed)
    assert "the rollback failed" in str(failed)


def test_a_verdict_needs_no_answer_from_aws() -> None:
    outcome, failed = verdict(GOOD, service="nowhere")
    assert (outcome["outcome"], failed) == ("live", None)
    assert DIGEST not in outcome["sentence"]


def test_a_release_that_did_not_pass_staging_is_refused_in_production_with_stagings_sentence() -> None:
    states = {**dict.fromkeys(STEPS[:3], "success"), **dict.fromkeys(STEPS[3:7], "upstream_failed")}
    staging = {"outcome": "rolled_back", "sentence": "greeter to staging was rolled back: an alarm fired."}
    outcome, failed = verdict({**states, "roll_back": "skipped"}, staging=staging)
    assert failed is not None
    assert outcome["outcome"] == "refused"
    assert "greeter to staging was rolled back: an alarm fired. Production runs" in outcome["sentence"]


def test_a_run_that_ends_before_the_environment_has_no_verdict_on_it() -> None:
    with pytest.raises(AirflowSkipException, match="ends before production"):
        verdict({**dict.fromkeys(STEPS[:3], "success"), **dict.fromkeys(STEPS[3:], "skipped")})
