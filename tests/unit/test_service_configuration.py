"""What ECS is asked for, checked against botocore's own model."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.session import Session
from botocore.validate import ParamValidator
from pydantic import ValidationError

from airdock.plan.service_configuration import guarded_again, service_configuration, way_back_configuration
from airdock.spec import Environment

ROLE = "arn:aws:iam::123456789012:role/hooks"
HOOK = {"function": "arn:aws:lambda:eu-west-1:1:function:ask", "role": ROLE, "stages": ["POST_TEST_TRAFFIC_SHIFT"]}
ROLLING_HOOK = {**HOOK, "stages": ["PRE_SCALE_UP"]}
ROLLOUTS: list[dict[str, Any]] = [
    {"strategy": "rolling"},
    {"strategy": "rolling", "circuit_breaker": {"threshold": 5}, "alarms": ["5xx"], "hooks": [ROLLING_HOOK]},
    {"strategy": "ecs"},
    {"strategy": "ecs", "traffic": {"type": "canary"}, "alarms": ["5xx"], "hooks": [HOOK]},
    {"strategy": "ecs", "traffic": {"type": "linear", "percent": 20.0, "every_minutes": 2}},
]


def rollout(told: dict[str, Any]) -> Any:
    return Environment.model_validate({"cluster": "demo", "service": "greeter", "rollout": told}).rollout


@pytest.mark.parametrize("told", ROLLOUTS)
def test_every_configuration_is_one_that_botocore_accepts(told: dict[str, Any]) -> None:
    shape = Session().get_service_model("ecs").shape_for("DeploymentConfiguration")
    for made in (service_configuration(rollout(told)), way_back_configuration(rollout(told))):
        assert not ParamValidator().validate(dict(made.request), shape).has_errors()
        assert made.sentence


def test_pauses_come_before_each_move_of_production_traffic_and_roll_back_without_an_answer() -> None:
    request = service_configuration(rollout(ROLLOUTS[4]), pauses=True).request
    [pause] = request["lifecycleHooks"]
    assert (pause["targetType"], pause["lifecycleStages"]) == ("PAUSE", ["PRE_PRODUCTION_TRAFFIC_SHIFT"])
    assert pause["timeoutConfiguration"]["action"] == "ROLLBACK"


def test_a_rolling_update_asks_its_hooks_and_the_way_back_asks_nobody() -> None:
    wanted = rollout(ROLLOUTS[1])
    [hook] = service_configuration(wanted).request["lifecycleHooks"]
    assert (hook["hookTargetArn"], hook["lifecycleStages"]) == (HOOK["function"], ["PRE_SCALE_UP"])
    assert way_back_configuration(wanted).request["lifecycleHooks"] == []


def test_a_rolling_update_has_no_stage_of_a_traffic_shift() -> None:
    with pytest.raises(ValidationError, match="no stage POST_TEST_TRAFFIC_SHIFT, only PRE_SCALE_UP and POST_SCALE_UP"):
        rollout({"strategy": "rolling", "hooks": [HOOK]})


def test_the_way_back_waits_for_nothing_and_asks_nobody() -> None:
    request = way_back_configuration(rollout(ROLLOUTS[3])).request
    assert (request["strategy"], request["bakeTimeInMinutes"], request["lifecycleHooks"]) == ("BLUE_GREEN", 0, [])
    assert not request["alarms"]["enable"]


OWN: dict[str, Any] = {
    "strategy": "CANARY",
    "alarms": {"alarmNames": ["5xx"], "enable": True, "rollback": False},
    "lifecycleHooks": [
        {"targetType": "AWS_LAMBDA", "hookTargetArn": "ask", "roleArn": ROLE, "lifecycleStages": ["PRE_SCALE_UP"]}
    ],
}


@pytest.mark.parametrize("told", [{"strategy": "rolling"}, {"strategy": "ecs"}])
def test_what_the_pipeline_leaves_out_is_the_services_own(told: dict[str, Any]) -> None:
    request = service_configuration(rollout(told), OWN).request
    assert (request["alarms"], request["lifecycleHooks"]) == (OWN["alarms"], OWN["lifecycleHooks"])


@pytest.mark.parametrize("told", [{"strategy": "rolling"}, {"strategy": "ecs"}])
def test_an_empty_list_is_none_at_all(told: dict[str, Any]) -> None:
    request = service_configuration(rollout({**told, "alarms": [], "hooks": []}), OWN).request
    assert (request["alarms"]["enable"], request["lifecycleHooks"]) == (False, [])


def test_airdocks_pause_comes_and_goes_beside_the_services_own_hooks() -> None:
    wanted = rollout({"strategy": "ecs"})
    paused = service_configuration(wanted, OWN, pauses=True).request
    assert [hook["targetType"] for hook in paused["lifecycleHooks"]] == ["AWS_LAMBDA", "PAUSE"]
    assert service_configuration(wanted, paused, pauses=True).request["lifecycleHooks"] == paused["lifecycleHooks"]
    assert service_configuration(wanted, paused).request["lifecycleHooks"] == OWN["lifecycleHooks"]
    assert guarded_again(paused)["lifecycleHooks"] == OWN["lifecycleHooks"]


def test_a_rolling_update_takes_no_hook_of_a_stage_that_it_does_not_have() -> None:
    own = {"lifecycleHooks": [{**OWN["lifecycleHooks"][0], "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"]}]}
    assert service_configuration(rollout({"strategy": "rolling"}), own).request["lifecycleHooks"] == []


def test_a_service_that_had_no_guard_gets_none_after_the_way_back() -> None:
    assert guarded_again({"strategy": "ROLLING", "alarms": {"alarmNames": [], "enable": False}}) == {}
