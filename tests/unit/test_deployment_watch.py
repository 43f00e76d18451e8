"""Following a deployment: which facts are kept, and when waiting is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from airdock.aws.watch.deployment import DeploymentWatch
from airdock.errors import Fault

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class FakeCodeDeploy:
    """Answers BatchGetDeployments and the two calls for targets from what a test puts in."""

    def __init__(self, *infos: dict[str, Any], targets: dict[str, dict[str, Any]] | None = None) -> None:
        self.infos = {info["deploymentId"]: info for info in infos}
        self.targets = targets or {}
        self.asked: list[list[str]] = []

    def batch_get_deployments(self, deploymentIds: list[str]) -> dict[str, Any]:
        self.asked.append(deploymentIds)
        found = [self.infos[each] for each in deploymentIds if each in self.infos]
        return {"deploymentsInfo": found, "ResponseMetadata": {"HTTPHeaders": {"date": format_datetime(NOW)}}}

    def list_deployment_targets(self, deploymentId: str) -> dict[str, Any]:
        if deploymentId not in self.targets:
            raise ClientError({"Error": {"Code": "DeploymentNotStartedException"}}, "ListDeploymentTargets")
        return {"targetIds": ["demo:greeter"]}

    def batch_get_deployment_targets(self, deploymentId: str, targetIds: list[str]) -> dict[str, Any]:
        assert targetIds == ["demo:greeter"]
        return {"deploymentTargets": [{"ecsTarget": self.targets[deploymentId]}]}


def an_info(deployment_id: str = "d-AAAAAAAAA", status: str = "InProgress", **more: Any) -> dict[str, Any]:
    return {
        "deploymentId": deployment_id,
        "applicationName": "greeter",
        "deploymentGroupName": "greeter",
        "status": status,
        "description": "airdock greeter/production/0123456789ab attempt 0",
        "creator": "user",
        "createTime": NOW - timedelta(minutes=9),
        "autoRollbackConfiguration": {"enabled": True, "events": ["DEPLOYMENT_FAILURE"]},
        **more,
    }


def a_target(green: float, **events: str) -> dict[str, Any]:
    sets = [("BLUE", "Blue", 100 - green, "PRIMARY"), ("GREEN", "Green", green, "ACTIVE")]
    return {
        "lifecycleEvents": [{"lifecycleEventName": name, "status": status} for name, status in events.items()],
        "taskSetsInfo": [
            {
                "identifer": f"ecs-svc/{label}",
                "taskSetLabel": spelled,
                "trafficWeight": weight,
                "status": status,
                "runningCount": 1,
                "desiredCount": 1,
                "targetGroup": {"name": f"greeter-{spelled.lower()}"},
            }
            for label, spelled, weight, status in sets
        ],
    }


def read(fake: FakeCodeDeploy, deployment_id: str = "d-AAAAAAAAA") -> dict[str, Any]:
    return DeploymentWatch().read(lambda _: fake, [deployment_id])[deployment_id]


def test_facts_are_plain_json_with_events_and_weights() -> None:
    import json

    facts = read(FakeCodeDeploy(an_info(), targets={"d-AAAAAAAAA": a_target(10, Install="Succeeded")}))
    assert json.loads(json.dumps(facts)) == facts
    assert facts["weights"] == {"blue": 90, "green": 10}
    assert facts["events"] == [{"name": "Install", "status": "Succeeded", "message": ""}]
    assert facts["started_at"] == "2026-03-01T11:51:00+00:00"
    assert facts["task_sets"][1]["target_group"] == "greeter-green"


def test_a_deployment_that_has_not_begun_has_no_targets() -> None:
    facts = read(FakeCodeDeploy(an_info(status="Created")))
    assert (facts["events"], facts["weights"], facts["rollback"]) == ([], {}, None)
    assert not DeploymentWatch().finished(facts, {})


def test_an_unknown_id_is_left_out() -> None:
    assert DeploymentWatch().read(lambda _: FakeCodeDeploy(), ["d-AAAAAAAAA"]) == {}


def test_many_deployments_are_read_in_one_call_with_their_rollbacks_in_a_second() -> None:
    broken = an_info("d-BBBBBBBBB", "Failed", completeTime=NOW, rollbackInfo={"rollbackDeploymentId": "d-CCCCCCCCC"})
    fake = FakeCodeDeploy(an_info(), broken, an_info("d-CCCCCCCCC", creator="codeDeployRollback"))
    found = DeploymentWatch().read(lambda _: fake, ["d-AAAAAAAAA", "d-BBBBBBBBB"])
    assert fake.asked == [["d-AAAAAAAAA", "d-BBBBBBBBB"], ["d-CCCCCCCCC"]]
    assert found["d-AAAAAAAAA"]["rollback"] is None
    assert found["d-BBBBBBBBB"]["rollback"]["id"] == "d-CCCCCCCCC"


@pytest.mark.parametrize(
    ("rollback", "over"), [("Created", False), ("InProgress", False), ("Succeeded", True), ("Failed", True)]
)
def test_a_failed_deployment_is_over_when_its_rollback_is(rollback: str, over: bool) -> None:
    broken = an_info(status="Failed", completeTime=NOW, rollbackInfo={"rollbackDeploymentId": "d-CCCCCCCCC"})
    fake = FakeCodeDeploy(broken, an_info("d-CCCCCCCCC", rollback, completeTime=NOW))
    assert DeploymentWatch().finished(read(fake), {}) is over


@pytest.mark.parametrize(("enabled", "seconds_ago", "over"), [(True, 3, False), (True, 60, True), (False, 3, True)])
def test_a_rollback_that_is_not_named_yet_is_waited_for_a_little(enabled: bool, seconds_ago: int, over: bool) -> None:
    ended = NOW - timedelta(seconds=seconds_ago)
    info = an_info(status="Stopped", completeTime=ended, autoRollbackConfiguration={"enabled": enabled})
    assert DeploymentWatch().finished(read(FakeCodeDeploy(info)), {}) is over


def test_a_rollback_that_is_named_and_not_readable_yet_is_waited_for() -> None:
    ended = NOW - timedelta(minutes=5)
    info = an_info(status="Failed", completeTime=ended, rollbackInfo={"rollbackDeploymentId": "d-CCCCCCCCC"})
    assert not DeploymentWatch().finished(read(FakeCodeDeploy(info)), {})


@pytest.mark.parametrize(("option", "over"), [("traffic_shift", True), ("termination", False)])
def test_success_at_traffic_shift_does_not_wait_for_the_old_tasks_end(option: str, over: bool) -> None:
    targets = {"d-AAAAAAAAA": a_target(100, AllowTraffic="Succeeded", AfterAllowTraffic="Succeeded")}
    facts = read(FakeCodeDeploy(an_info(), targets=targets))
    assert DeploymentWatch().finished(facts, {"success_at": option}) is over


def test_success_at_traffic_shift_is_not_reached_while_traffic_moves() -> None:
    targets = {"d-AAAAAAAAA": a_target(10, AllowTraffic="InProgress", AfterAllowTraffic="Pending")}
    facts = read(FakeCodeDeploy(an_info(), targets=targets))
    assert not DeploymentWatch().finished(facts, {"success_at": "traffic_shift"})


def test_the_last_step_of_the_traffic_is_foreseen_from_when_it_began_to_move_by_awss_clock() -> None:
    target = a_target(10, AllowTraffic="InProgress")
    [event] = target["lifecycleEvents"]
    fake = FakeCodeDeploy(an_info(), targets={"d-AAAAAAAAA": target})
    assert DeploymentWatch().left_seconds(read(fake), {"shift_minutes": 5}) is None
    event["startTime"] = NOW - timedelta(seconds=280)
    facts = read(fake)
    assert DeploymentWatch().left_seconds(facts, {"shift_minutes": 5}) == 20
    assert DeploymentWatch().left_seconds(facts, {"shift_minutes": 4}) == -40
    assert DeploymentWatch().left_seconds(facts, {}) is None
    fake.infos["d-AAAAAAAAA"]["instanceTerminationWaitTimeStarted"] = True
    assert DeploymentWatch().left_seconds(read(fake), {"shift_minutes": 5}) is None


def test_throttling_is_a_fault() -> None:
    class Throttled(FakeCodeDeploy):
        def batch_get_deployments(self, deploymentIds: list[str]) -> dict[str, Any]:
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "BatchGetDeployments")

    with pytest.raises(Fault):
        read(Throttled())


def test_traffic_that_was_never_shifted_is_not_over() -> None:
    targets = {"d-AAAAAAAAA": a_target(0, Install="Failed", AllowTraffic="Skipped", AfterAllowTraffic="Skipped")}
    facts = read(FakeCodeDeploy(an_info(), targets=targets))
    assert not DeploymentWatch().finished(facts, {"success_at": "traffic_shift"})
