"""What ECS refuses of a deployment configuration; the limits are those of the API reference."""

from __future__ import annotations

from collections.abc import Sequence

from local_aws.ecs.records import Document
from local_aws.ecs.refusals import InvalidParameterError, UnsupportedFeatureError
from local_aws.ecs.rollouts.planning import pair

STRATEGIES = ("ROLLING", "BLUE_GREEN", "LINEAR", "CANARY")
_OWN = {"linearConfiguration": "LINEAR", "canaryConfiguration": "CANARY"}
_DROPPED = {**_OWN, "earlySuccessCriteria": "ROLLING"}
_NOT_FOR_PAUSE = {"TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"}
_OF_ROLLING = {"RECONCILE_SERVICE", "PRE_SCALE_UP", "POST_SCALE_UP"}
_LEFT_BEHIND = ("lifecycleHooks", "bakeTimeInMinutes")
_MONITORS = ("deploymentCircuitBreaker", "alarms")
MOST_HOOKS = 10
MOST_BAKE_MINUTES = 1440


def configured(before: Document, given: Document) -> Document:
    """A configuration after an update: what is not given stays, unless another strategy has no use for it."""
    whole = {**before, **given}
    strategy = strategy_of(whole)
    dropped = {name for name, owner in _DROPPED.items() if owner != strategy}
    if strategy == "ROLLING" and strategy_of(before) != "ROLLING":
        dropped |= set(_LEFT_BEHIND)
    return {name: value for name, value in whole.items() if name not in dropped or name in given}


def strategy_of(config: Document) -> str:
    """The strategy of a deployment configuration."""
    return str(config.get("strategy") or "ROLLING")


def check_configuration(config: Document, controller: str, balancers: Sequence[Document]) -> None:
    """Raises InvalidParameterError for a configuration that doesn't fit together."""
    strategy = strategy_of(config)
    if strategy not in STRATEGIES:
        raise InvalidParameterError(f"Invalid deployment strategy {strategy}.")
    if controller != "ECS":
        monitored = [name for name in _MONITORS if (config.get(name) or {}).get("enable")]
        for thing in monitored if strategy == "ROLLING" else [strategy]:
            raise InvalidParameterError(f"{thing} needs the ECS deployment controller.")
        return
    _check_early(config.get("earlySuccessCriteria") or {}, config, strategy)
    _check_numbers(config, strategy)
    _check_hooks(config.get("lifecycleHooks") or [], strategy)
    if strategy != "ROLLING":
        _check_pairs(balancers, strategy)


def _check_numbers(config: Document, strategy: str) -> None:
    for name, owner in _OWN.items():
        if config.get(name) and strategy != owner:
            raise InvalidParameterError(f"{name} is only valid with the {owner} strategy.")
    if strategy == "BLUE_GREEN" and config.get("bakeTimeInMinutes") is None:
        raise InvalidParameterError("bakeTimeInMinutes is required with the BLUE_GREEN strategy.")
    linear, canary = config.get("linearConfiguration") or {}, config.get("canaryConfiguration") or {}
    _within("bakeTimeInMinutes", config.get("bakeTimeInMinutes"), 0, MOST_BAKE_MINUTES)
    _within("stepPercent", linear.get("stepPercent"), 3.0, 100.0)
    _within("stepBakeTimeInMinutes", linear.get("stepBakeTimeInMinutes"), 0, MOST_BAKE_MINUTES)
    _within("canaryPercent", canary.get("canaryPercent"), 0.1, 100.0)
    _within("canaryBakeTimeInMinutes", canary.get("canaryBakeTimeInMinutes"), 0, MOST_BAKE_MINUTES)


def _check_early(early: Document, config: Document, strategy: str) -> None:
    if not early.get("enable"):
        return
    if strategy != "ROLLING":
        raise InvalidParameterError("earlySuccessCriteria is only valid with the ROLLING strategy.")
    if early.get("healthyPercent") is None or not early.get("sourceServiceRevisionCleanup"):
        raise InvalidParameterError("earlySuccessCriteria needs healthyPercent and sourceServiceRevisionCleanup.")
    _within("healthyPercent", early["healthyPercent"], int(config.get("minimumHealthyPercent", 100)), 100)


def _within(name: str, value: float | None, least: float, most: float) -> None:
    if value is None:
        return
    if not least <= value <= most or abs(value * 10 - round(value * 10)) > 1e-6:
        raise InvalidParameterError(f"{name} must be from {least} to {most}, in steps of 0.1.")


def _check_hooks(hooks: Sequence[Document], strategy: str) -> None:
    kinds = [hook.get("targetType") or "AWS_LAMBDA" for hook in hooks]
    if any(kinds.count(kind) > MOST_HOOKS for kind in set(kinds)):
        raise InvalidParameterError(f"There may be at most {MOST_HOOKS} lifecycle hooks of each type.")
    for kind, hook in zip(kinds, hooks, strict=True):
        stages = set(hook.get("lifecycleStages") or ())
        if not stages:
            raise InvalidParameterError("lifecycleStages of a lifecycle hook cannot be empty.")
        if kind == "PAUSE" and stages & _NOT_FOR_PAUSE:
            raise InvalidParameterError(
                f"PAUSE hooks cannot be configured at {', '.join(sorted(stages & _NOT_FOR_PAUSE))}."
            )
        if kind == "AWS_LAMBDA" and not hook.get("hookTargetArn"):
            raise InvalidParameterError("hookTargetArn is required for AWS_LAMBDA hooks.")
        if strategy == "ROLLING" and stages - _OF_ROLLING:
            raise InvalidParameterError(f"A rolling deployment has no stage {', '.join(sorted(stages - _OF_ROLLING))}.")
        minutes = (hook.get("timeoutConfiguration") or {}).get("timeoutInMinutes")
        _within("timeoutInMinutes", minutes, 1, 20160)


def _check_pairs(balancers: Sequence[Document], strategy: str) -> None:
    if len(balancers) > 1:
        raise UnsupportedFeatureError(f"not implemented by the local AWS: ecs {strategy} with several load balancers")
    for balancer in balancers:
        advanced = balancer.get("advancedConfiguration") or {}
        if len(pair(balancer)) < 2 or not advanced.get("productionListenerRule"):
            raise InvalidParameterError(
                f"advancedConfiguration with alternateTargetGroupArn and productionListenerRule is required with the "
                f"{strategy} strategy."
            )
