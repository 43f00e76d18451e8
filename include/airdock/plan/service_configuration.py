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
ROLLING_STAGES = frozenset({"RECONCILE_SERVICE", "PRE_SCALE_UP", "POST_SCALE_UP"})
"""All that a rolling update has: ECS refuses hooks at others."""


@dataclass(frozen=True, slots=True)
class ServiceConfiguration:
    """UpdateService's `deploymentConfiguration`, and what it means in one sentence."""

    request: Mapping[str, Any]
    sentence: str


def service_configuration(
    rollout: EcsRollout | RollingRollout, own: Mapping[str, Any] | None = None, *, pauses: bool = False
) -> ServiceConfiguration:
    """The whole configuration, so that nothing of an earlier strategy stays behind.

    `own`: the service's configuration as it is; its alarms and hooks stay where the rollout names none.
    `pauses`: whether ECS is to wait for an answer before each move of production traffic.
    """
    if isinstance(rollout, RollingRollout):
        return _rolling(rollout, own or {})
    moves, sentence = _moves(rollout.traffic)
    request = {
        **moves,
        "bakeTimeInMinutes": rollout.bake_minutes,
        "alarms": _alarms(rollout.alarms, own or {}),
        "lifecycleHooks": _hooks(rollout.hooks, own or {}) + ([_PAUSE] if pauses else []),
        "deploymentCircuitBreaker": {"enable": False, "rollback": False},
    }
    asked = ", each time after a look at the evidence" if pauses else ""
    return ServiceConfiguration(request, f"{sentence}{asked}; the old tasks stay {rollout.bake_minutes} minutes longer")


def way_back_configuration(rollout: EcsRollout | RollingRollout) -> ServiceConfiguration:
    """The quickest move to a version that has proved itself: no shares, no waits, no questions, no alarms."""
    if isinstance(rollout, RollingRollout):
        return _rolling(rollout.model_copy(update={"alarms": [], "hooks": []}), {})
    quick = {"traffic": BlueGreen(), "bake_minutes": 0, "alarms": [], "hooks": []}
    return service_configuration(rollout.model_copy(update=quick))


def guarded_again(own: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration that the service had before a way back, without Airdock's pause, which nobody would answer.

    {} where it had no alarm and no hook that the way back could have taken.
    """
    hooks = _hooks(None, own)
    return {**own, "lifecycleHooks": hooks} if hooks or guards(own) else {}


def guards(configuration: Mapping[str, Any]) -> list[str]:
    """The names of the alarms that a deployment configuration has switched on."""
    alarms = configuration.get("alarms") or {}
    return [str(name) for name in alarms.get("alarmNames", ())] if alarms.get("enable") else []


def pauses_of_others(configuration: Mapping[str, Any]) -> set[str]:
    """The stages at which a deployment pauses that are not Airdock's to answer."""
    hooks = configuration.get("lifecycleHooks") or ()
    paused = {stage for hook in hooks if hook.get("targetType") == "PAUSE" for stage in hook.get("lifecycleStages", ())}
    return paused - {PAUSE_STAGE}


def _rolling(rollout: RollingRollout, own: Mapping[str, Any]) -> ServiceConfiguration:
    breaker = rollout.circuit_breaker
    guard: dict[str, Any] = {"enable": breaker.enabled, "rollback": breaker.enabled}
    if breaker.enabled and breaker.threshold is not None:
        guard["thresholdConfiguration"] = {"type": "COUNT", "value": breaker.threshold}
    hooks = [hook for hook in _hooks(rollout.hooks, own) if ROLLING_STAGES.issuperset(hook["lifecycleStages"])]
    request = {
        "strategy": "ROLLING",
        "minimumHealthyPercent": rollout.minimum_healthy_percent,
        "maximumPercent": rollout.maximum_percent,
        "deploymentCircuitBreaker": guard,
        "alarms": _alarms(rollout.alarms, own),
        "lifecycleHooks": hooks,
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


def _alarms(names: list[str] | None, own: Mapping[str, Any]) -> dict[str, Any]:
    if names is None and own.get("alarms"):
        return dict(own["alarms"])
    return {"alarmNames": list(names or ()), "enable": bool(names), "rollback": bool(names)}


def _hooks(hooks: list[LambdaHook] | None, own: Mapping[str, Any]) -> list[dict[str, Any]]:
    if hooks is not None:
        return [_lambda(hook) for hook in hooks]
    return [dict(hook) for hook in own.get("lifecycleHooks") or () if not _is_ours(hook)]


def _is_ours(hook: Mapping[str, Any]) -> bool:
    return all(hook.get(name) == value for name, value in _PAUSE.items())


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
