"""What the world gets to know of a service deployment: entries of the effects log, and events of its hooks."""

from __future__ import annotations

from typing import Any

from local_aws.ecs.rollouts.progress import HookRun, Plan, Progress

Effect = tuple[str, dict[str, Any]]
_HOOK_EVENTS = {
    "AWAITING_ACTION": "HOOK_AWAITING_ACTION",
    "IN_PROGRESS": "HOOK_IN_PROGRESS",
    "SUCCEEDED": "HOOK_SUCCEEDED",
    "FAILED": "HOOK_FAILED",
    "TIMED_OUT": "HOOK_TIMED_OUT",
}


def effects_between(plan: Plan, revision: str, before: Progress, after: Progress) -> list[Effect]:
    """What happened from one state to the next: traffic first, then hooks, then the status."""
    about = {"serviceDeploymentArn": plan.arn}
    effects: list[Effect] = []
    for route, moved, percent in (
        ("production", after.moves != before.moves, after.production),
        ("test", after.test_moves != before.test_moves, after.test),
    ):
        if moved:
            weights = {"source": 100 - percent, "target": percent}
            effects.append(("traffic_shifted", {**about, "route": route, "weights": weights}))
    for run in changed_hooks(before, after):
        told = {"hookId": run.id, "lifecycleStage": run.stage, "status": run.status, "action": run.action}
        effects.append(("hook_state", {**about, **told}))
    if after.status != before.status:
        told = {"status": after.status, "targetServiceRevisionArn": revision}
        effects.append(("service_deployment_state", {**about, **told}))
    return effects


def changed_hooks(before: Progress, after: Progress) -> list[HookRun]:
    """The hooks whose status is new."""
    known = {run.id: run.status for run in before.hooks}
    return [run for run in after.hooks if known.get(run.id) != run.status]


def hook_event(plan: Plan, run: HookRun, expires_at: str) -> dict[str, Any]:
    """The detail of "ECS Hook State Change"."""
    return {
        "eventType": "ERROR" if run.status in ("FAILED", "TIMED_OUT") else "INFO",
        "eventName": _HOOK_EVENTS[run.status],
        "hookId": run.id,
        "hookType": run.kind,
        "lifecycleStage": run.stage,
        "expiresAt": expires_at,
        "serviceDeploymentArn": plan.arn,
    }
