"""The mind of CodeDeploy's engine, driven through whole deployments by a fake world and a clock of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from local_aws.codedeploy import acts
from local_aws.codedeploy.acts import Act, Answer, Fault, Health, Rest, Sides
from local_aws.codedeploy.answers import absorb
from local_aws.codedeploy.progress import (
    EVENTS,
    Inbox,
    Plan,
    Progress,
    TaskSet,
    as_document,
    plan_from,
    progress_from,
)
from local_aws.codedeploy.rollback import rollback_document
from local_aws.codedeploy.steps import decide, hook_execution_id
from local_aws.codedeploy.traffic import canary, linear, schedule

MINUTE = 3.0
FORWARD = Plan("d-FORWARD01", schedule=((10, 5 * MINUTE), (100, 0.0)), termination_seconds=MINUTE)
BOTH = ("DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM")
NOTHING = Inbox()


@dataclass
class FakeWorld:
    """A service, a listener and alarms that do what the acts wish for, and a log of what really changed."""

    now: float = 1000.0
    weight: int = 0
    test_on_green: bool = False
    primary: str = "blue"
    green: bool = False
    blue: bool = True
    steady_after: float = 2.0
    alarm_from: float | None = None
    rollback: str | None = None
    faults: dict[type, Fault] = field(default_factory=dict)
    created_at: float = 0.0
    invoked: list[str] = field(default_factory=list)
    log: list[tuple[float, str]] = field(default_factory=list)

    def perform(self, act: Act) -> Answer:
        if type(act) in self.faults:
            return self.faults[type(act)]
        match act:
            case acts.Survey():
                return Sides(TaskSet("tg-blue", "arn:blue", "ecs-svc/1", "PRIMARY"), TaskSet("tg-green", "arn:green"))
            case acts.CreateGreen():
                return self._create_green()
            case acts.WatchGreen():
                steady = self.green and self.now - self.created_at >= self.steady_after
                return Health(TaskSet("tg-green", "arn:green", "ecs-svc/2", "ACTIVE", 2, 0, 2), steady)
            case acts.InvokeHook(event):
                self.invoked.append(event)
            case acts.Route(percent):
                return self._set("weight", percent)
            case acts.RouteTest(label):
                return self._set("test_on_green", label == "green")
            case acts.Promote(label):
                self._set("primary", label)
            case acts.Remove(label):
                return not self._set(label, False)
            case acts.PollAlarms():
                return ("high-5xx",) if self.alarm_from is not None and self.now >= self.alarm_from else ()
            case acts.BeginRollback():
                self.rollback = self.rollback or "InProgress"
            case acts.WatchRollback():
                return self.rollback
        return None

    def weights(self) -> list[tuple[float, int]]:
        return [(at, int(what.split()[1])) for at, what in self.log if what.startswith("weight")]

    def _create_green(self) -> TaskSet:
        if self._set("green", True):
            self.created_at = self.now
        return TaskSet("tg-green", "arn:green", "ecs-svc/2", "ACTIVE", 2, 2, 0)

    def _set(self, name: str, value: Any) -> bool:
        changed = getattr(self, name) != value
        if changed:
            setattr(self, name, value)
            self.log.append((self.now, f"{name} {value}"))
        return changed


def run(
    plan: Plan, world: FakeWorld, inbox: Inbox = NOTHING, progress: Progress | None = None, until: Any = None
) -> Progress:
    """Drive a deployment to its end (or until a condition), through JSON at every commit."""
    progress = progress or Progress(entered=world.now)
    for _ in range(2000):
        if progress.over or (until and until(progress)):
            return progress
        move = decide(plan, progress, inbox, world.now)
        if isinstance(move, Rest):
            world.now += move.seconds
            continue
        if not isinstance(move, Progress):
            move = absorb(plan, progress, move, world.perform(move), world.now)
        progress = progress_from(json.loads(json.dumps(as_document(move))))
    raise AssertionError(f"no end in sight in stage {progress.stage}")


def in_stage(stage: str) -> Any:
    return lambda progress: progress.stage == stage


def roll_back(plan: Plan, world: FakeWorld, failed: Progress) -> Progress:
    """Run the rollback deployment of a failed one, and then the failed one to its end."""
    document = {"info": {"revision": {}}, "plan": as_document(plan)}
    undone = rollback_document(document, failed, None, world.now)
    undo, start = plan_from(undone["plan"]), progress_from(undone["progress"])
    world.rollback = run(undo, world, progress=start).status
    return run(plan, world, progress=failed)


def test_canary_moves_ten_percent_and_the_rest_five_minutes_later() -> None:
    world = FakeWorld()
    progress = run(FORWARD, world)
    (first, ten), (second, hundred) = world.weights()
    assert (ten, hundred) == (10, 100)
    assert second - first == pytest.approx(5 * MINUTE, abs=0.3)
    assert progress.status == "Succeeded"


def test_success_makes_green_primary_waits_and_removes_blue_last() -> None:
    world = FakeWorld()
    run(FORWARD, world)
    order = [what for _, what in world.log]
    assert order[-3:] == ["weight 100", "primary green", "blue False"]
    assert world.log[-1][0] - world.log[-2][0] >= MINUTE


def test_linear_schedule_ends_at_one_hundred() -> None:
    assert [shift.percent for shift in schedule(linear(25, 1))] == [25, 50, 75, 100]
    assert [shift.percent for shift in schedule(linear(30, 1))] == [30, 60, 90, 100]
    assert [(shift.percent, shift.hold_minutes) for shift in schedule(canary(10, 5))] == [(10, 5), (100, 0)]


def test_events_succeed_in_order_and_test_events_are_skipped_without_a_test_listener() -> None:
    events = run(FORWARD, FakeWorld()).events
    assert tuple(events) == EVENTS
    skipped = [name for name, event in events.items() if event.status == "Skipped"]
    assert skipped == ["AllowTestTraffic", "AfterAllowTestTraffic"]
    ends = [event.ended for event in events.values()]
    assert ends == sorted(ends)


def test_test_listener_goes_to_green_before_production() -> None:
    world = FakeWorld()
    run(replace(FORWARD, has_test_route=True), world)
    order = [what for _, what in world.log]
    assert order.index("test_on_green True") < order.index("weight 10")


def test_green_that_never_gets_healthy_fails_and_asks_for_a_rollback() -> None:
    world = FakeWorld(steady_after=1e9)
    plan = replace(FORWARD, rollback_on=BOTH, green_timeout_seconds=30.0)
    failed = run(plan, world, until=in_stage("RollBack"))
    assert (failed.status, failed.events["Install"].status) == ("InProgress", "Failed")
    assert failed.end and failed.end.code == "TIMEOUT"
    over = roll_back(plan, world, failed)
    assert (over.status, world.green, world.weights()) == ("Failed", False, [])
    assert failed.rollback_id == over.rollback_id


def test_alarm_mid_canary_stops_and_the_rollback_puts_traffic_back_first() -> None:
    world = FakeWorld()
    plan = replace(FORWARD, rollback_on=BOTH, alarms=("high-5xx",))
    shifted = run(plan, world, until=lambda progress: progress.shifts == 1)
    world.alarm_from = world.now + 1
    stopped = run(plan, world, progress=shifted, until=in_stage("RollBack"))
    assert world.now - world.alarm_from <= plan.alarm_poll_seconds
    over = roll_back(plan, world, stopped)
    assert [what for _, what in world.log][-3:] == ["weight 10", "weight 0", "green False"]
    assert (over.status, over.end and over.end.code) == ("Stopped", "ALARM_ACTIVE")
    assert over.end and "Activated alarms: <high-5xx>" in over.end.message
    assert over.events["AllowTraffic"].status == "Failed"
    assert over.events["AfterAllowTraffic"].status == "Skipped"


def test_alarms_looked_at_all_the_time_hold_nothing_up() -> None:
    plan = replace(FORWARD, alarms=("high-5xx",), alarm_poll_seconds=0.05)
    assert run(plan, FakeWorld()).status == "Succeeded"


def test_alarm_without_rollback_on_alarm_leaves_traffic_where_it_is() -> None:
    world = FakeWorld()
    plan = replace(FORWARD, rollback_on=("DEPLOYMENT_FAILURE",), alarms=("high-5xx",))
    shifted = run(plan, world, until=lambda progress: progress.shifts == 1)
    world.alarm_from = world.now
    over = run(plan, world, progress=shifted)
    assert (over.status, over.rollback_id, world.weight, world.green) == ("Stopped", None, 10, True)


def test_alarm_after_the_last_hook_stops_nothing() -> None:
    world = FakeWorld()
    plan = replace(FORWARD, rollback_on=BOTH, alarms=("high-5xx",))
    waiting = run(plan, world, until=in_stage("TerminationWait"))
    world.alarm_from = world.now
    assert run(plan, world, progress=waiting).status == "Succeeded"


def test_hook_is_invoked_once_and_waits_for_its_word() -> None:
    world = FakeWorld()
    plan = replace(FORWARD, hooks={"AfterInstall": "check"})
    waiting = run(plan, world, until=lambda progress: progress.stage == "AfterInstall" and progress.begun)
    told = Inbox(hooks={hook_execution_id(plan.deployment_id, "AfterInstall"): "Succeeded"})
    assert run(plan, world, told, waiting).status == "Succeeded"
    assert world.invoked == ["AfterInstall"]


def test_hook_that_reports_failed_fails_the_deployment() -> None:
    world = FakeWorld()
    plan = replace(FORWARD, hooks={"BeforeAllowTraffic": "check"}, rollback_on=BOTH)
    told = Inbox(hooks={hook_execution_id(plan.deployment_id, "BeforeAllowTraffic"): "Failed"})
    failed = run(plan, world, told, until=in_stage("RollBack"))
    assert failed.end and (failed.end.status, failed.end.code) == ("Failed", "HOOK_EXECUTION_FAILURE")
    assert failed.events["BeforeAllowTraffic"].message.startswith("The deployment failed because")


def test_hook_that_keeps_silent_times_out() -> None:
    world = FakeWorld()
    over = run(replace(FORWARD, hooks={"AfterInstall": "check"}, hook_timeout_seconds=180.0), world)
    assert over.end and over.end.code == "TIMEOUT"
    assert world.now > 1180


def test_failure_before_install_rolls_nothing_back() -> None:
    plan = replace(FORWARD, hooks={"BeforeInstall": "check"}, rollback_on=BOTH)
    told = Inbox(hooks={hook_execution_id(plan.deployment_id, "BeforeInstall"): "Failed"})
    over = run(plan, FakeWorld(), told)
    assert (over.status, over.rollback_id) == ("Failed", None)


def test_ready_wait_continues_when_told_and_stops_when_not() -> None:
    plan = replace(FORWARD, ready_seconds=10 * MINUTE, ready_minutes=10)
    world = FakeWorld()
    ready = run(plan, world, until=lambda progress: progress.status == "Ready")
    assert run(plan, replace(world), Inbox(go_on=("READY_WAIT",)), ready).status == "Succeeded"
    over = run(plan, world, progress=ready)
    assert (over.status, over.end and over.end.code, world.weight) == ("Stopped", "TIMEOUT", 0)


def test_termination_wait_can_be_cut_short() -> None:
    plan, world = replace(FORWARD, termination_seconds=1e6), FakeWorld()
    assert run(plan, world, Inbox(go_on=("TERMINATION_WAIT",))).status == "Succeeded"


def test_stop_with_rollback_in_the_termination_wait_restores_blue() -> None:
    world = FakeWorld()
    waiting = run(FORWARD, world, until=in_stage("TerminationWait"))
    assert world.primary == "green"
    stopped = run(FORWARD, world, Inbox(stopped=True, rollback=True), waiting, until=in_stage("RollBack"))
    over = roll_back(FORWARD, world, stopped)
    assert (world.weight, world.primary, world.green, world.blue) == (0, "blue", False, True)
    assert (over.status, over.end and over.end.code) == ("Stopped", "MANUAL_STOP")


def test_stop_without_rollback_leaves_traffic_where_it_is() -> None:
    world = FakeWorld()
    shifted = run(FORWARD, world, until=lambda progress: progress.shifts == 1)
    over = run(FORWARD, world, Inbox(stopped=True), shifted)
    assert (over.status, over.rollback_id, world.weight, world.green) == ("Stopped", None, 10, True)


def test_stop_before_the_start_ends_at_once() -> None:
    world = FakeWorld()
    assert (run(FORWARD, world, Inbox(stopped=True)).status, world.log) == ("Stopped", [])


def test_refused_task_set_fails_with_ecs_update_error() -> None:
    world = FakeWorld(faults={acts.CreateGreen: Fault("ECS_UPDATE_ERROR", "no such task definition")})
    over = run(FORWARD, world)
    assert over.end and (over.end.code, over.end.message) == ("ECS_UPDATE_ERROR", "no such task definition")


def test_passing_fault_is_tried_again() -> None:
    world = FakeWorld(faults={acts.CreateGreen: Fault("THROTTLED", "slow down", passing=True)})
    tried = run(FORWARD, world, until=lambda progress: progress.faults == 3)
    assert tried.stage == "Install"
    world.faults.clear()
    assert run(FORWARD, world, progress=tried).status == "Succeeded"


def test_unreadable_alarms_are_ignored_only_when_configured_so() -> None:
    fault = {acts.PollAlarms: Fault("ALARM_ACTIVE", "cannot read")}
    plan = replace(FORWARD, alarms=("high-5xx",))
    assert run(plan, FakeWorld(faults=dict(fault))).status == "Stopped"
    assert run(replace(plan, ignores_alarm_failures=True), FakeWorld(faults=dict(fault))).status == "Succeeded"


@pytest.mark.parametrize("death", range(1, 24))
def test_death_between_an_act_and_its_commit_changes_nothing_for_the_traffic(death: int) -> None:
    plan, world = replace(FORWARD, has_test_route=True), FakeWorld()
    progress, done = Progress(entered=world.now), 0
    while not progress.over:
        move = decide(plan, progress, Inbox(), world.now)
        if isinstance(move, Rest):
            world.now += move.seconds
            continue
        if not isinstance(move, Progress):
            answer, done = world.perform(move), done + 1
            if done == death:
                continue  # died here: the act was done, its answer is lost
            move = absorb(plan, progress, move, answer, world.now)
        progress = move
    assert [weight for _, weight in world.weights()] == [10, 100]
    assert [what for _, what in world.log].count("green True") == 1
    assert (progress.status, world.primary, world.blue) == ("Succeeded", "green", False)


def test_rollback_after_a_death_that_hid_the_last_act_still_restores_everything() -> None:
    plan, world = replace(FORWARD, has_test_route=True), FakeWorld()
    unaware = run(plan, world, until=lambda progress: progress.shifts == 2)
    world.perform(acts.Promote("green"))  # and died before this was written down
    stopped = run(plan, world, Inbox(stopped=True, rollback=True), unaware, until=in_stage("RollBack"))
    over = roll_back(plan, world, stopped)
    assert (world.weight, world.test_on_green, world.primary, world.green) == (0, False, "blue", False)
    assert over.status == "Stopped"


def test_state_survives_json() -> None:
    progress = run(FORWARD, FakeWorld(), until=in_stage("TerminationWait"))
    assert progress_from(json.loads(json.dumps(as_document(progress)))) == progress
    assert plan_from(json.loads(json.dumps(as_document(FORWARD)))) == FORWARD
