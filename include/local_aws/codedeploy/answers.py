"""What the answer to an act makes of a deployment's state. Pure, like the decisions."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from local_aws.codedeploy import acts
from local_aws.codedeploy.acts import Act, Answer, Fault, Health, Sides
from local_aws.codedeploy.endings import alarmed, failed, finished, unreadable
from local_aws.codedeploy.progress import ENDED, Label, Plan, Progress, TaskSet

PATIENCE = 100
"""How many passing faults in a row an act may have before the deployment fails."""


def absorb(plan: Plan, progress: Progress, act: Act, answer: Answer, now: float) -> Progress:
    """The state after an act."""
    if isinstance(answer, Fault):
        return _faulted(plan, progress, act, answer, now)
    if isinstance(act, acts.PollAlarms):
        return _polled(plan, progress, cast(tuple[str, ...], answer), now)
    progress = replace(progress, faults=0, looked=now)
    match act:
        case acts.Survey():
            sides = cast(Sides, answer)
            return replace(progress, blue=sides.blue, green=sides.green)
        case acts.CreateGreen():
            return replace(progress, begun=True, green=cast(TaskSet, answer))
        case acts.WatchGreen():
            return _watched(plan, progress, cast(Health, answer), now)
        case acts.Route(percent):
            return _routed(plan, progress, percent, bool(answer), now)
        case acts.RouteTest(label):
            return _test_routed(plan, progress, label, bool(answer))
        case acts.Promote(label):
            return _promoted(progress, label)
        case acts.Remove(label):
            return _removed(progress, label, bool(answer))
        case acts.InvokeHook() | acts.BeginRollback():
            return replace(progress, begun=True)
        case acts.WatchRollback():
            return finished(plan, progress, now) if answer in ENDED else progress
    return progress


def _faulted(plan: Plan, progress: Progress, act: Act, fault: Fault, now: float) -> Progress:
    if isinstance(act, acts.PollAlarms) and plan.ignores_alarm_failures:
        return replace(progress, alarms_polled=now)
    if fault.passing and progress.faults < PATIENCE:
        return replace(progress, faults=progress.faults + 1, looked=now)
    if isinstance(act, acts.PollAlarms):
        return unreadable(plan, progress, fault.message, now)
    return failed(plan, progress, fault.code, fault.message, now)


def _polled(plan: Plan, progress: Progress, names: tuple[str, ...], now: float) -> Progress:
    """Alarms have a rhythm of their own: looking at them is no look at what the stage waits for."""
    polled = replace(progress, alarms_polled=now)
    return alarmed(plan, polled, names, now) if names else polled


def _watched(plan: Plan, progress: Progress, health: Health, now: float) -> Progress:
    progress = replace(progress, green=health.task_set)
    return finished(plan, progress, now) if health.steady else progress


def _routed(plan: Plan, progress: Progress, percent: int, changed: bool, now: float) -> Progress:
    moved = changed or percent != progress.green_weight
    progress = replace(progress, green_weight=percent, moves=progress.moves + moved, begun=True)
    return progress if plan.rolls_back else replace(progress, shifts=progress.shifts + 1, shifted=now)


def _test_routed(plan: Plan, progress: Progress, label: Label, changed: bool) -> Progress:
    """A rollback only assumes that test traffic is on the replacement, so there only a real change counts."""
    on_green = label == "green"
    moved = changed or (progress.test_on_green != on_green and plan.rolls_back is None)
    return replace(progress, test_on_green=on_green, test_moves=progress.test_moves + moved)


def _promoted(progress: Progress, label: Label) -> Progress:
    other: Label = "green" if label == "blue" else "blue"
    for side, status in ((label, "PRIMARY"), (other, "ACTIVE")):
        progress = progress.with_side(side, replace(progress.side(side), status=status))
    return replace(progress, promoted=label == "green")


def _removed(progress: Progress, label: Label, gone: bool) -> Progress:
    status = "GONE" if gone else "DRAINING"
    emptied = replace(progress.side(label), status=status, desired=0, pending=0, running=0)
    return progress.with_side(label, emptied)
