"""What an ended CodeDeploy deployment means for production, in plain words.

Statuses, error codes and lifecycle events: AWS CodeDeploy API Reference, DeploymentInfo and ErrorInformation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from airdock.plan.adoption import State
from airdock.plan.deployment_progress import deployment_progress
from airdock.release import Outcome

__all__ = [
    "DeploymentResult",
    "DeploymentStatus",
    "deployment_progress",
    "deployment_state",
    "judge_deployment",
]

Facts = Mapping[str, Any]


class DeploymentStatus(StrEnum):
    """CodeDeploy's DeploymentStatus."""

    CREATED = "Created"
    QUEUED = "Queued"
    IN_PROGRESS = "InProgress"
    BAKING = "Baking"
    READY = "Ready"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    STOPPED = "Stopped"


STATES: Mapping[str, State] = {
    DeploymentStatus.CREATED: State.RUNNING,
    DeploymentStatus.QUEUED: State.RUNNING,
    DeploymentStatus.IN_PROGRESS: State.RUNNING,
    DeploymentStatus.BAKING: State.RUNNING,
    DeploymentStatus.READY: State.RUNNING,
    DeploymentStatus.SUCCEEDED: State.SUCCEEDED,
    DeploymentStatus.FAILED: State.FAILED,
    DeploymentStatus.STOPPED: State.FAILED,
}

ERRORS = {
    "ALARM_ACTIVE": "an alarm fired",
    "AGENT_ISSUE": "CodeDeploy had an internal error",
    "ECS_UPDATE_ERROR": "ECS could not update the service",
    "HOOK_EXECUTION_FAILURE": "a validation hook failed",
    "INVALID_ECS_SERVICE": "the ECS service is not one that CodeDeploy can deploy",
    "INVALID_REVISION": "CodeDeploy does not accept the AppSpec",
    "IAM_ROLE_MISSING": "the deployment group's service role is missing",
    "IAM_ROLE_PERMISSIONS": "the deployment group's service role may not do what is needed",
    "INTERNAL_ERROR": "CodeDeploy had an internal error",
    "MANUAL_STOP": "it was stopped by hand",
    "MISSING_ELB_INFORMATION": "the deployment group names no target groups",
    "RESOURCE_LIMIT_EXCEEDED": "a quota of the account is used up",
    "THROTTLED": "AWS throttled CodeDeploy",
    "TIMEOUT": "the new tasks did not become healthy in time",
}
"""CodeDeploy's error codes that say more in our words; others are told as they are."""


@dataclass(frozen=True, slots=True)
class DeploymentResult:
    """The outcome, the sentence with cause and consequence, and the causes line by line."""

    outcome: Outcome
    sentence: str
    details: tuple[str, ...] = ()

    @property
    def live(self) -> bool:
        return self.outcome is Outcome.LIVE


def deployment_state(status: str) -> State:
    """What a status means for adoption; an unknown word counts as running, so that nothing starts beside it."""
    return STATES.get(status, State.RUNNING)


def judge_deployment(
    facts: Facts,
    success_at: Literal["traffic_shift", "termination"] = "termination",
    causes: Sequence[str] = (),
    stopped_because: str = "",
) -> DeploymentResult:
    """What the deployment came to.

    `facts`: id, status, error `{code, message}` or None, events `[{name, status, message}]`, weights, terminating,
    rollback (facts of the same shape, or None). `causes`: what the services around it tell, most telling first.
    `stopped_because`: why Airdock itself stopped it, "" if it did not.
    """
    name = f"the deployment {facts['id']}"
    if deployment_state(facts["status"]) is State.SUCCEEDED:
        return DeploymentResult(Outcome.LIVE, f"{name} succeeded: all traffic is on the new version")
    if deployment_state(facts["status"]) is State.RUNNING:
        return _unfinished(name, facts, success_at)
    cause = stopped_because or _cause(facts, causes)
    outcome, stands = _aftermath(facts, by_hand=_stopped_by_hand(facts) and not stopped_because)
    sentence = f"{name} {facts['status'].lower()} {_when(facts)}: {cause}; {stands}"
    return DeploymentResult(outcome, sentence, tuple(causes))


def _unfinished(name: str, facts: Facts, success_at: str) -> DeploymentResult:
    if success_at == "traffic_shift" and facts.get("terminating"):
        return DeploymentResult(Outcome.LIVE, f"{name} has moved all traffic to the new version")
    return DeploymentResult(Outcome.FAILED, f"{name} has not ended: it is {facts['status']}")


def _cause(facts: Facts, causes: Sequence[str]) -> str:
    """CodeDeploy's error in our words, with the most telling thing that is known about it."""
    error = facts.get("error") or {}
    code, message = error.get("code", ""), error.get("message", "")
    told = ERRORS.get(code) or code or "CodeDeploy gives no reason"
    if code == "ALARM_ACTIVE" and causes:
        return causes[0].rstrip(". ")  # names the alarm, and why it fired
    broken = [event for event in facts.get("events", ()) if event["status"] == "Failed"]
    if broken and code in ("HOOK_EXECUTION_FAILURE", ""):
        told, message = f"the hook {broken[0]['name']} failed", broken[0]["message"] or message
    more = next(iter(causes), "") or message
    return f"{told}: {more.rstrip('. ')}" if more else told


def _when(facts: Facts) -> str:
    """How far the shift had come."""
    states = {event["name"]: event["status"] for event in facts.get("events", ())}
    if states.get("AllowTraffic") == "Succeeded":
        return "after all traffic had moved"
    if states.get("AllowTraffic") in (None, "Pending", "Skipped", "Unknown"):
        return "before any traffic moved"
    return "while traffic was moving"


def _aftermath(facts: Facts, *, by_hand: bool) -> tuple[Outcome, str]:
    """Where production stands now."""
    rollback = facts.get("rollback")
    if rollback is None:
        return _without_rollback(facts, by_hand=by_hand)
    state = deployment_state(rollback["status"])
    if state is State.SUCCEEDED:
        outcome = Outcome.STOPPED if by_hand else Outcome.ROLLED_BACK
        return outcome, f"CodeDeploy rolled back with {rollback['id']}, production is on the previous version"
    if state is State.RUNNING:
        return Outcome.FAILED, f"the rollback {rollback['id']} has not ended"
    why = _cause(rollback, ())
    return Outcome.FAILED, f"the rollback {rollback['id']} {rollback['status'].lower()} as well ({why})"


def _without_rollback(facts: Facts, *, by_hand: bool) -> tuple[Outcome, str]:
    outcome = Outcome.STOPPED if by_hand else Outcome.FAILED
    green = float((facts.get("weights") or {}).get("green", 0))
    if green > 0:
        return Outcome.FAILED, f"nothing was rolled back, {green:g} % of the traffic is on the new version"
    if _when(facts) == "before any traffic moved":
        return outcome, "production is on the previous version, untouched"
    return outcome, "there was no rollback, all traffic is on the previous version"


def _stopped_by_hand(facts: Facts) -> bool:
    return facts["status"] == DeploymentStatus.STOPPED and (facts.get("error") or {}).get("code") in (
        None,
        "",
        "MANUAL_STOP",
    )
