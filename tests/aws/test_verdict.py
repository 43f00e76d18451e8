"""The run's outcome, its sentence, and the state of its last task."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from airflow.sdk import Asset
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from airdock.aws.hooks import Account
from airdock.aws.operators.verdict import VerdictOperator
from airdock.aws.release_records import Records
from airdock.errors import Fault
from airdock.plan.release_record import KEPT
from tests.blue_green import until
from tests.delivery import COMMIT, a_release, a_source, a_target, connect, take_lease
from tests.fakes import a_context, run_task
from tests.local_aws_process import LocalAws

ASSET = Asset("greeter in production", uri="x-airdock://greeter/production")
DIGEST = "sha256:" + "b2" * 32
STEPS = ("clone_source", "build", "wait_for_scan", "hold", "register", "deploy", "verify", "roll_back")
TASKS = {step: step if step in STEPS[:3] else f"production.{step}" for step in STEPS}
GOOD = {**dict.fromkeys(STEPS[:7], "success"), "roll_back": "skipped"}
ARN = "arn:aws:ecs:eu-west-1:123456789012:task-definition/greeter"
IMAGE = f"x.example/greeter@{DIGEST}"
LEFT: dict[str, dict[str, Any]] = {
    "register": {"return_value": a_release(f"{ARN}:2", before=f"{ARN}:1", image=IMAGE)},
    "deploy": {"return_value": {"id": "d-1"}},
    "verify": {"return_value": {"good_answers": 5}},
}
"""What the tasks of a delivery of greeter:2 have left where all went well."""


@pytest.fixture(scope="module")
def service(local_aws: LocalAws) -> LocalAws:
    """The task definitions greeter:1 to greeter:3 of the same image, pinned, and a service that runs greeter:1."""
    ecs = local_aws.client("ecs")
    ecs.create_cluster(clusterName="demo")
    for _ in range(3):
        ecs.register_task_definition(
            family="greeter", containerDefinitions=[{"name": "web", "image": IMAGE, "memory": 64}]
        )
    ecs.create_service(cluster="demo", serviceName="greeter", taskDefinition="greeter:1", desiredCount=0)
    return local_aws


@pytest.fixture
def production(service: LocalAws) -> Iterator[Callable[[int], None]]:
    """Sets the revision that the service runs; greeter:1 again after the test."""

    def runs(revision: int) -> None:
        service.client("ecs").update_service(
            cluster="demo", service="greeter", taskDefinition=f"greeter:{revision}", desiredCount=0
        )

    yield runs
    runs(1)


@pytest.fixture(autouse=True)
def connected(service: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(service, monkeypatch)
    service.faults()


def verdict(
    states: dict[str, str], left: dict[str, dict[str, Any]] | None = None, staging: Any = None, **target: Any
) -> Any:
    """The outcome, and what the verdict raised; `staging`: the outcome in the environment before."""
    context, failed = judged(states, left, staging, **target)
    return context["ti"].xcoms["verdict", "outcome"], failed


def judged(
    states: dict[str, str],
    left: dict[str, dict[str, Any]] | None = None,
    staging: Any = None,
    retries: int = 0,
    **target: Any,
) -> Any:
    """The context after the verdict, and what it raised."""
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
        retries=retries,
    )
    try:
        run_task(operator, context)
    except AirflowFailException as failed:
        return context, failed
    return context, None


def broken(*_: Any) -> None:
    raise Fault("SSM is busy")


def live_record(service: LocalAws) -> str:
    """The key of the record of what is live, or ""."""
    live = Records(Account(), "greeter", "production").live()
    return live.key if live else ""


def test_a_live_delivery_succeeds_and_says_what_production_runs(production: Callable[[int], None]) -> None:
    production(2)
    outcome, failed = verdict(GOOD, LEFT)
    assert failed is None
    assert outcome["outcome"] == "live"
    assert "greeter ccccccc to production is live" in outcome["sentence"]
    assert DIGEST in outcome["sentence"]


@pytest.mark.parametrize("left", [{"id": "d-7"}, '{"id": "d-7"}'], ids=["by its worker", "by the triggerer"])
def test_the_record_names_the_deployment_whoever_ended_it(production: Callable[[int], None], left: Any) -> None:
    production(2)
    verdict(GOOD, {**LEFT, "deploy": {"return_value": left, "deployment": left}})
    live = Records(Account(), "greeter", "production").live()
    assert live is not None
    assert live.deployment == "d-7"


def test_a_refused_build_fails_the_run_with_its_reason() -> None:
    states = {"clone_source": "success", "build": "failed", **dict.fromkeys(STEPS[2:], "upstream_failed")}
    states["roll_back"] = "skipped"
    outcome, failed = verdict(states, {"build": {"reason": "test_app.py::test_hello failed", "faulted": False}})
    assert outcome["outcome"] == "refused"
    assert "test_hello failed" in str(failed)
    assert outcome["sentence"] == str(failed)


def test_a_word_of_an_earlier_attempt_is_not_told_of_a_task_that_did_not_run_again() -> None:
    states = {**dict.fromkeys(STEPS, "upstream_failed"), "clone_source": "success", "build": "failed"}
    left = {"build": {"reason": "build greeter:1 failed"}, "wait_for_scan": {"reason": "3 findings are CRITICAL"}}
    told, _ = verdict(states, left)
    assert {"build: failed (build greeter:1 failed)", "wait_for_scan: upstream_failed"} <= set(told["details"])


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


def test_a_word_of_stopping_that_came_too_late_changes_nothing(production: Callable[[int], None]) -> None:
    production(2)
    outcome, failed = verdict(GOOD, {**LEFT, "deploy": {**LEFT["deploy"], "stopped": "dana stopped it"}})
    assert (outcome["outcome"], failed) == ("live", None)


def test_a_way_back_that_failed_is_said() -> None:
    states = {**GOOD, "verify": "failed", "roll_back": "failed"}
    left = {"verify": {"reason": "answered 500"}, "roll_back": {"reason": "the rollback failed"}}
    outcome, failed = verdict(states, left)
    assert outcome["outcome"] == "failed"
    assert "answered 500" in str(failed)
    assert "the rollback failed" in str(failed)


def test_a_verdict_needs_no_answer_from_aws_where_deployment_and_check_have_told() -> None:
    outcome, failed = verdict(GOOD, LEFT, service="nowhere")
    assert (outcome["outcome"], failed) == ("live", None)
    assert outcome["sentence"] == "greeter ccccccc to production is live. Production could not be looked at."


@pytest.mark.parametrize("marked", ["deploy", "verify"])
def test_without_an_answer_from_aws_a_task_that_was_only_marked_as_a_success_is_not_believed(marked: str) -> None:
    left = {**LEFT, marked: {"reason": "an alarm fired", "deployment_outcome": "rolled_back"}}
    outcome, failed = verdict(GOOD, left, service="nowhere")
    assert outcome["outcome"] == "failed"
    assert "marked as successes without having come to their end. Production could not be looked at" in str(failed)


@pytest.mark.parametrize(
    ("runs", "outcome", "told"),
    [
        (1, "rolled_back", "was rolled back: production runs what ran before, whatever the tasks have been marked as"),
        (3, "superseded", "was overtaken: production runs another version"),
    ],
)
def test_a_delivery_that_production_does_not_run_is_not_live_though_all_its_tasks_are_marked_as_successes(
    service: LocalAws, production: Callable[[int], None], runs: int, outcome: str, told: str
) -> None:
    production(runs)
    before, tagged = live_record(service), len(service.effects("ecs", "TagResource"))
    context, failed = judged(GOOD, LEFT)
    assert context["ti"].xcoms["verdict", "outcome"]["outcome"] == outcome
    assert told in str(failed)
    assert f"(greeter:{runs})" in str(failed)
    assert (live_record(service), len(service.effects("ecs", "TagResource"))) == (before, tagged)
    assert context["outlet_events"].events == {}


def test_production_that_seems_to_run_something_else_is_looked_at_a_second_time(
    production: Callable[[int], None],
) -> None:
    with pytest.raises(Fault, match=r"all has gone well, but production runs \S+ \(greeter:1\), says ECS"):
        judged(GOOD, LEFT, retries=6)


def test_a_revision_of_infrastructure_code_may_run_the_release_by_now(production: Callable[[int], None]) -> None:
    production(3)
    owner = {"from": "infrastructure", "parameter": "/greeter/image"}
    outcome, failed = verdict(GOOD, LEFT, task_definition=owner)
    assert (outcome["outcome"], failed) == ("live", None)


def test_nothing_is_asked_for_twice_and_nothing_is_left_twice(
    service: LocalAws, production: Callable[[int], None]
) -> None:
    production(2)
    service.faults({"service": "ecs", "operation": "DescribeServices", "nth": 2, "action": "throttle"})
    context, failed = judged(GOOD, LEFT, staging={"outcome": "live", "sentence": "greeter to staging is live."})
    [second_look] = service.control("GET", "faults")
    assert (failed, second_look["hits"]) == (None, 0)
    assert len(context["ti"].pulled) == len(set(context["ti"].pulled))
    assert context["ti"].pushed == ["outcome", "ledger_entry"]  # Airflow itself adds what the task returns


def test_a_verdict_that_fails_has_left_its_outcome_as_its_return_value_too() -> None:
    context, failed = judged({**GOOD, "verify": "failed", "roll_back": "success"}, LEFT)
    assert failed is not None
    assert context["ti"].xcoms["verdict", "return_value"] == context["ti"].xcoms["verdict", "outcome"]


def test_the_record_is_kept_before_the_lease_is_given_back_and_neither_waits_for_the_tags(
    service: LocalAws, production: Callable[[int], None]
) -> None:
    production(2)
    leases, tagged = take_lease("manual__1"), len(service.effects("ecs", "TagResource"))
    written = len(service.effects("ssm", "PutParameter"))
    service.faults({"id": "record", "service": "ssm", "operation": "PutParameter", "action": "block_before"})
    with ThreadPoolExecutor() as threads:
        verdict = threads.submit(judged, GOOD, LEFT)
        until(lambda: len(service.effects("ecs", "TagResource")) > tagged, "the service to be tagged", service)
        until(lambda: bool(service.control("GET", "faults")[0]["blocked"]), "the record to be written", service)
        held = leases.newest()
        service.release("record")
        _, failed = verdict.result()
    given_back = leases.newest()
    assert held and given_back
    assert (failed, held.released, given_back.released) == (None, False, True)
    names = [each["params"]["Name"].split("/")[4] for each in service.effects("ssm", "PutParameter")[written:]]
    assert names == ["releases", "live", "lease"]


def test_a_record_that_must_be_kept_anew_keeps_the_lease(
    production: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    production(2)
    leases = take_lease("manual__1")
    monkeypatch.setattr(Records, "keep", broken)
    with pytest.raises(Fault, match="SSM is busy"):
        judged(GOOD, LEFT, retries=6)
    held = leases.newest()
    assert held
    assert not held.released


def test_the_oldest_records_go(production: Callable[[int], None]) -> None:
    production(2)
    judged({**GOOD, "verify": "failed", "roll_back": "success"}, LEFT)
    records = Records(Account(), "greeter", "production")
    some = next(record for record in records.newest() if not record.live)
    for day in range(10, 10 + KEPT):
        records.keep(replace(some, key=f"202001{day}T120000Z-0"))
    judged(GOOD, LEFT)
    assert "20200110T120000Z-0" not in [record.key for record in records.newest()]


def test_old_records_that_can_not_be_removed_hold_nothing_up(
    production: Callable[[int], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    production(2)
    monkeypatch.setattr(Records, "tidy", broken)
    _, failed = judged(GOOD, LEFT, retries=6)
    assert failed is None
    assert "Old release records can't be removed: SSM is busy" in capsys.readouterr().out


def test_a_live_release_emits_one_event_of_its_asset_with_digest_commit_and_revision(
    service: LocalAws, production: Callable[[int], None]
) -> None:
    production(2)
    context, failed = judged(GOOD, LEFT)
    assert failed is None
    [(uri, event)] = context["outlet_events"].events.items()
    assert uri == ASSET.uri
    told = {"commit": COMMIT, "digest": DIGEST, "task_definition": f"{ARN}:2", "release": live_record(service)}
    assert event.extra == told


@pytest.mark.parametrize("way_back", ["success", "failed"])
def test_what_was_rolled_back_or_failed_emits_no_event(way_back: str) -> None:
    states = {**GOOD, "deploy": "failed", "verify": "upstream_failed", "roll_back": way_back}
    context, failed = judged(states, {**LEFT, "deploy": {"reason": "an alarm fired", "faulted": False}})
    assert failed is not None
    assert context["outlet_events"].events == {}


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
