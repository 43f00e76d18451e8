"""Deployment groups that CodeDeploy takes and refuses, and the plan that a deployment gets from one."""

import copy
import threading
from typing import Any

import pytest

from local_aws.clock import Clock, Wakeups
from local_aws.codedeploy.appspec import AppSpec
from local_aws.codedeploy.creation import SHORTEST_GREEN_SECONDS, new_document
from local_aws.codedeploy.groups import check, completed
from local_aws.codedeploy.progress import Plan, plan_from
from local_aws.codedeploy.refusals import Refused
from local_aws.codedeploy.traffic import canary

GROUP: dict[str, Any] = {
    "region": "eu-west-1",
    "deploymentGroupId": "id",
    "serviceRoleArn": "arn:aws:iam::123456789012:role/deploy",
    "deploymentStyle": {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
    "ecsServices": [{"clusterName": "demo", "serviceName": "greeter"}],
    "loadBalancerInfo": {
        "targetGroupPairInfoList": [
            {
                "targetGroups": [{"name": "blue"}, {"name": "green"}],
                "prodTrafficRoute": {"listenerArns": ["arn:production"]},
                "testTrafficRoute": {"listenerArns": ["arn:test"]},
            }
        ]
    },
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The group with one member, named by its path, set."""
    group = copy.deepcopy(GROUP)
    *parents, last = path.split(".")
    place: Any = group
    for name in parents:
        place = place[int(name)] if name.isdigit() else place.setdefault(name, {})
    place[last] = value
    return group


PAIR = "loadBalancerInfo.targetGroupPairInfoList.0"
TERMINATE = "blueGreenDeploymentConfiguration.terminateBlueInstancesOnDeploymentSuccess"


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("serviceRoleArn", "", "RoleRequiredException"),
        ("deploymentStyle.deploymentType", "IN_PLACE", "InvalidDeploymentStyleException"),
        ("ecsServices", [], "InvalidECSServiceException"),
        ("loadBalancerInfo.elbInfoList", [{"name": "old"}], "InvalidLoadBalancerInfoException"),
        ("loadBalancerInfo.targetGroupPairInfoList", [], "InvalidLoadBalancerInfoException"),
        (f"{PAIR}.targetGroups", [{"name": "blue"}], "InvalidTargetGroupPairException"),
        (f"{PAIR}.prodTrafficRoute", {}, "InvalidTargetGroupPairException"),
        (f"{TERMINATE}.terminationWaitTimeInMinutes", 2881, "InvalidBlueGreenDeploymentConfigurationException"),
        ("alarmConfiguration", {"enabled": True, "alarms": []}, "InvalidAlarmConfigException"),
        ("alarmConfiguration", {"alarms": [{"name": "x"}] * 11}, "AlarmsLimitExceededException"),
        ("autoRollbackConfiguration", {"enabled": True, "events": ["NEVER"]}, "InvalidAutoRollbackConfigException"),
    ],
)
def test_group_that_codedeploy_would_refuse_is_refused_by_the_same_name(path: str, value: Any, code: str) -> None:
    with pytest.raises(Refused) as refused:
        check(changed(path, value))
    assert refused.value.code == code


def test_group_without_options_gets_codedeploys_defaults() -> None:
    check(GROUP)
    group = completed(GROUP)
    assert group["deploymentConfigName"] == "CodeDeployDefault.ECSAllAtOnce"
    options = group["blueGreenDeploymentConfiguration"]
    assert options["deploymentReadyOption"]["actionOnTimeout"] == "CONTINUE_DEPLOYMENT"
    assert options["terminateBlueInstancesOnDeploymentSuccess"]["terminationWaitTimeInMinutes"] == 0


def plan(group: dict[str, Any], minute_seconds: float = 3.0, **request: Any) -> Plan:
    """The plan of a deployment that is created now."""
    clock = Clock(minute_seconds, Wakeups(), threading.Event())
    names = {"applicationName": "greeter", "deploymentGroupName": "greeter"}
    appspec = AppSpec("greeter:1", "web", 8080)
    document = new_document("d-NEW000000", {**names, **request}, completed(group), canary(10, 5), appspec, clock)
    return plan_from(document["plan"])


def test_plan_counts_in_scaled_seconds() -> None:
    made = plan(changed(f"{TERMINATE}.terminationWaitTimeInMinutes", 2))
    assert made.schedule == ((10, 15.0), (100, 0.0))
    assert (made.termination_seconds, made.ready_seconds) == (6.0, None)
    assert (made.hook_timeout_seconds, made.green_timeout_seconds) == (180.0, 30.0)
    assert made.has_test_route


def test_green_timeout_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_AWS_GREEN_TIMEOUT_MINUTES", "60")
    assert plan(GROUP).green_timeout_seconds == 180.0


def test_replacement_has_the_time_that_its_programs_need_to_start_however_fast_the_clock() -> None:
    assert plan(GROUP, minute_seconds=0.1).green_timeout_seconds == SHORTEST_GREEN_SECONDS


def test_request_overrides_the_groups_alarms_and_rollback() -> None:
    group = changed("alarmConfiguration", {"enabled": True, "alarms": [{"name": "usual"}]})
    group["autoRollbackConfiguration"] = {"enabled": True, "events": ["DEPLOYMENT_FAILURE"]}
    assert (plan(group).alarms, plan(group).rollback_on) == (("usual",), ("DEPLOYMENT_FAILURE",))
    override = {"enabled": True, "alarms": [{"name": "special"}]}
    made = plan(group, overrideAlarmConfiguration=override, autoRollbackConfiguration={"enabled": False})
    assert (made.alarms, made.rollback_on) == (("special",), ())


def test_kept_alive_original_is_never_terminated() -> None:
    assert plan(changed(f"{TERMINATE}.action", "KEEP_ALIVE")).termination_seconds is None
