"""How stages and deployments end: well, failed, stopped by an alarm or by a caller, with a rollback or without.

The messages are those of "Troubleshoot Amazon ECS deployment issues" in the CodeDeploy guide where it has one.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import replace

from local_aws.codedeploy.progress import EVENTS, End, Inbox, Plan, Progress

_ALARMS_ACTIVE = (
    "One or more alarms have been activated according to the Amazon CloudWatch metrics you selected, and the "
    "affected deployments have been stopped. Activated alarms: {names}"
)
_REASONS = {
    "hook_failed": (
        "HOOK_EXECUTION_FAILURE",
        "The deployment failed because one or more of the lifecycle event validation functions failed.",
    ),
    "hook_silent": (
        "TIMEOUT",
        "The deployment timed out while waiting for a status callback. CodeDeploy expects a status callback within "
        "one hour after a deployment hook is invoked.",
    ),
    "green_late": (
        "TIMEOUT",
        "The deployment timed out while waiting for the replacement task set to become healthy. This time out "
        "period is {minutes:g} minutes.",
    ),
    "not_continued": (
        "TIMEOUT",
        "The deployment timed out while waiting for a notification to continue. This time out period is "
        "{minutes:g} minutes.",
    ),
    "stopped": ("MANUAL_STOP", "The deployment was stopped by a user."),
    "alarms_active": ("ALARM_ACTIVE", _ALARMS_ACTIVE),
}
_TEST_EVENTS = frozenset({"AllowTestTraffic", "AfterAllowTestTraffic"})
_POINTS_OF_NO_RETURN = frozenset({"RemoveOriginal", "RollBack", "Finish"})
_NOTHING_TO_UNDO = frozenset({"Start", "BeforeInstall"})


def named(reason: str, **values: object) -> tuple[str, str]:
    """The error code and the message of a reason."""
    code, message = _REASONS[reason]
    return code, message.format(**values)


def rollback_id(deployment_id: str) -> str:
    """The id of the deployment that would undo this one: the same after a restart, so there is never a third."""
    digest = hashlib.sha256(f"rollback of {deployment_id}".encode()).digest()
    return f"d-{base64.b32encode(digest).decode()[:9]}"


def finished(plan: Plan, progress: Progress, now: float) -> Progress:
    """The current stage is done: on to the next one."""
    stage = progress.stage
    if stage in EVENTS:
        skipped = stage in _TEST_EVENTS and not plan.has_test_route
        progress = progress.with_event(stage, status="Skipped" if skipped else "Succeeded", ended=now)
    status = "InProgress" if progress.status == "Ready" else progress.status
    return _entered(replace(progress, status=status), _after(plan, stage), now)


def failed(plan: Plan, progress: Progress, code: str, message: str, now: float) -> Progress:
    """The current stage has failed, and the deployment with it."""
    return ended(plan, progress, "Failed", code, message, now)


def alarmed(plan: Plan, progress: Progress, alarms: Iterable[str], now: float) -> Progress:
    """Alarms stop the deployment."""
    code, message = named("alarms_active", names=" ".join(f"<{name}>" for name in alarms))
    return _end(plan, progress, End("Stopped", code, message), "DEPLOYMENT_STOP_ON_ALARM" in plan.rollback_on, now)


def unreadable(plan: Plan, progress: Progress, message: str, now: float) -> Progress:
    """Alarms whose state can't be read stop the deployment as active ones do."""
    end = End("Stopped", "ALARM_ACTIVE", message)
    return _end(plan, progress, end, "DEPLOYMENT_STOP_ON_ALARM" in plan.rollback_on, now)


def ended(plan: Plan, progress: Progress, status: str, code: str, message: str, now: float) -> Progress:
    """The deployment ends early for a reason of its own."""
    return _end(plan, progress, End(status, code, message), "DEPLOYMENT_FAILURE" in plan.rollback_on, now)


def interrupted(plan: Plan, progress: Progress, inbox: Inbox, now: float) -> Progress | None:
    """The state after a caller's StopDeployment; None when there was none, or when it comes too late."""
    if not inbox.stopped or progress.end or plan.rolls_back or progress.stage in _POINTS_OF_NO_RETURN:
        return None
    rolls_back = bool(inbox.rollback) or "DEPLOYMENT_STOP_ON_REQUEST" in plan.rollback_on
    return _end(plan, progress, End("Stopped", *named("stopped")), rolls_back, now)


def _end(plan: Plan, progress: Progress, end: End, rolls_back: bool, now: float) -> Progress:
    stage = progress.stage
    possible = stage not in _POINTS_OF_NO_RETURN | _NOTHING_TO_UNDO and not plan.rolls_back
    if stage in EVENTS:
        progress = progress.with_event(stage, status="Failed", ended=now, message=end.message)
    progress = replace(progress, end=end, status="InProgress" if progress.started else progress.status)
    if not (possible and rolls_back):
        return _entered(progress, "Finish", now)
    return _entered(replace(progress, rollback_id=rollback_id(plan.deployment_id)), "RollBack", now)


def _after(plan: Plan, stage: str) -> str:
    return "Finish" if stage == "RollBack" else plan.stages[plan.stages.index(stage) + 1]


def _entered(progress: Progress, stage: str, now: float) -> Progress:
    progress = replace(progress, stage=stage, entered=now, begun=False, looked=0.0)
    if stage in EVENTS:
        return progress.with_event(stage, status="InProgress", started=now)
    return _without_pending(progress) if stage in {"RollBack", "Finish"} else progress


def _without_pending(progress: Progress) -> Progress:
    for name, event in progress.events.items():
        if event.status == "Pending":
            progress = progress.with_event(name, status="Skipped")
    return progress
