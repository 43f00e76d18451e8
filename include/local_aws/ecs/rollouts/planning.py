"""From a service's deployment configuration to the plan of one service deployment."""

from __future__ import annotations

from typing import Any

from local_aws.clock import Clock
from local_aws.ecs.records import Document
from local_aws.ecs.rollouts.progress import Alarms, Breaker, Early, Hook, Plan, Routes

STAGE_MINUTES = 24 * 60
_MOST_POLL_SECONDS = 0.5


def plan_of(clock: Clock, arn: str, service: Document, deployment: Document) -> Plan:
    """The plan of a deployment that a service is about to get; the service still has those before it."""
    config, before = service["deploymentConfiguration"], service["deployments"]
    strategy = config.get("strategy") or "ROLLING"
    source = source_of(service)
    others = tuple(each["id"] for each in before if source is None or each["id"] != source["id"])
    reconciles = bool(others) and (strategy != "ROLLING" or any(each["_"]["beside"] for each in before))
    hooks = tuple(_hook(clock, number, hook) for number, hook in enumerate(config.get("lifecycleHooks") or []))
    held = any("PRE_SCALE_UP" in hook.stages for hook in hooks) and source is not None
    return Plan(
        arn=arn,
        service=service["serviceArn"],
        strategy=strategy,
        target=deployment["id"],
        source=source["id"] if source else "",
        others=others,
        schedule=schedule(clock, strategy, config) if source else ((100.0, 0.0),),
        bake_seconds=clock.minutes(float(config.get("bakeTimeInMinutes") or 0)) if source else 0.0,
        breaker=_breaker(config.get("deploymentCircuitBreaker") or {}),
        alarms=_alarms(config.get("alarms") or {}),
        early=_early(config.get("earlySuccessCriteria") or {}),
        hooks=hooks,
        routes=_routes(service, source),
        reconciles=reconciles,
        begins_wanted=strategy == "ROLLING" and not reconciles and not held,
        scale_up_seconds=clock.minutes(STAGE_MINUTES),
        alarm_poll_seconds=min(_MOST_POLL_SECONDS, clock.minutes(0.25)),
    )


def source_of(service: Document) -> Document | None:
    """The newest deployment of a service that was completed: it serves, and it is what a rollback returns to."""
    return next((deployment for deployment in service["deployments"] if deployment["_"]["proven"]), None)


def schedule(clock: Clock, strategy: str, config: Document) -> tuple[tuple[float, float], ...]:
    """The moves of production traffic as (percent, real seconds until the next), the last one to 100 percent."""
    match strategy:
        case "LINEAR":
            given = {"stepPercent": 10.0, "stepBakeTimeInMinutes": 6, **(config.get("linearConfiguration") or {})}
            step, hold = float(given["stepPercent"]), clock.minutes(float(given["stepBakeTimeInMinutes"]))
            before = [round(step * number, 1) for number in range(1, 1000) if round(step * number, 1) < 100]
        case "CANARY":
            given = {"canaryPercent": 5.0, "canaryBakeTimeInMinutes": 10, **(config.get("canaryConfiguration") or {})}
            before = [float(given["canaryPercent"])] if float(given["canaryPercent"]) < 100 else []
            hold = clock.minutes(float(given["canaryBakeTimeInMinutes"]))
        case _:
            before, hold = [], 0.0
    return (*((percent, hold) for percent in before), (100.0, 0.0))


def resolved(service: Document, strategy: str) -> list[Document]:
    """A service's load balancers with the target groups that its next deployment registers its tasks with.

    Side by side the source keeps its group and the target takes the other one; tasks that replace tasks share it.
    """
    source = source_of(service)
    return [_resolved(balancer, _used(source), strategy) for balancer in service["loadBalancers"]]


def pair(balancer: Document) -> tuple[str, ...]:
    """The target groups of a load balancer, the alternate one last."""
    alternate = (balancer.get("advancedConfiguration") or {}).get("alternateTargetGroupArn")
    return tuple(group for group in (balancer.get("targetGroupArn"), alternate) if group)


def _resolved(balancer: Document, used: set[str], strategy: str) -> Document:
    groups = pair(balancer)
    of_source = [group for group in groups if group in used]
    if len(groups) < 2 or not of_source:
        return balancer
    free = [group for group in groups if group not in used]
    return {**balancer, "targetGroupArn": of_source[0] if strategy == "ROLLING" else free[0]}


def _used(source: Document | None) -> set[str]:
    return {balancer.get("targetGroupArn", "") for balancer in (source or {}).get("loadBalancers") or []}


def _routes(service: Document, source: Document | None) -> Routes | None:
    """Where traffic is moved; a rolling deployment may have to take back what an unfinished other one has moved."""
    configured = [*service["loadBalancers"], *(source["_"]["balancers"] if source else ())]
    balancer = next((each for each in configured if len(pair(each)) == 2), None)
    if balancer is None:
        return None
    advanced, groups = balancer["advancedConfiguration"], pair(balancer)
    other = [group for group in groups if group in _used(source)] or [groups[1]]
    (target,) = [group for group in groups if group != other[0]]
    return Routes(advanced.get("productionListenerRule", ""), advanced.get("testListenerRule", ""), other[0], target)


def _hook(clock: Clock, number: int, given: Document) -> Hook:
    timeout: dict[str, Any] = given.get("timeoutConfiguration") or {}
    return Hook(
        number=number,
        kind=given.get("targetType") or "AWS_LAMBDA",
        stages=tuple(given.get("lifecycleStages") or ()),
        function=given.get("hookTargetArn") or "",
        details=given.get("hookDetails"),
        timeout_seconds=clock.minutes(float(timeout.get("timeoutInMinutes") or STAGE_MINUTES)),
        timeout_action=timeout.get("action") or "ROLLBACK",
    )


def _breaker(given: Document) -> Breaker | None:
    if not given.get("enable"):
        return None
    limit = {"type": "BOUNDED_PERCENT", "value": 50, **(given.get("thresholdConfiguration") or {})}
    resets = given.get("resetOnHealthyTask")
    return Breaker(bool(given.get("rollback")), resets is not False, str(limit["type"]), int(limit["value"]))


def _early(given: Document) -> Early | None:
    if not given.get("enable"):
        return None
    return Early(int(given["healthyPercent"]), given["sourceServiceRevisionCleanup"] == "DEFERRED")


def _alarms(given: Document) -> Alarms | None:
    if not given.get("enable") or not given.get("alarmNames"):
        return None
    return Alarms(tuple(given["alarmNames"]), bool(given.get("rollback")))
