"""The engine's mind: from a service deployment's state to its next step. Nothing here touches the world.

`decide` says what comes next: an act to be done, or a state to be taken on at once. The shell commits the state
after either, so a deployment goes on exactly where it was.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from local_aws.ecs.rollouts import acts
from local_aws.ecs.rollouts.acts import Act, Rest, Side, Sight
from local_aws.ecs.rollouts.endings import DELETED, SUPERSEDED, ended, failed, finished, settlement, threshold
from local_aws.ecs.rollouts.hooks import hooked
from local_aws.ecs.rollouts.progress import Inbox, Plan, Progress

Move = Act | Progress
UNGUARDED = frozenset({"START", "CLEAN_UP", "FINISH"})
"""The stages in which no alarm is looked at."""
RETRY_SECONDS = 0.3
"""Real seconds before a fault is tried again."""


@dataclass(frozen=True)
class View:
    """All that a decision rests on."""

    plan: Plan
    progress: Progress
    inbox: Inbox
    sight: Sight
    now: float

    @property
    def target(self) -> Side:
        """The tasks of the target."""
        return self.sight.target or Side()

    @property
    def late(self) -> bool:
        """Whether the current stage takes longer than ECS lets it."""
        return self.now - self.progress.entered > self.plan.scale_up_seconds

    @property
    def only_target(self) -> bool:
        """Whether no other deployment has tasks left."""
        return not self.sight.source.tasks and not self.sight.others

    def failure(self, cause: str, *told: str, rolls_back: bool = True) -> Progress:
        """The state after a failure."""
        return failed(self.plan, self.progress, cause, self.now, *told, rolls_back=rolls_back)

    def then(self) -> Move:
        """The stage's work is done: its hooks, then the next stage."""
        move = hooked(self.plan, self.progress, self.inbox, self.now)
        return finished(self.plan, self.progress, self.now) if move is None else move


def decide(plan: Plan, progress: Progress, inbox: Inbox, sight: Sight, now: float) -> Move:
    """What comes next for a deployment that is not over."""
    view = View(plan, progress, inbox, sight, now)
    if (stopped := _interrupted(view)) is not None:
        return stopped
    stages = _BACKWARD if progress.backward else _FORWARD
    move = acts.PollAlarms() if _alarms_due(view) else stages[progress.stage](view)
    waits = progress.faults and not isinstance(move, Progress) and now < progress.looked + RETRY_SECONDS
    return Rest(RETRY_SECONDS) if waits else move


def _interrupted(view: View) -> Progress | None:
    progress, stop = view.progress, view.inbox.stop
    if progress.stage == "FINISH":
        return None
    if view.inbox.superseded or view.sight.target is None:
        reason = SUPERSEDED if view.inbox.superseded else DELETED
        return ended(progress, "STOPPED", reason, view.now)
    if not stop or progress.backward or progress.stage == "CLEAN_UP":
        return None
    requested = "STOP_REQUESTED" if stop == "ABORT" else "ROLLBACK_REQUESTED"
    if progress.status != requested:
        return replace(progress, status=requested)
    return view.failure("stop", rolls_back=stop != "ABORT")


def _alarms_due(view: View) -> bool:
    progress = view.progress
    if view.plan.alarms is None or progress.backward or progress.stage in UNGUARDED:
        return False
    return view.now - progress.alarms_polled >= view.plan.alarm_poll_seconds


def _start(view: View) -> Move:
    if view.sight.waits:
        return Rest()
    if view.progress.status == "PENDING":
        return replace(view.progress, status="IN_PROGRESS", started=view.now)
    if view.plan.alarms and view.progress.ignored is None:
        return acts.PollAlarms()
    if view.plan.routes and not view.plan.rolling and not view.progress.begun:
        return acts.Survey()
    return finished(view.plan, view.progress, view.now)


def _reconcile(view: View) -> Move:
    """What was begun and not completed goes first: its traffic, once the source can take it, then its tasks."""
    plan, progress = view.plan, view.progress
    if plan.source and view.sight.source.healthy < view.sight.desired:
        return Rest()
    routes = [name for name in ("production", "test") if plan.source and plan.routes and getattr(plan.routes, name)]
    if progress.step < len(routes):
        return acts.Route(routes[progress.step], 0)
    if not progress.begun:
        return acts.Want((plan.source,))
    return Rest() if view.sight.others else view.then()


