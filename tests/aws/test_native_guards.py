"""The alarms and hooks that somebody else has set on a service, through deliveries and ways back of ECS's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.delivery import connect
from tests.local_aws_process import LocalAws
from tests.native_run import Run
from tests.native_service import NativeService
from tests.outcomes.greeter import put_alarm, put_hook

HOOK = "def run(event, context):\n    return {'hookStatus': 'SUCCEEDED'}\n"
ROLE = "arn:aws:iam::123456789012:role/hooks"
ALARMS = {"alarmNames": ["greeter-5xx"], "enable": True, "rollback": True}
ROLLOUTS: list[dict[str, Any]] = [{"strategy": "rolling"}, {"strategy": "ecs", "bake_minutes": 0}]


@pytest.fixture
def stage(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[NativeService]:
    """A service with an alarm and a hook, as infrastructure code has set them."""
    aws = LocalAws(tmp_path / "aws", minute_seconds=0.5).start()
    try:
        connect(aws, monkeypatch)
        put_alarm(aws, "greeter-5xx", Namespace="Greeter", MetricName="Errors")
        put_hook(aws, "says-yes", HOOK)
        hook = {"targetType": "AWS_LAMBDA", "hookTargetArn": "says-yes", "roleArn": ROLE}
        yield NativeService(aws, alarms=ALARMS, lifecycleHooks=[{**hook, "lifecycleStages": ["PRE_SCALE_UP"]}])
    finally:
        aws.end()


def guarded_by(stage: NativeService) -> tuple[Any, list[str]]:
    """The service's alarms, and the functions of its hooks."""
    told = stage.service()["deploymentConfiguration"]
    return told.get("alarms"), [hook["hookTargetArn"] for hook in told.get("lifecycleHooks", ())]


@pytest.mark.parametrize("rollout", ROLLOUTS, ids=lambda rollout: rollout["strategy"])
def test_what_the_pipeline_leaves_out_stays_through_a_delivery_and_its_way_back(
    stage: NativeService, rollout: dict[str, Any]
) -> None:
    run = Run(stage, rollout)
    run.deploy()
    assert guarded_by(stage) == (ALARMS, ["says-yes"])
    run.roll_back()
    assert guarded_by(stage) == (ALARMS, ["says-yes"])
    assert stage.service()["taskDefinition"] == run.before
    assert stage.states(stage.deployments()[0]["serviceDeploymentArn"])[-1] == "SUCCESSFUL"
    assert len(stage.deployments()) == 3, "the first, the delivery, and the way back"


def test_an_empty_list_switches_them_off(stage: NativeService) -> None:
    Run(stage, {"strategy": "rolling", "alarms": [], "hooks": []}).deploy()
    alarms, hooks = guarded_by(stage)
    assert (alarms["enable"], hooks) == (False, [])
