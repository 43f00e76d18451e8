"""What the answer to an act makes of a deployment's state. Pure, like the decisions."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from local_aws.ecs.rollouts import acts
from local_aws.ecs.rollouts.acts import Act, Answer, Fault, HookAnswer
from local_aws.ecs.rollouts.endings import ended, failed
from local_aws.ecs.rollouts.progress import Plan, Progress

PATIENCE = 100
"""How many passing faults in a row an act may have before the deployment fails."""


def absorb(plan: Plan, progress: Progress, act: Act, answer: Answer, now: float) -> Progress:
    """The state after an act."""
    if isinstance(answer, Fault):
        return _faulted(plan, progress, act, answer, now)
    progress = replace(progress, faults=0, looked=now)
    match act:
        case acts.PollAlarms():
            return _polled(plan, progress, cast(tuple[str, ...], answer), now)
        case acts.Route(route, percent):
            return _routed(progress, route, percent, bool(answer), now)
        case acts.Invoke(run):
            said = cast(HookAnswer, answer)
            details = run.details if said.details is None else said.details
            return progress.with_hook(run, status=said.status, due=now + said.wait_seconds, details=details)
    return replace(progress, begun=True)


def _faulted(plan: Plan, progress: Progress, act: Act, fault: Fault, now: float) -> Progress:
    if isinstance(act, acts.PollAlarms):
        return replace(progress, alarms_polled=now, ignored=progress.ignored or ())
    if isinstance(act, acts.Invoke) and not fault.passing:
        return progress.with_hook(act.run, status="FAILED")
    if (progress.backward or fault.passing) and progress.faults < PATIENCE:
        return replace(progress, faults=progress.faults + 1, looked=now)
    if progress.backward:
        return ended(progress, "ROLLBACK_FAILED", f"The rollback failed: {fault.message}", now)
    cause = "network" if isinstance(act, acts.Survey) else "routes"
    return failed(plan, progress, cause, now, fault.message)


def _polled(plan: Plan, progress: Progress, firing: tuple[str, ...], now: float) -> Progress:
    """An alarm that fires before the deployment begins is ignored in all of it."""
    progress = replace(progress, alarms_polled=now)
    if progress.ignored is None:
        return replace(progress, ignored=firing)
    triggered = tuple(name for name in firing if name not in progress.ignored)
    if not triggered or plan.alarms is None:
        return progress
    seen = replace(progress, triggered=triggered)
    return failed(plan, seen, "alarm", now, ", ".join(triggered), rolls_back=plan.alarms.rolls_back)


def _routed(progress: Progress, route: str, percent: float, changed: bool, now: float) -> Progress:
    if progress.stage == "RECONCILE_SERVICE":
        progress = replace(progress, step=progress.step + 1)
    else:
        progress = replace(progress, begun=True)
    if route == "test":
        moved = changed or percent != progress.test
        return replace(progress, test=percent, test_moves=progress.test_moves + moved)
    moved = changed or percent != progress.production
    return replace(progress, production=percent, moves=progress.moves + moved, moved=now)
