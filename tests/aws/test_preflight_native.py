"""The preflight of a release that ECS deploys by itself."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airdock.aws.operators.preflight import PreflightOperator
from tests.blue_green import APPLICATION, CLUSTER
from tests.delivery import a_source, a_target, an_image, connect
from tests.fakes import a_context, run_task
from tests.local_aws_process import LocalAws
from tests.native_service import HELD_CANARY, NativeService
from tests.outcomes.greeter import put_hook

CANARY = {"strategy": "ecs", "traffic": {"type": "canary", "percent": 10, "wait_minutes": 1}, "bake_minutes": 0}


@pytest.fixture(scope="module")
def stage(local_aws: LocalAws) -> NativeService:
    return NativeService(local_aws)


@pytest.fixture(autouse=True)
def connected(stage: NativeService, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(stage.aws, monkeypatch)


def preflight(stage: NativeService, rollout: dict[str, Any], **target: Any) -> dict[str, dict[str, str]]:
    operator = PreflightOperator(
        task_id="preflight",
        application=APPLICATION,
        environment="production",
        target=a_target(rollout=rollout, **target),
        source=a_source(),
        build={"image": an_image(stage.image)},
    )
    record = run_task(operator, a_context("preflight"))
    return {each["name"]: each for each in record["checks"]} | {"difference": record["difference"]}


def route(stage: NativeService, **weights: int) -> None:
    """What the production rule does from now on."""
    groups = [{"TargetGroupArn": stage.target_groups[name], "Weight": weight} for name, weight in weights.items()]
    stage.aws.client("elbv2").modify_rule(
        RuleArn=stage.rules["production"], Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]
    )


def test_a_service_with_both_target_groups_passes_and_the_configuration_it_gets_is_told(stage: NativeService) -> None:
    told = preflight(stage, CANARY)
    looked_at = ("balancer settings", "balancer's role", "kind of balancer", "listener rule")
    assert {told[name]["finding"] for name in looked_at} == {"ok"}
    assert "~ service.deploymentConfiguration.strategy  ROLLING -> CANARY" in told["difference"]
    assert "+ service.deploymentConfiguration.canaryConfiguration.canaryPercent = 10" in told["difference"]


def test_a_rolling_update_asks_nothing_of_the_listener(stage: NativeService) -> None:
    told = preflight(stage, {"strategy": "rolling"})
    assert told["container and port"]["finding"] == "ok"
    assert told["target groups"] == {
        "name": "target groups",
        "finding": "ok",
        "sentence": "a balancer sends to greeter-blue",
    }
    assert "listener rule" not in told


HOOKS = "arn:aws:iam::123456789012:role/hooks"
ROLLOUTS: dict[str, dict[str, Any]] = {"ecs": CANARY, "rolling": {"strategy": "rolling"}}


@pytest.mark.parametrize("strategy", ROLLOUTS)
def test_a_hook_needs_its_function_and_the_role_that_calls_it(stage: NativeService, strategy: str) -> None:
    put_hook(stage.aws, f"asks-{strategy}", "def run(event, context): pass")

    def asking(function: str, role: str) -> dict[str, Any]:
        named = f"arn:aws:lambda:eu-west-1:123456789012:function:{function}"
        return {**ROLLOUTS[strategy], "hooks": [{"function": named, "role": role, "stages": ["PRE_SCALE_UP"]}]}

    told = preflight(stage, asking(f"asks-{strategy}", HOOKS))
    assert (told["hook"]["finding"], told["hook's role"]["finding"]) == ("ok", "ok")
    with pytest.raises(AirflowFailException, match=r"hook: there is no function .*:gone"):
        preflight(stage, asking("gone", HOOKS))
    with pytest.raises(AirflowFailException, match=r"hook's role: .*/deploy does not trust ecs\.amazonaws\.com"):
        preflight(stage, asking(f"asks-{strategy}", HOOKS.replace("hooks", "deploy")))


def test_a_rule_that_names_one_target_group_is_refused(stage: NativeService) -> None:
    route(stage, blue=1)
    with pytest.raises(AirflowFailException, match="listener rule: it does not name greeter-green"):
        preflight(stage, CANARY)
    route(stage, blue=1, green=0)


def test_a_rule_that_shares_the_traffic_is_refused(stage: NativeService) -> None:
    route(stage, blue=60, green=40)
    with pytest.raises(AirflowFailException, match=r"traffic: no single target group .*greeter-blue 60"):
        preflight(stage, CANARY)
    route(stage, blue=1, green=0)


def test_a_strategy_of_another_controller_is_refused(stage: NativeService) -> None:
    codedeploy = {"strategy": "codedeploy", "application": "greeter", "deployment_group": "greeter"}
    with pytest.raises(AirflowFailException, match="service has ECS, and the strategy codedeploy needs CODE_DEPLOY"):
        preflight(stage, codedeploy)


def test_an_alarm_of_the_pipeline_that_does_not_exist_is_refused(stage: NativeService) -> None:
    with pytest.raises(AirflowFailException, match="alarm: there is no alarm gone"):
        preflight(stage, {**CANARY, "alarms": ["gone"]})


def test_an_alarm_of_the_services_own_is_looked_at_where_the_pipeline_names_none(stage: NativeService) -> None:
    def guarded_by(*names: str) -> None:
        alarms = {"alarmNames": list(names), "enable": bool(names), "rollback": bool(names)}
        where = {"cluster": CLUSTER, "service": APPLICATION}
        stage.ecs.update_service(**where, deploymentConfiguration={"alarms": alarms})

    guarded_by("gone")
    with pytest.raises(AirflowFailException, match="alarm: there is no alarm gone"):
        preflight(stage, CANARY)
    assert "alarm" not in preflight(stage, {**CANARY, "alarms": []})
    guarded_by()


def test_test_traffic_that_a_check_or_a_hook_counts_on_needs_a_rule_for_it(stage: NativeService) -> None:
    check = {"name": "greeting", "kind": "http", "url": "http://127.0.0.1/", "test_listener": True}
    hook = {"function": "says-yes", "role": "arn:aws:iam::123456789012:role/hooks"}
    hooked = {**CANARY, "hooks": [{**hook, "stages": ["POST_TEST_TRAFFIC_SHIFT"]}]}
    where = {"cluster": CLUSTER, "service": APPLICATION}
    assert preflight(stage, CANARY, analysis={"checks": [check]})["test listener"]["finding"] == "ok"
    balanced = stage.balanced()
    del balanced["advancedConfiguration"]["testListenerRule"]
    stage.ecs.update_service(**where, loadBalancers=[balanced])
    stage.ended(stage.deployments()[0]["serviceDeploymentArn"])
    with pytest.raises(AirflowFailException, match="test listener: the check greeting needs test traffic"):
        preflight(stage, CANARY, analysis={"checks": [check]})
    with pytest.raises(
        AirflowFailException, match="hook at POST_TEST_TRAFFIC_SHIFT needs test traffic, and the service"
    ):
        preflight(stage, hooked)
    assert "test listener" not in preflight(stage, CANARY)
    stage.ecs.update_service(**where, loadBalancers=[stage.balanced()])
    stage.ended(stage.deployments()[0]["serviceDeploymentArn"])


def test_a_deployment_under_way_is_told_and_its_shift_is_no_refusal(stage: NativeService) -> None:
    running = stage.update(stage.task_definition("v2"), **HELD_CANARY)
    stage.shifted(running, 10)
    told = preflight(stage, CANARY)
    assert told["running deployment"]["sentence"].startswith(f"{running} is under way")
    assert told["traffic"]["finding"] == "unknown"
    stage.ecs.stop_service_deployment(serviceDeploymentArn=running, stopType="ROLLBACK")
    stage.ended(running)
