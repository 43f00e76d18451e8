"""How service deployments end, and how they turn back: "Amazon ECS deployment failure detection" of the guide."""

from __future__ import annotations

import math
from dataclasses import replace

from local_aws.ecs.rollouts.progress import BACKWARD, Breaker, Plan, Progress

NO_CANDIDATE = "No rollback candidate was found to run the rollback."
SUPERSEDED = "Service deployment was stopped because a newer service deployment has begun."
DELETED = "Service deployment was stopped because the service is being deleted."
ROLLED_BACK = "Service deployment rolled back because of "
_WHY = {
    "breaker": "the circuit breaker: the threshold of failed tasks was reached.",
    "alarm": "alarms that were triggered: {0}.",
    "stop": "a StopServiceDeployment request.",
    "hook": "the lifecycle hook {0} at {1}: {2}.",
    "late": "tasks that were not healthy within the stage's time limit.",
    "network": "invalid networking configuration. : {0}",
    "routes": "an error of the load balancer: {0}",
}
_LEAST_FAILURES, _MOST_FAILURES = 3, 200


def threshold(breaker: Breaker, desired: int) -> int:
    """How many failed tasks trigger the circuit breaker."""
    if breaker.kind == "COUNT":
        return breaker.value
    share = math.ceil(desired * breaker.value / 100)
    if breaker.kind == "UNBOUNDED_PERCENT":
        return max(1, share)
    return max(_LEAST_FAILURES, min(_MOST_FAILURES, share))


def finished(plan: Plan, progress: Progress, now: float) -> Progress:
    """The current stage is done: on to the next one, or to the next move of production traffic."""
    stages, stage = (BACKWARD if progress.backward else plan.forward), progress.stage
    moves_again = stage == "PRODUCTION_TRAFFIC_SHIFT" and progress.step + 1 < len(plan.schedule)
    if moves_again and not progress.backward:
        return entered(replace(progress, step=progress.step + 1), "PRE_PRODUCTION_TRAFFIC_SHIFT", now)
    after = stages[stages.index(stage) + 1]
    return entered(replace(progress, step=0 if stage == "RECONCILE_SERVICE" else progress.step), after, now)


def entered(progress: Progress, stage: str, now: float) -> Progress:
    """At the beginning of a stage."""
    return replace(progress, stage=stage, entered=now, begun=False, looked=0.0)


def failed(plan: Plan, progress: Progress, cause: str, now: float, *told: str, rolls_back: bool = True) -> Progress:
    """It failed, or was told to turn back; without rollback it stays as it is."""
    why = _WHY[cause].format(*told)
    if not rolls_back:
        return ended(replace(progress, cause=cause), "STOPPED", f"Service deployment failed because of {why}", now)
    progress = replace(progress, cause=cause, rollback_reason=ROLLED_BACK + why, rollback_started=now)
    if not plan.source:
        return ended(progress, "ROLLBACK_FAILED", NO_CANDIDATE, now)
    turned = replace(progress, status="ROLLBACK_IN_PROGRESS", reason=progress.rollback_reason)
    return entered(turned, BACKWARD[0], now)


def ended(progress: Progress, status: str, reason: str, now: float) -> Progress:
    """All that is left is to say so."""
    return entered(replace(progress, end=status, reason=reason), "FINISH", now)


def settlement(progress: Progress) -> str:
    """What an end means for the service: completed, rolled_back, halted, or left to another deployment."""
    match progress.end or ("ROLLBACK_SUCCESSFUL" if progress.backward else "SUCCESSFUL"):
        case "SUCCESSFUL":
            return "completed"
        case "ROLLBACK_SUCCESSFUL":
            return "rolled_back"
        case _:
            return "left" if progress.reason in (SUPERSEDED, DELETED) else "halted"
