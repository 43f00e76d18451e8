"""The engine's mind: from a deployment's state to its next step. Nothing here touches the world.

`decide` says what comes next: an act to be done, or a state to be taken on at once. `absorb` says what an act's
answer makes of the state. The shell commits the state after either, so a deployment goes on exactly where it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from local_aws.codedeploy import acts
from local_aws.codedeploy.acts import Act, Rest
from local_aws.codedeploy.endings import ended, failed, finished, interrupted, named
from local_aws.codedeploy.progress import Inbox, Plan, Progress

Move = Act | Progress
GUARDED = frozenset(
    {"Install", "AfterInstall", "AllowTestTraffic", "AfterAllowTestTraffic", "ReadyWait", "BeforeAllowTraffic"}
    | {"AllowTraffic", "AfterAllowTraffic"}
)
"""The stages in which an alarm stops a deployment. Not before Install, where nothing could be rolled back."""
LOOK_SECONDS = 0.3
"""Real seconds between two looks at something that takes its time, and before a fault is tried again."""


@dataclass(frozen=True)
class View:
    """All that a decision rests on."""

    plan: Plan
    progress: Progress
    inbox: Inbox
    now: float

    @property
    def seconds_in_stage(self) -> float:
        """Real seconds since the current stage was entered."""
        return self.now - self.progress.entered

    def look(self, act: Act) -> Act:
        """The act, unless the last one was a moment ago."""
        left_seconds = self.progress.looked + LOOK_SECONDS - self.now
        return act if left_seconds <= 0 else Rest(left_seconds)

    def next_stage(self) -> Progress:
        """The state in which the current stage is done."""
        return finished(self.plan, self.progress, self.now)

    def failure(self, code: str, message: str) -> Progress:
        """The state in which the current stage has failed."""
        return failed(self.plan, self.progress, code, message, self.now)


def decide(plan: Plan, progress: Progress, inbox: Inbox, now: float) -> Move:
    """What comes next for a deployment that is not over."""
    if (stopped := interrupted(plan, progress, inbox, now)) is not None:
        return stopped
    view = View(plan, progress, inbox, now)
    move = acts.PollAlarms() if _alarms_due(view) else _STAGES[progress.stage](view)
    return view.look(move) if progress.faults and not isinstance(move, Progress) else move


def hook_execution_id(deployment_id: str, event: str) -> str:
    """The id under which a hook reports back: the same after a restart, so that a late report still counts."""
    return hashlib.sha256(f"{deployment_id}/{event}".encode()).hexdigest()


def _alarms_due(view: View) -> bool:
    guarded = bool(view.plan.alarms) and not view.plan.rolls_back and view.progress.stage in GUARDED
    return guarded and view.now - view.progress.alarms_polled >= view.plan.alarm_poll_seconds


def _start(view: View) -> Move:
    if view.progress.status == "Created":
        return replace(view.progress, status="Queued")
    if view.progress.status == "Queued":
        return replace(view.progress, status="InProgress", started=view.now)
    if view.plan.rolls_back or view.progress.blue.id:
        return view.next_stage()
    return acts.Survey()


def _hook(view: View) -> Move:
    event, function = view.progress.stage, view.plan.hooks.get(view.progress.stage)
    if function is None or (event == "AfterAllowTestTraffic" and not view.plan.has_test_route):
        return view.next_stage()
    execution_id = hook_execution_id(view.plan.deployment_id, event)
    if not view.progress.begun:
        return acts.InvokeHook(event, function, execution_id)
    match view.inbox.hooks.get(execution_id):
        case "Succeeded":
            return view.next_stage()
        case "Failed":
            return view.failure(*named("hook_failed"))
    if view.seconds_in_stage > view.plan.hook_timeout_seconds:
        return view.failure(*named("hook_silent"))
    return Rest()


def _install(view: View) -> Move:
    if not view.progress.begun:
        return acts.CreateGreen()
    if view.seconds_in_stage > view.plan.green_timeout_seconds:
        return view.failure(*named("green_late", minutes=view.plan.green_timeout_minutes))
    return view.look(acts.WatchGreen())


def _allow_test_traffic(view: View) -> Move:
    if not view.plan.has_test_route or view.progress.test_on_green:
        return view.next_stage()
    return acts.RouteTest("green")


def _ready_wait(view: View) -> Move:
    if view.plan.ready_seconds is None or "READY_WAIT" in view.inbox.go_on:
        return view.next_stage()
    if view.progress.status != "Ready":
        return replace(view.progress, status="Ready")
    if view.seconds_in_stage < view.plan.ready_seconds:
        return Rest()
    code, message = named("not_continued", minutes=view.plan.ready_minutes)
    return ended(view.plan, view.progress, "Stopped", code, message, view.now)


def _allow_traffic(view: View) -> Move:
    if view.plan.rolls_back:
        return _restore_traffic(view)
    progress, schedule = view.progress, view.plan.schedule
    if progress.shifts == len(schedule):
        return view.next_stage() if progress.promoted else acts.Promote("green")
    hold_seconds = schedule[progress.shifts - 1][1] if progress.shifts else 0.0
    left_seconds = progress.shifted + hold_seconds - view.now
    if progress.shifts and left_seconds > 0:
        return Rest(min(0.2, left_seconds))
    return acts.Route(schedule[progress.shifts][0])


def _restore_traffic(view: View) -> Move:
    """Production first, whatever else may go wrong after it."""
    if not view.progress.begun:
        return acts.Route(0)
    if view.progress.test_on_green:
        return acts.RouteTest("blue")
    return acts.Promote("blue") if view.progress.promoted else view.next_stage()


def _termination_wait(view: View) -> Move:
    seconds = view.plan.termination_seconds
    if seconds is None or view.seconds_in_stage >= seconds or "TERMINATION_WAIT" in view.inbox.go_on:
        return view.next_stage()
    return Rest(min(0.2, seconds - view.seconds_in_stage))


def _remove_original(view: View) -> Move:
    if view.plan.termination_seconds is None or view.progress.blue.status == "GONE":
        return view.next_stage()
    return view.look(acts.Remove("blue"))


def _remove_replacement(view: View) -> Move:
    return view.next_stage() if view.progress.green.status == "GONE" else view.look(acts.Remove("green"))


def _roll_back(view: View) -> Move:
    return view.look(acts.WatchRollback()) if view.progress.begun else acts.BeginRollback()


def _finish(view: View) -> Move:
    status = view.progress.end.status if view.progress.end else "Succeeded"
    return replace(view.progress, status=status, completed=view.now)


_STAGES: dict[str, Callable[[View], Move]] = {
    "Start": _start,
    "BeforeInstall": _hook,
    "Install": _install,
    "AfterInstall": _hook,
    "AllowTestTraffic": _allow_test_traffic,
    "AfterAllowTestTraffic": _hook,
    "ReadyWait": _ready_wait,
    "BeforeAllowTraffic": _hook,
    "AllowTraffic": _allow_traffic,
    "AfterAllowTraffic": _hook,
    "TerminationWait": _termination_wait,
    "RemoveOriginal": _remove_original,
    "RemoveReplacement": _remove_replacement,
    "RollBack": _roll_back,
    "Finish": _finish,
}
