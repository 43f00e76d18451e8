"""What is read of a service deployment, from ECS's own shapes."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from airdock.aws.watch.service_deployment import ServiceDeploymentWatch

ARN = "arn:aws:ecs:eu-west-1:1:service-deployment/demo/greeter/abc"


def read(known: dict[str, Any] | None = None, **told: Any) -> dict[str, Any]:
    """The facts of one deployment under way, of which ECS tells this besides; `known`: those of an earlier look."""
    deployment = {
        "serviceDeploymentArn": ARN,
        "serviceArn": "arn:service",
        "clusterArn": "arn:cluster",
        "status": "IN_PROGRESS",
        "createdAt": datetime(2026, 3, 1, tzinfo=UTC),
        "targetServiceRevision": {"arn": "arn:new"},
        **told,
    }
    ecs = SimpleNamespace(
        describe_service_deployments=lambda **_: {"serviceDeployments": [deployment]},
        describe_service_revisions=lambda **_: {"serviceRevisions": []},
        describe_services=lambda **_: {"services": []},
    )
    return ServiceDeploymentWatch().reread(lambda _: ecs, [ARN], {ARN: known} if known else {})[ARN]


@pytest.mark.parametrize(("enabled", "names"), [(True, ["greeter-5xx"]), (False, [])])
def test_the_alarms_of_the_deployment_are_those_that_it_was_asked_with(enabled: bool, names: list[str]) -> None:
    alarms = {"alarmNames": ["greeter-5xx"], "enable": enabled, "rollback": True}
    facts = read(deploymentConfiguration={"alarms": alarms}, alarms={"status": "DISABLED"})
    assert facts["alarms"] == {"status": "DISABLED", "triggered": [], "names": names}


@pytest.mark.parametrize(
    ("stage", "waiting"), [("PRE_PRODUCTION_TRAFFIC_SHIFT", ["ecs-pause-1"]), ("POST_SCALE_UP", [])]
)
def test_a_pause_of_the_services_own_waits_for_people(stage: str, waiting: list[str]) -> None:
    hooks = [
        {"targetType": "PAUSE", "lifecycleStages": ["PRE_PRODUCTION_TRAFFIC_SHIFT"]},
        {"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"]},
    ]
    asks = {"hookId": "ecs-pause-1", "targetType": "PAUSE", "status": "AWAITING_ACTION"}
    facts = read(lifecycleStage=stage, lifecycleHookDetails=[asks], deploymentConfiguration={"lifecycleHooks": hooks})
    assert facts["waiting"] == waiting


def test_that_somebody_asked_for_the_rollback_is_remembered_when_the_status_has_gone_on() -> None:
    assert not read()["rollback_requested"]
    asked = read(status="ROLLBACK_REQUESTED")
    assert read(asked, status="ROLLBACK_IN_PROGRESS")["rollback_requested"]
    assert not read(status="ROLLBACK_IN_PROGRESS")["rollback_requested"]
