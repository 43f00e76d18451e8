"""Lifecycle hooks: when they begin, what answers them, and when time does. Pure."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace

from local_aws.ecs.rollouts.acts import Invoke, Rest
from local_aws.ecs.rollouts.endings import failed
from local_aws.ecs.rollouts.progress import Hook, HookRun, Inbox, Plan, Progress

_PREFIXES = {"PAUSE": "ecs-pause", "AWS_LAMBDA": "ecs-lambda"}


def hooked(plan: Plan, progress: Progress, inbox: Inbox, now: float) -> Invoke | Rest | Progress | None:
    """What the hooks of the current stage want next; None when they have nothing (more) to say.

    The first deployment of a service has none: there is nothing yet that it could spoil.
    """
    configured = plan.hooks_at(progress.stage) if plan.source else ()
    if not configured:
        return None
    if progress.visit not in progress.visits:
        runs = tuple(_begun(plan, progress, hook, now) for hook in configured)
        return replace(progress, hooks=runs, visits=(*progress.visits, progress.visit))
    waiting = [run for run in progress.hooks if run.open]
    for run in waiting:
        if (answered := _answered(plan, progress, run, inbox, now)) is not None:
            return answered
        if run.kind == "AWS_LAMBDA" and now >= run.due:
            return Invoke(run)
    return Rest() if waiting else _judged(plan, progress, now)


def hook_id(plan: Plan, progress: Progress, hook: Hook) -> str:
    """Another id for each passage through a stage, and the same one after a restart."""
    digest = hashlib.sha256(f"{plan.arn}/{progress.visit}/{hook.number}".encode()).digest()
    return f"{_PREFIXES[hook.kind]}-{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def _begun(plan: Plan, progress: Progress, hook: Hook, now: float) -> HookRun:
    return HookRun(
        id=hook_id(plan, progress, hook),
        number=hook.number,
        kind=hook.kind,
        stage=progress.stage,
        status="AWAITING_ACTION" if hook.kind == "PAUSE" else "IN_PROGRESS",
        expires=now + hook.timeout_seconds,
        due=now,
        details=hook.details,
    )


def _answered(plan: Plan, progress: Progress, run: HookRun, inbox: Inbox, now: float) -> Progress | None:
    action = inbox.actions.get(run.id)
    if action:
        return progress.with_hook(run, status="SUCCEEDED" if action == "CONTINUE" else "FAILED", action=action)
    if now < run.expires:
        return None
    (hook,) = (hook for hook in plan.hooks if hook.number == run.number)
    return progress.with_hook(run, status="TIMED_OUT", action=hook.timeout_action)


def _judged(plan: Plan, progress: Progress, now: float) -> Progress | None:
    """A rollback goes on whatever its hooks say."""
    if progress.backward:
        return None
    for run in progress.hooks:
        if run.status == "FAILED" or (run.status == "TIMED_OUT" and run.action == "ROLLBACK"):
            how = "ROLLBACK was asked for" if run.action == "ROLLBACK" and run.status == "FAILED" else run.status
            return failed(plan, progress, "hook", now, run.id, run.stage, how)
    return None
