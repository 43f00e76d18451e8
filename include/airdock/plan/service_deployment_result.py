"""What an ended deployment of ECS's own means for production, in plain words.

Statuses: Amazon ECS API Reference, ServiceDeployment. Only SUCCESSFUL with our own revision is a success; a deployment
that a newer one has replaced is superseded and was not rolled back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from airdock.plan.adoption import State
from airdock.plan.deployment_result import DeploymentResult
from airdock.release import Outcome

Facts = Mapping[str, Any]


class ServiceDeploymentStatus(StrEnum):
    """ECS's ServiceDeploymentStatus."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    STOP_REQUESTED = "STOP_REQUESTED"
    ROLLBACK_REQUESTED = "ROLLBACK_REQUESTED"
    ROLLBACK_IN_PROGRESS = "ROLLBACK_IN_PROGRESS"
    SUCCESSFUL = "SUCCESSFUL"
    STOPPED = "STOPPED"
    ROLLBACK_SUCCESSFUL = "ROLLBACK_SUCCESSFUL"
    ROLLBACK_FAILED = "ROLLBACK_FAILED"


ENDED: Mapping[str, State] = {
    ServiceDeploymentStatus.SUCCESSFUL: State.SUCCEEDED,
    ServiceDeploymentStatus.STOPPED: State.FAILED,
    ServiceDeploymentStatus.ROLLBACK_SUCCESSFUL: State.FAILED,
    ServiceDeploymentStatus.ROLLBACK_FAILED: State.FAILED,
}


def service_deployment_state(status: str) -> State:
    """Whether ECS is done with it; an unknown word counts as running, so that nothing starts beside it."""
    return ENDED.get(status, State.RUNNING)


def judge_service_deployment(
    facts: Facts, released: str, causes: Sequence[str] = (), stopped_because: str = ""
) -> DeploymentResult:
    """What the deployment came to.

    `facts`: as `watch.service_deployment` gives them. `released`: the task definition that was to be deployed.
    `causes`: what the services around it tell, most telling first. `stopped_because`: why Airdock itself stopped it,
    "" if it did not.
    """
    name = f"the service deployment {facts['id'].rpartition('/')[2]}"
    if facts["task_definition"] != released:
        told = f"{name} deploys {facts['task_definition']}, not {released}"
        return DeploymentResult(Outcome.SUPERSEDED, told, tuple(causes))
    outcome, ended = _end(facts, bool(stopped_because))
    if outcome is Outcome.LIVE:
        return DeploymentResult(outcome, f"{name} succeeded: all tasks are of the new version")
    if outcome is Outcome.SUPERSEDED:
        return DeploymentResult(outcome, f"{name} {ended}", tuple(causes))
    return DeploymentResult(outcome, f"{name} {ended}: {stopped_because or _cause(facts, causes)}", tuple(causes))


def _end(facts: Facts, stopped_by_us: bool) -> tuple[Outcome, str]:
    """The outcome, and the end in words."""
    match facts["status"]:
        case ServiceDeploymentStatus.SUCCESSFUL:
            return Outcome.LIVE, "succeeded"
        case ServiceDeploymentStatus.ROLLBACK_SUCCESSFUL:
            by_hand = _stopped_by_hand(facts) and not stopped_by_us
            return (Outcome.STOPPED if by_hand else Outcome.ROLLED_BACK), "was rolled back by ECS"
        case ServiceDeploymentStatus.ROLLBACK_FAILED:
            return Outcome.FAILED, "failed, and so did its rollback"
        case ServiceDeploymentStatus.STOPPED if facts["newest"] != facts["id"]:
            return Outcome.SUPERSEDED, "gave way to a newer deployment of the service"
        case ServiceDeploymentStatus.STOPPED:
            return Outcome.STOPPED, "was stopped without a rollback"
    return Outcome.FAILED, f"has not ended: it is {facts['status']}"


def _cause(facts: Facts, causes: Sequence[str]) -> str:
    told = _monitor(facts) or _hook(facts) or facts["rollback_reason"] or facts["reason"]
    more = next(iter(causes), "")
    if told and more and more not in told:
        return f"{told.rstrip('. ')}: {more.rstrip('. ')}"
    return (told or more or "ECS gives no reason").rstrip(". ")


def _monitor(facts: Facts) -> str:
    """What of ECS's own guards was set off."""
    if facts["alarms"].get("status") == "TRIGGERED" or facts["alarms"].get("triggered"):
        return f"an alarm fired ({', '.join(facts['alarms']['triggered'])})"
    if facts["breaker"].get("status") == "TRIGGERED":
        return f"the new tasks failed to start {facts['breaker']['failures']} times"
    return ""


def _hook(facts: Facts) -> str:
    broken = [hook for hook in facts["hooks"] if hook["status"] in ("FAILED", "TIMED_OUT")]
    if not broken:
        return ""
    hook = broken[0]
    what = f"the function {hook['target'].rpartition(':')[2]}" if hook["target"] else "the pause"
    return f"{what} {'did not answer in time' if hook['status'] == 'TIMED_OUT' else 'said no'}"


def _stopped_by_hand(facts: Facts) -> bool:
    """Whether a caller of StopServiceDeployment asked for the rollback, and no guard or hook.

    That call alone makes the status ROLLBACK_REQUESTED. Where nobody saw it pass, ECS's own words are all there is:
    they are not documented, and words that say nothing of the call leave it a rollback of ECS's.
    """
    said = f"{facts['rollback_reason']} {facts['reason']}".replace(" ", "").lower()
    asked = facts.get("rollback_requested") or "stopservicedeployment" in said
    return bool(asked and not _monitor(facts) and not _hook(facts))
