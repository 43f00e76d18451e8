"""Whether a deployment group's waits and its test listener fit the delivery: CreateDeployment can change none of them.

Rules: AWS CodeDeploy API Reference, DeploymentReadyOption and BlueInstanceTerminationOption; AWS CodeDeploy User Guide,
"AppSpec 'hooks' section for an Amazon ECS deployment".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from airdock.plan.preflight import Check, ok, refused, unknown
from airdock.spec.deadline import START_MINUTES

if TYPE_CHECKING:
    from airdock.spec.codedeploy_rollout import CodeDeployRollout

TEST_HOOK = "AfterAllowTestTraffic"


def shift_minutes(configuration: Mapping[str, Any]) -> int:
    """How long a deployment configuration's shift waits in all."""
    routing = configuration.get("trafficRoutingConfig") or {}
    linear = routing.get("timeBasedLinear") or {}
    steps = -(-100 // int(linear["linearPercentage"])) - 1 if linear else 1
    waits = linear.get("linearInterval") or (routing.get("timeBasedCanary") or {}).get("canaryInterval") or 0
    return steps * int(waits)


def check_shift_time(minutes: int, rollout: CodeDeployRollout, told: str) -> Check:
    """`minutes`: what the shift waits in all; `told`: how the traffic moves."""
    if minutes < rollout.deadline_minutes:
        return ok("shift", told)
    return refused("shift", f"{told}, which takes {minutes} minutes: {_deadline(rollout, minutes)}")


def check_ready_wait(group: Mapping[str, Any], shift: int, rollout: CodeDeployRollout) -> Check:
    """What happens before the traffic moves. `shift`: the minutes that the shift waits after it."""
    name, ready = "ready wait", _option(group, "deploymentReadyOption")
    if ready.get("actionOnTimeout") != "STOP_DEPLOYMENT":
        return ok(name, "traffic moves once the new tasks are ready")
    minutes = int(ready.get("waitTimeInMinutes") or 0)
    told = f"the group stops a deployment that nobody continues within {minutes} minutes (STOP_DEPLOYMENT)"
    if minutes + shift < rollout.deadline_minutes:
        return unknown(name, f"{told}, and Airdock does not: with CONTINUE_DEPLOYMENT nobody has to")
    mend = "set CONTINUE_DEPLOYMENT in its deploymentReadyOption, or a shorter wait"
    return refused(name, f"{told}, too late for the delivery: {mend}; {_deadline(rollout, minutes + shift)}")


def check_termination_wait(group: Mapping[str, Any], shift: int, rollout: CodeDeployRollout) -> Check:
    """What happens after the traffic has moved, and whether the delivery sees its end."""
    name, option = "termination wait", _option(group, "terminateBlueInstancesOnDeploymentSuccess")
    if option.get("action") == "KEEP_ALIVE":
        return ok(name, "the group keeps the old tasks")
    minutes = int(option.get("terminationWaitTimeInMinutes") or 0)
    told = f"the old tasks end {minutes} minutes after the shift"
    if rollout.success_at == "traffic_shift" or minutes + shift < rollout.deadline_minutes:
        return ok(name, told)
    late = "the release counts as live at its deadline, without having seen that"
    mend = f"use `success_at: traffic_shift`; {_deadline(rollout, minutes + shift)}"
    return unknown(name, f"{told}, and {late}: {mend}")


def check_hooks(hooks: Collection[str], group: Mapping[str, Any]) -> Check:
    """Whether each of the AppSpec's hooks, by its event, will run."""
    pairs = (group.get("loadBalancerInfo") or {}).get("targetGroupPairInfoList") or [{}]
    if TEST_HOOK in hooks and not (pairs[0].get("testTrafficRoute") or {}).get("listenerArns"):
        told = f"the AppSpec has {TEST_HOOK}, and the group has no test listener, without which it never runs"
        return refused("hooks", f"{told}: set testTrafficRoute in the group, or use another event")
    return ok("hooks", ", ".join(hooks) or "none")


def _option(group: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    option: Mapping[str, Any] = (group.get("blueGreenDeploymentConfiguration") or {}).get(name) or {}
    return option


def _deadline(rollout: CodeDeployRollout, minutes: int) -> str:
    return f"`deadline_minutes` is {rollout.deadline_minutes}, and {minutes + START_MINUTES} would do"
