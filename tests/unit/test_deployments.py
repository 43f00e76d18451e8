"""A deployment is created once, whatever becomes of CodeDeploy's reply."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from airdock.aws.deployments import Group, Order, adopt_or_create, of_delivery, run_since
from airdock.aws.hooks import Account
from airdock.errors import Fault, Refused
from airdock.names import Marker, marker
from airdock.plan.appspec import AppSpec

NOW = datetime.now(UTC)
GROUP = Group(Account(), "greeter", "greeter")
OLD, NEW = "arn:task-definition/greeter:6", "arn:task-definition/greeter:7"
SINCE = NOW - timedelta(hours=2)


class FakeCodeDeploy:
    """Keeps deployments; `fails` is what CreateDeployment raises, before or after its effect."""

    def __init__(self) -> None:
        self.infos: list[dict[str, Any]] = []
        self.once: list[bool] = []
        self.fails_before: Exception | None = None
        self.fails_after: Exception | None = None

    def add(self, mark: Any, status: str = "InProgress", creator: str = "user", minutes_ago: float = 0) -> str:
        deployment_id = f"d-{len(self.infos):09d}"
        told = {"description": str(mark), "status": status, "creator": creator}
        created = NOW - timedelta(minutes=minutes_ago)
        self.infos.append({"deploymentId": deployment_id, "createTime": created, **told})
        return deployment_id

    def client(self, connection: Any, region: Any, service: str, once: bool) -> FakeCodeDeploy:
        self.once.append(once)
        return self

    def create_deployment(self, **request: Any) -> dict[str, Any]:
        assert self.once[-1], "a request that botocore may repeat"
        if self.fails_before:
            raise self.fails_before
        made = self.add(request["description"])
        if self.fails_after:
            raise self.fails_after
        return {"deploymentId": made}

    def get_paginator(self, name: str) -> Any:
        assert name == "list_deployments"
        ids = [info["deploymentId"] for info in self.infos]
        return SimpleNamespace(paginate=lambda **_: [{"deployments": ids[:1]}, {"deployments": ids[1:]}])

    def batch_get_deployments(self, deploymentIds: list[str]) -> dict[str, Any]:
        assert 0 < len(deploymentIds) <= 25
        return {"deploymentsInfo": [info for info in self.infos if info["deploymentId"] in deploymentIds]}


@pytest.fixture
def codedeploy(monkeypatch: pytest.MonkeyPatch) -> FakeCodeDeploy:
    fake = FakeCodeDeploy()
    monkeypatch.setattr("airdock.aws.hooks._client", fake.client)
    return fake


def a_mark(attempt: int = 0, run_id: str = "manual__1") -> Marker:
    return marker("greeter", "production", ("deliver_greeter", run_id), attempt)


def deploy(mark: Marker | None = None, runs_now: str = OLD) -> str:
    order = Order(NEW, AppSpec("{}", "0" * 64, "web", 8080, ""), "CodeDeployDefault.ECSAllAtOnce", mark or a_mark())
    return adopt_or_create(GROUP, order, SINCE, runs_now, insist=lambda: None)


def an_error(code: str, message: str = "", status: int = 400) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "CreateDeployment")


@pytest.mark.parametrize(
    "error",
    [
        ConnectionClosedError(endpoint_url="https://x"),
        an_error("InternalError", "", 500),
        an_error("DeploymentLimitExceededException", "active: d-000000000"),  # another try of ours was faster
    ],
)
def test_an_error_after_the_effect_leads_to_no_second_deployment(codedeploy: FakeCodeDeploy, error: Exception) -> None:
    codedeploy.fails_after = error
    assert deploy() == "d-000000000"
    assert len(codedeploy.infos) == 1


def test_a_request_that_is_lost_before_the_effect_is_a_fault(codedeploy: FakeCodeDeploy) -> None:
    codedeploy.fails_before = ConnectionClosedError(endpoint_url="https://x")
    with pytest.raises(Fault, match="creating the deployment in greeter/greeter"):
        deploy()


def test_a_refusal_is_told_as_one(codedeploy: FakeCodeDeploy) -> None:
    codedeploy.fails_before = an_error("InvalidRevisionException", "no such container")
    with pytest.raises(Refused, match="no such container"):
        deploy()


def test_a_busy_group_is_a_fault_that_names_whose_turn_it_is(codedeploy: FakeCodeDeploy) -> None:
    other = codedeploy.add("by hand")
    message = "The Deployment Group 'greeter' already has an active Deployment 'd-ABCDEF123'"
    codedeploy.fails_before = an_error("DeploymentLimitExceededException", message)
    with pytest.raises(Fault, match="d-ABCDEF123, which is not this delivery's"):
        deploy()
    assert [info["deploymentId"] for info in codedeploy.infos] == [other]


@pytest.mark.parametrize("status", ["Created", "InProgress", "Succeeded", "Failed", "Stopped"])
def test_a_retry_adopts_its_own_deployment_whatever_it_came_to(codedeploy: FakeCodeDeploy, status: str) -> None:
    codedeploy.add(a_mark(run_id="manual__0"), minutes_ago=9)
    ours = codedeploy.add(a_mark(), status, minutes_ago=5)
    assert deploy() == ours


@pytest.mark.parametrize(
    ("status", "runs_now", "adopted"),
    [
        ("InProgress", OLD, True),
        ("Succeeded", NEW, True),
        ("Succeeded", OLD, False),  # it has been rolled back since: the clear wants it again
        ("Failed", OLD, False),
    ],
)
def test_a_clear_adopts_what_still_holds_and_repeats_what_failed(
    codedeploy: FakeCodeDeploy, status: str, runs_now: str, adopted: bool
) -> None:
    earlier = codedeploy.add(a_mark(0), status, minutes_ago=5)
    assert (deploy(a_mark(1), runs_now) == earlier) is adopted


def test_codedeploys_own_rollback_is_never_taken_for_ours(codedeploy: FakeCodeDeploy) -> None:
    rollback = codedeploy.add(a_mark(), creator="codeDeployRollback")
    assert deploy() != rollback


def test_the_newest_deployment_of_a_delivery_is_found_among_many(codedeploy: FakeCodeDeploy) -> None:
    for minutes in range(60, 0, -1):
        codedeploy.add("by hand", "Succeeded", minutes_ago=minutes)
    codedeploy.add(a_mark(0), "Failed", minutes_ago=40)
    newest = codedeploy.add(a_mark(1), minutes_ago=20)
    assert of_delivery(GROUP, a_mark().base, SINCE) == newest
    assert of_delivery(GROUP, a_mark(run_id="manual__9").base, SINCE) == ""


def test_a_run_looks_back_from_before_it_was_due_however_often_it_was_cleared() -> None:
    due, restarted = NOW - timedelta(hours=5), NOW
    run = SimpleNamespace(run_after=due, start_date=restarted)
    assert run_since({"dag_run": run}) <= due - timedelta(minutes=59)
    assert run_since({"dag_run": SimpleNamespace()}) <= datetime.now(UTC)
