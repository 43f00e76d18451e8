"""Whether a deployment group's waits and hooks fit the delivery, before anything has begun."""

from __future__ import annotations

from typing import Any

import pytest

from airdock.plan.preflight import Finding
from airdock.plan.preflight_waits import (
    check_hooks,
    check_ready_wait,
    check_shift_time,
    check_termination_wait,
    shift_minutes,
)
from airdock.plan.traffic import traffic_configuration
from airdock.spec.codedeploy_rollout import CodeDeployRollout


def a_rollout(**words: Any) -> CodeDeployRollout:
    told = {"strategy": "codedeploy", "application": "greeter", "deployment_group": "greeter"}
    return CodeDeployRollout.model_validate({**told, **words})


def a_group(ready: Any = None, termination: Any = None) -> dict[str, Any]:
    waits = {"deploymentReadyOption": ready, "terminateBlueInstancesOnDeploymentSuccess": termination}
    return {"blueGreenDeploymentConfiguration": waits}


def stops(minutes: int) -> dict[str, Any]:
    return {"actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": minutes}


def ends(minutes: int) -> dict[str, Any]:
    return {"action": "TERMINATE", "terminationWaitTimeInMinutes": minutes}


@pytest.mark.parametrize(
    "traffic",
    [
        {"type": "canary", "percent": 20, "wait_minutes": 7},
        {"type": "linear", "percent": 10, "every_minutes": 2},
        {"type": "linear", "percent": 33, "every_minutes": 2},
    ],
)
def test_a_configuration_takes_as_long_as_the_pipelines_own_words_say(traffic: dict[str, Any]) -> None:
    rollout = a_rollout(traffic=traffic)
    definition = traffic_configuration(rollout.traffic).definition
    assert definition is not None
    assert shift_minutes(definition) == rollout.traffic.minutes  # type: ignore[union-attr]


def test_all_at_once_takes_no_time() -> None:
    assert shift_minutes({"trafficRoutingConfig": {"type": "AllAtOnce"}}) == shift_minutes({}) == 0


def test_a_shift_beyond_the_deadline_is_refused() -> None:
    rollout = a_rollout(deadline_minutes=20)
    assert check_shift_time(19, rollout, "traffic moves as X says").finding is Finding.OK
    late = check_shift_time(27, rollout, "traffic moves as X says")
    assert late.finding is Finding.REFUSED
    told = "traffic moves as X says, which takes 27 minutes: `deadline_minutes` is 20, and 37 would do"
    assert late.sentence == told


@pytest.mark.parametrize("ready", [None, {"actionOnTimeout": "CONTINUE_DEPLOYMENT", "waitTimeInMinutes": 500}])
def test_a_group_that_goes_on_by_itself_has_no_ready_wait(ready: Any) -> None:
    assert check_ready_wait(a_group(ready), 0, a_rollout()).finding is Finding.OK


def test_a_group_that_stops_unless_somebody_continues_is_told() -> None:
    told = check_ready_wait(a_group(stops(30)), 20, a_rollout())
    assert told.finding is Finding.UNKNOWN
    assert "nobody continues within 30 minutes (STOP_DEPLOYMENT)" in told.sentence
    assert "CONTINUE_DEPLOYMENT" in told.sentence


@pytest.mark.parametrize(("wait", "shift"), [(60, 0), (2880, 0), (45, 15)])
def test_a_ready_wait_that_the_deadline_breaks_off_is_refused(wait: int, shift: int) -> None:
    told = check_ready_wait(a_group(stops(wait)), shift, a_rollout())
    assert told.finding is Finding.REFUSED
    assert "set CONTINUE_DEPLOYMENT in its deploymentReadyOption" in told.sentence
    assert f"`deadline_minutes` is 60, and {wait + shift + 10} would do" in told.sentence


def test_a_termination_wait_beyond_the_deadline_is_told_unless_nobody_waits_for_it() -> None:
    told = check_termination_wait(a_group(termination=ends(50)), 10, a_rollout())
    assert told.finding is Finding.UNKNOWN
    assert "use `success_at: traffic_shift`; `deadline_minutes` is 60, and 70 would do" in told.sentence
    shift = a_rollout(success_at="traffic_shift")
    assert check_termination_wait(a_group(termination=ends(2880)), 10, shift).finding is Finding.OK
    assert check_termination_wait(a_group(termination=ends(49)), 10, a_rollout()).finding is Finding.OK
    kept = {"action": "KEEP_ALIVE", "terminationWaitTimeInMinutes": 2880}
    assert check_termination_wait(a_group(termination=kept), 0, a_rollout()).finding is Finding.OK


def test_a_hook_of_test_traffic_needs_a_test_listener() -> None:
    pair = {"testTrafficRoute": {"listenerArns": ["arn:test"]}}
    with_listener = {"loadBalancerInfo": {"targetGroupPairInfoList": [pair]}}
    without = {"loadBalancerInfo": {"targetGroupPairInfoList": [{}]}}
    assert check_hooks(["AfterAllowTestTraffic"], with_listener).finding is Finding.OK
    assert check_hooks(["BeforeAllowTraffic"], without).finding is Finding.OK
    told = check_hooks(["AfterAllowTestTraffic"], without)
    assert told.finding is Finding.REFUSED
    assert "set testTrafficRoute in the group" in told.sentence