def _scale_up(view: View) -> Move:
    plan, progress, target = view.plan, view.progress, view.target
    if not progress.begun:
        return acts.Want((plan.target,) if plan.rolling else (plan.target, plan.source))
    failures = target.failures_in_a_row if plan.breaker and plan.breaker.resets else target.failures
    if failures != progress.failures:
        return replace(progress, failures=failures)
    if plan.breaker and failures >= threshold(plan.breaker, view.sight.desired):
        return view.failure("breaker", rolls_back=plan.breaker.rolls_back)
    if view.late:
        return view.failure("late")
    return view.then() if _scaled_up(view) else Rest()


def _scaled_up(view: View) -> bool:
    plan, target = view.plan, view.target
    gone = view.only_target or not plan.rolling
    if plan.early is None:
        return target.steady and gone
    enough = math.ceil(view.sight.desired * plan.early.healthy_percent / 100)
    return target.healthy >= enough and (gone or plan.early.deferred)


def _shift_test(view: View) -> Move:
    routed = view.plan.routes and view.plan.routes.test
    return acts.Route("test", 100) if routed and view.progress.test != 100 else view.then()


def _shift_production(view: View) -> Move:
    percent, hold_seconds = view.plan.schedule[view.progress.step]
    if view.plan.routes and view.progress.production != percent:
        return acts.Route("production", percent)
    move = hooked(view.plan, view.progress, view.inbox, view.now)
    left_seconds = view.progress.moved + hold_seconds - view.now
    return (Rest(min(0.2, left_seconds)) if left_seconds > 0 else view.then()) if move is None else move


def _bake(view: View) -> Move:
    left_seconds = view.progress.entered + view.plan.bake_seconds - view.now
    return Rest(min(0.2, left_seconds)) if left_seconds > 0 else view.then()


def _clean_up(view: View) -> Move:
    if not view.progress.begun:
        return acts.Want((view.plan.target,), proven=view.plan.target)
    deferred = view.plan.early is not None and view.plan.early.deferred
    return view.then() if view.only_target or deferred else Rest()


def _finish(view: View) -> Move:
    progress = view.progress
    if not progress.begun:
        return acts.Settle(settlement(progress), progress.reason, progress.cause)
    status = progress.end or ("ROLLBACK_SUCCESSFUL" if progress.backward else "SUCCESSFUL")
    stopped = view.now if status == "STOPPED" else None
    return replace(progress, status=status, finished=view.now, stopped=stopped)


def _restore(view: View) -> Move:
    if view.progress.begun:
        return finished(view.plan, view.progress, view.now)
    return acts.Restore(view.progress.rollback_reason, view.progress.cause, beside=not view.plan.rolling)


def _give_back(route: str) -> Callable[[View], Move]:
    def stage(view: View) -> Move:
        untouched = view.plan.rolling or view.progress.cause == "network"
        routes = None if untouched else view.plan.routes
        if routes and getattr(routes, route) and not view.progress.begun:
            return acts.Route(route, 0)
        return finished(view.plan, view.progress, view.now) if view.plan.rolling else view.then()

    return stage


def _clean_up_target(view: View) -> Move:
    if not view.progress.begun:
        return acts.Want((view.plan.source,))
    gone = not view.target.tasks and not view.sight.others
    if gone and view.sight.source.steady:
        return view.then()
    late = ended(view.progress, "ROLLBACK_FAILED", "The source service revision did not become steady.", view.now)
    return late if view.late else Rest()


_FORWARD: dict[str, Callable[[View], Move]] = {
    "START": _start,
    "RECONCILE_SERVICE": _reconcile,
    "PRE_SCALE_UP": View.then,
    "SCALE_UP": _scale_up,
    "POST_SCALE_UP": View.then,
    "TEST_TRAFFIC_SHIFT": _shift_test,
    "POST_TEST_TRAFFIC_SHIFT": View.then,
    "PRE_PRODUCTION_TRAFFIC_SHIFT": View.then,
    "PRODUCTION_TRAFFIC_SHIFT": _shift_production,
    "POST_PRODUCTION_TRAFFIC_SHIFT": View.then,
    "BAKE_TIME": _bake,
    "CLEAN_UP": _clean_up,
    "FINISH": _finish,
}
_BACKWARD: dict[str, Callable[[View], Move]] = {
    "RESTORE": _restore,
    "PRODUCTION_TRAFFIC_SHIFT": _give_back("production"),
    "TEST_TRAFFIC_SHIFT": _give_back("test"),
    "CLEAN_UP": _clean_up_target,
    "FINISH": _finish,
}
