"""From the rollout that a pipeline asks for to ECS's DeploymentConfiguration.

Shapes and limits: Amazon ECS API Reference, DeploymentConfiguration and DeploymentLifecycleHook.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airdock.spec.ecs_rollout import BlueGreen, EcsRollout, LambdaHook, NativeCanary, NativeLinear, RollingRollout

PAUSE_STAGE = "PRE_PRODUCTION_TRAFFIC_SHIFT"
"""Where ECS asks before every move of production traffic, each time with a new hook id."""
PAUSE_MINUTES = 60
"""How long ECS waits for an answer; without one it rolls back."""


@dataclass(frozen=True, slots=True)
class ServiceConfiguration:
    """UpdateService's `deploymentConfiguration`, and what it means in one sentence."""

    request: Mapping[str, Any]
    sentence: str


def service_configuration(rollout: EcsRollout | RollingRollout, *, pauses: bool = False) -> ServiceConfiguration:
    """The whole configuration, so that nothing of an earlier strategy stays behind.

    `pauses`: whether ECS is to wait for an answer before each move of production traffic.
    """
    if isinstance(rollout, RollingRollout):
        return _rolling(rollout)
    moves, sentence = _moves(rollout.traffic)
    hooks = [_lambda(hook) for hook in rollout.hooks] + ([_PAUSE] if pauses else [])
    request = {
        **moves,
        "bakeTimeInMinutes": rollout.bake_minutes,
        "alarms": _alarms(rollout.alarms),
        "lifecycleHooks": hooks,
        "deploymentCircuitBreaker": {"enable": False, "rollback": False},
    }
    asked = ", each time after a look at the evidence" if pauses else ""
    return ServiceConfiguration(request, f"{sentence}{asked}; the old tasks stay {rollout.bake_minutes} minutes longer")


def way_back_configuration(rollout: EcsRollout | RollingRollout) -> ServiceConfiguration:
    """The quickest move to a version that has proved itself: no shares, no waits, no questions, no alarms."""
    if isinstance(rollout, RollingRollout):
        return _rolling(rollout.model_copy(update={"alarms": [], "hooks": []}))
    quick = {"traffic": BlueGreen(), "bake_minutes": 0, "alarms": [], "hooks": []}
    return service_configuration(rollout.model_copy(update=quick))


def _rolling(rollout: RollingRollout) -> ServiceConfiguration:
    breaker = rollout.circuit_breaker
    guard: dict[str, Any] = {"enable": breaker.enabled, "rollback": breaker.enabled}
    if breaker.enabled and breaker.threshold is not None:
        guard["thresholdConfiguration"] = {"type": "COUNT", "value": breaker.threshold}
    request = {
        "strategy": "ROLLING",
        "minimumHealthyPercent": rollout.minimum_healthy_percent,
        "maximumPercent": rollout.maximum_percent,
        "deploymentCircuitBreaker": guard,
        "alarms": _alarms(rollout.alarms),
        "lifecycleHooks": [_lambda(hook) for hook in rollout.hooks],
    }
    told = f"{rollout.minimum_healthy_percent} % of the service stays healthy, {rollout.maximum_percent} % runs at most"
    return ServiceConfiguration(request, f"new tasks replace old ones: {told}")


def _moves(traffic: BlueGreen | NativeCanary | NativeLinear) -> tuple[dict[str, Any], str]:
    match traffic:
        case NativeCanary():
            steps = {"canaryPercent": traffic.percent, "canaryBakeTimeInMinutes": traffic.wait_minutes}
            told = f"{traffic.percent:g} % of the traffic moves first, the rest {traffic.wait_minutes} minutes later"
            return {"strategy": "CANARY", "canaryConfiguration": steps}, told
        case NativeLinear():
            steps = {"stepPercent": traffic.percent, "stepBakeTimeInMinutes": traffic.every_minutes}
            told = f"{traffic.percent:g} % of the traffic moves every {traffic.every_minutes} minutes"
            return {"strategy": "LINEAR", "linearConfiguration": steps}, told
    return {"strategy": "BLUE_GREEN"}, "all traffic moves in one step"


def _alarms(names: list[str]) -> dict[str, Any]:
    return {"alarmNames": list(names), "enable": bool(names), "rollback": bool(names)}


def _lambda(hook: LambdaHook) -> dict[str, Any]:
    told = {
        "targetType": "AWS_LAMBDA",
        "hookTargetArn": hook.function,
        "roleArn": hook.role,
        "lifecycleStages": list(hook.stages),
    }
    return {**told, "hookDetails": hook.details} if hook.details else told


_PAUSE = {
    "targetType": "PAUSE",
    "lifecycleStages": [PAUSE_STAGE],
    "timeoutConfiguration": {"timeoutInMinutes": PAUSE_MINUTES, "action": "ROLLBACK"},
}
