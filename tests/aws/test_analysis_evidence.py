"""Analyses of a canary with real traffic: what the balancer has counted of both versions decides."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from airdock.aws.analysis import Subject, Version, gather
from airdock.aws.hooks import Account
from airdock.plan.analysis import Answer, Decision, Measured, judge
from airdock.spec import Analysis
from tests.blue_green import APPLICATION, CLUSTER, HELD_CANARY, BlueGreen, until
from tests.delivery import connect
from tests.local_aws_process import LocalAws

METRICS = {
    "errors": {"metric": "HTTPCode_Target_5XX_Count", "missing": 0},
    "requests": {"metric": "RequestCount"},
}
ERROR_RATE = {
    "name": "error_rate",
    "kind": "cloudwatch",
    "metrics": METRICS,
    "expression": "errors / requests * 100",
    "samples": "requests",
    "least_samples": 5,
    "unit": "%",
    "at_most_times_baseline": 2,
}
SLOWNESS = {
    "name": "slowness",
    "kind": "cloudwatch",
    "metrics": {"slowest": {"metric": "TargetResponseTime", "statistic": "p90"}},
    "unit": "s",
    "at_most": 30,
}
ANALYSIS = Analysis.model_validate({"checks": [ERROR_RATE, SLOWNESS]})
REQUESTS = 150
"""Of which a canary of 10 % gets fifteen."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlueGreen]:
    aws = LocalAws(tmp_path_factory.mktemp("analysis"), minute_seconds=1.0).start()
    try:
        yield BlueGreen(aws)
    finally:
        aws.end()


@pytest.fixture
def stage(shared: BlueGreen, monkeypatch: pytest.MonkeyPatch) -> BlueGreen:
    connect(shared.aws, monkeypatch)
    return shared


@contextmanager
def canary(stage: BlueGreen, **variables: str) -> Iterator[Subject]:
    """A version with a tenth of the traffic, and the subject of an analysis that begins now."""
    arn = stage.task_definition("v2", **variables)
    deployment = stage.deploy(arn, deploymentConfigName=HELD_CANARY)
    stage.shifted(deployment, 10)
    try:
        yield subject(stage, arn)
    finally:
        stage.codedeploy.stop_deployment(deploymentId=deployment, autoRollbackEnabled=True)
        undo = stage.ended(deployment)["rollbackInfo"]["rollbackDeploymentId"]
        stage.ended(undo)


def subject(stage: BlueGreen, arn: str) -> Subject:
    sets = stage.aws.client("ecs").describe_services(cluster=CLUSTER, services=[APPLICATION])["services"][0]["taskSets"]
    groups = {each["taskDefinition"]: each["loadBalancers"][0]["targetGroupArn"] for each in sets}
    old = next(each["taskDefinition"] for each in sets if each["status"] == "PRIMARY")
    versions = Version(arn, groups[arn]), Version(old, groups[old])
    return Subject(Account(), CLUSTER, APPLICATION, *versions, stage.balancer, datetime.now(UTC))


def measured_when_counted(stage: BlueGreen, of: Subject) -> tuple[Decision, dict[str, Measured]]:
    """Requests through the balancer, and what the analysis says once CloudWatch has counted them all."""
    stage.answers(REQUESTS)
    found: dict[str, Measured] = {}

    def counted() -> bool:
        found.update({each.check: each for each in gather(ANALYSIS, of)})
        rate = found["error_rate"]
        return (rate.samples or 0) + (rate.baseline_samples or 0) == REQUESTS

    until(counted, "CloudWatch to have counted all requests", stage.aws)
    return judge(ANALYSIS, found.values(), 0), found


def calls(stage: BlueGreen, **faults: Any) -> None:
    stage.aws.faults({"id": "metrics", "service": "cloudwatch", "operation": "GetMetricData", "every": True, **faults})


def test_version_that_answers_500_goes_back_with_the_figures(stage: BlueGreen) -> None:
    with canary(stage, STATUS="500") as of:
        decision, found = measured_when_counted(stage, of)
    assert decision.answer is Answer.ROLLBACK
    assert decision.sentence == "error_rate 100 % of the new version is more than twice the old version's 0 %"
    assert (found["error_rate"].samples, found["error_rate"].baseline_samples) == (15, 135)
    assert found["slowness"].value is not None


def test_good_version_goes_on(stage: BlueGreen) -> None:
    with canary(stage) as of:
        decision, found = measured_when_counted(stage, of)
    assert decision.answer is Answer.CONTINUE
    assert decision.evidence[0] == "error_rate 0 % beside the old version's 0 % is good"
    assert found["error_rate"].samples == 15


def test_version_without_traffic_is_inconclusive_though_it_has_no_errors(stage: BlueGreen) -> None:
    with canary(stage) as of:
        measured = gather(ANALYSIS, of)
    assert judge(ANALYSIS, measured, 0).answer is Answer.WAIT
    last = judge(ANALYSIS, measured, 1)
    assert last.answer is Answer.ROLLBACK
    assert last.sentence.startswith("error_rate can't be told: the new version has 0 of the 5 samples")


def test_cloudwatch_that_refuses_is_inconclusive(stage: BlueGreen) -> None:
    arn = stage.aws.client("ecs").describe_services(cluster=CLUSTER, services=[APPLICATION])["services"][0]["taskSets"]
    of = subject(stage, arn[0]["taskDefinition"])
    calls(stage, action="error")
    try:
        measured = gather(ANALYSIS, of)
    finally:
        stage.aws.faults()
    assert all("asking CloudWatch for metrics" in each.error for each in measured)
    assert judge(ANALYSIS, measured, 0).answer is Answer.WAIT


def test_probe_through_the_test_listener_finds_what_production_has_not_seen(stage: BlueGreen) -> None:
    def probed(**variables: str) -> Decision:
        with canary(stage, **variables) as of:
            return judge(analysis, gather(analysis, of), 0)

    url = f"http://127.0.0.1:{stage.ports['test']}/"
    probe = {"name": "greeting", "kind": "http", "url": url, "contains": "v2", "samples": 5}
    analysis = Analysis.model_validate({"checks": [probe]})
    broken, good = probed(STATUS="500"), probed()
    assert (broken.answer, good.answer) == (Answer.ROLLBACK, Answer.CONTINUE)
    assert broken.sentence.endswith("where 0 may be: answered 500 where 200 is expected")
