"""The mind of a service deployment, driven without any world: what it does, in which order, and where it turns back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_aws.ecs.deployments import OWN
from local_aws.ecs.rollouts import acts
from local_aws.ecs.rollouts.acts import Answer, Fault, HookAnswer, Side, Sight
from local_aws.ecs.rollouts.admission import configured
from local_aws.ecs.rollouts.answers import absorb
from local_aws.ecs.rollouts.endings import threshold
from local_aws.ecs.rollouts.news import effects_between
from local_aws.ecs.rollouts.planning import plan_of, resolved, schedule
from local_aws.ecs.rollouts.progress import (
    Alarms,
    Breaker,
    Early,
    Hook,
    Inbox,
    Plan,
    Progress,
    Routes,
    as_document,
    plan_from,
    progress_from,
)
from local_aws.ecs.rollouts.routes import NotAssociatedError, route, survey, weights_of
from local_aws.ecs.rollouts.steps import decide

READY, EMPTY = Side(2, 2, 2), Side()
ROUTES = Routes("production-rule", "test-rule", "blue", "green")
PAUSE = Hook(0, "PAUSE", ("PRE_PRODUCTION_TRAFFIC_SHIFT",), timeout_seconds=60)


class Scaled:
    """A clock whose minutes last a second."""

    def minutes(self, aws_minutes: float) -> float:
        return aws_minutes


def plan(strategy: str = "CANARY", **told: Any) -> Plan:
    moves = {"CANARY": ((10.0, 5.0), (100.0, 0.0)), "BLUE_GREEN": ((100.0, 0.0),)}.get(strategy, ())
    given = {"schedule": moves, "routes": None if strategy == "ROLLING" else ROUTES, **told}
    return Plan(arn="deployment", service="service", strategy=strategy, target="new", **{"source": "old", **given})


class Rollout:
    """Carries a deployment on: acts succeed, waits pass, and what was done is told."""

    def __init__(self, plan: Plan, answers: dict[type, Callable[[Any], Answer]] | None = None) -> None:
        self.plan, self.progress, self.now, self.inbox = plan, Progress(), 1000.0, Inbox()
        self.done: list[Any] = []
        self.stages: list[str] = []
        self.sight = Sight(EMPTY, READY, desired=2)
        self._answers = answers or {}

    def step(self) -> None:
        """One move; the state goes through its JSON document, as it does in the store."""
        move = decide(self.plan, self.progress, self.inbox, self.sight, self.now)
        if isinstance(move, acts.Rest):
            self.now += max(0.1, move.seconds)
        elif isinstance(move, Progress):
            self.progress = move
        else:
            self.done.append(move)
            self._see(move)
            answer = self._answers.get(type(move), _succeeds)(move)
            self.progress = absorb(self.plan, self.progress, move, answer, self.now)
        self.progress = progress_from(json.loads(json.dumps(as_document(self.progress))))
        if self.stages[-1:] != [self.progress.stage]:
            self.stages.append(self.progress.stage)

    def to_the_end(self) -> Rollout:
        return self.until(lambda progress: progress.over)

    def until(self, holds: Callable[[Progress], bool]) -> Rollout:
        for _ in range(5000):
            if holds(self.progress):
                return self
            self.step()
        raise AssertionError(f"stuck at {self.progress}")

    def routed(self, route: str = "production") -> list[float]:
        """The shares of a route that were asked for."""
        return [act.percent for act in self.done if isinstance(act, acts.Route) and act.route == route]

    def _see(self, move: Any) -> None:
        if isinstance(move, acts.Want):
            sides = {key: READY if key in move.ids else EMPTY for key in ("new", "old")}
            self.sight = replace(self.sight, target=sides["new"], source=sides["old"], others=0)


def _succeeds(move: Any) -> Answer:
    if isinstance(move, acts.PollAlarms):
        return ()
    return HookAnswer("SUCCEEDED") if isinstance(move, acts.Invoke) else True


def test_plan_and_progress_survive_their_json() -> None:
    whole = plan(hooks=(PAUSE,), alarms=Alarms(("red",), True), breaker=Breaker(True), others=("a",))
    assert plan_from(json.loads(json.dumps(as_document(whole)))) == whole


def test_canary_goes_through_every_stage_in_order() -> None:
    rollout = Rollout(plan(bake_seconds=3)).to_the_end()
    step = ["PRE_PRODUCTION_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"]
    before = ["PRE_SCALE_UP", "SCALE_UP", "POST_SCALE_UP", "TEST_TRAFFIC_SHIFT", "POST_TEST_TRAFFIC_SHIFT"]
    after = ["POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME", "CLEAN_UP", "FINISH"]
    assert rollout.stages == ["START", *before, *step, *step, *after]
    assert (rollout.progress.status, rollout.routed(), rollout.routed("test")) == ("SUCCESSFUL", [10, 100], [100])
    assert rollout.now - 1000 >= 5 + 3


def test_source_keeps_its_tasks_until_production_has_moved_and_baked() -> None:
    rollout = Rollout(plan("BLUE_GREEN", bake_seconds=10)).until(lambda progress: progress.stage == "BAKE_TIME")
    assert [act.ids for act in rollout.done if isinstance(act, acts.Want)] == [("new", "old")]
    rollout.to_the_end()
    assert [act.ids for act in rollout.done if isinstance(act, acts.Want)][-1] == ("new",)


def test_rolling_waits_until_nothing_of_the_source_is_left() -> None:
    rollout = Rollout(plan("ROLLING")).until(lambda progress: progress.stage == "SCALE_UP" and progress.begun)
    rollout.sight = Sight(READY, Side(0, 1, 1), desired=2)
    for _ in range(20):
        rollout.step()
    assert rollout.progress.stage == "SCALE_UP"
    rollout.sight = Sight(READY, EMPTY, desired=2)
    assert rollout.to_the_end().progress.status == "SUCCESSFUL"


@pytest.mark.parametrize(("deferred", "source"), [(True, Side(0, 2, 2)), (False, EMPTY)])
def test_early_success_waits_for_the_source_only_when_it_blocks(deferred: bool, source: Side) -> None:
    rollout = Rollout(plan("ROLLING", early=Early(50, deferred)))
    rollout.until(lambda progress: progress.stage == "SCALE_UP" and progress.begun)
    rollout.sight = Sight(Side(2, 2, 0), source, desired=2)
    for _ in range(10):
        rollout.step()
    assert rollout.progress.stage == "SCALE_UP"
    rollout.sight = Sight(Side(2, 2, 1), source, desired=2)
    rollout.until(lambda progress: progress.stage == "POST_SCALE_UP")


def test_early_success_that_blocks_waits_for_the_last_task_of_the_source() -> None:
    rollout = Rollout(plan("ROLLING", early=Early(50, deferred=False)))
    rollout.until(lambda progress: progress.stage == "SCALE_UP" and progress.begun)
    rollout.sight = Sight(Side(2, 2, 2), Side(0, 1, 1), desired=2)
    for _ in range(10):
        rollout.step()
    assert rollout.progress.stage == "SCALE_UP"


@given(
    at=st.integers(1, 60),
    stop=st.sampled_from(["ROLLBACK", "ABORT"]),
    strategy=st.sampled_from(["CANARY", "BLUE_GREEN", "ROLLING"]),
)
def test_stop_at_any_moment_ends_and_a_rollback_ends_without_traffic_on_the_target(
    at: int, stop: str, strategy: str
) -> None:
    rollout = Rollout(plan(strategy, bake_seconds=2))
    for _ in range(at):
        if not rollout.progress.over:
            rollout.step()
    rollout.inbox = Inbox(stop=stop)
    rollout.to_the_end()
    if rollout.progress.status == "SUCCESSFUL":
        assert "CLEAN_UP" in rollout.stages
    elif stop == "ABORT":
        assert (rollout.progress.status, rollout.progress.backward) == ("STOPPED", False)
    else:
        assert (rollout.progress.status, rollout.progress.production) == ("ROLLBACK_SUCCESSFUL", 0)
        assert isinstance(rollout.done[-1], acts.Settle)


def test_rollback_gives_production_back_before_anything_else_of_the_balancer() -> None:
    rollout = Rollout(plan()).until(lambda progress: progress.production == 10)
    rollout.inbox = Inbox(stop="ROLLBACK")
    rollout.done.clear()
    rollout.to_the_end()
    named = [act.route if isinstance(act, acts.Route) else type(act).__name__ for act in rollout.done]
    assert named == ["Restore", "production", "test", "Want", "Settle"]


def test_first_deployment_moves_at_once_and_has_no_way_back() -> None:
    first = plan("BLUE_GREEN", source="", hooks=(PAUSE,), breaker=Breaker(True))
    rollout = Rollout(first)
    rollout.sight = Sight(EMPTY, EMPTY, desired=2)
    assert rollout.to_the_end().routed() == [100]
    failing = Rollout(first)
    failing.sight = Sight(EMPTY, EMPTY, desired=2)
    failing.until(lambda progress: progress.stage == "SCALE_UP" and progress.begun)
    failing.sight = Sight(Side(2, 0, 0, failures_in_a_row=3), EMPTY, desired=2)
    assert failing.to_the_end().progress.status == "ROLLBACK_FAILED"
    assert failing.done[-1].end == "halted"


def test_newer_deployment_takes_over_without_this_one_touching_anything_more() -> None:
    rollout = Rollout(plan()).until(lambda progress: progress.production == 10)
    rollout.inbox = Inbox(superseded=True)
    rollout.done.clear()
    assert rollout.to_the_end().progress.status == "STOPPED"
    assert [act.end for act in rollout.done] == ["left"]


def test_deployment_waits_for_the_one_before_it() -> None:
    rollout = Rollout(plan())
    rollout.sight = replace(rollout.sight, waits=True)
    for _ in range(10):
        rollout.step()
    assert (rollout.progress.status, rollout.done) == ("PENDING", [])


def test_unfinished_others_lose_their_traffic_then_their_tasks_before_anything_starts() -> None:
    rollout = Rollout(plan(others=("between",), reconciles=True))
    rollout.sight = Sight(EMPTY, READY, desired=2, others=2)
    rollout.until(lambda progress: progress.stage == "PRE_SCALE_UP")
    assert rollout.done[1:] == [acts.Route("production", 0), acts.Route("test", 0), acts.Want(("old",))]


def test_unfinished_others_keep_serving_until_the_source_can() -> None:
    rollout = Rollout(plan(others=("between",), reconciles=True))
    rollout.sight = Sight(EMPTY, Side(2, 2, 1), desired=2, others=2)
    rollout.until(lambda progress: progress.stage == "RECONCILE_SERVICE")
    rollout.done.clear()
    for _ in range(10):
        rollout.step()
    assert rollout.done == []


def test_alarm_that_fires_from_the_start_is_ignored_and_another_is_not() -> None:
    firing = ["old-red"]
    answers = {acts.PollAlarms: lambda _: tuple(firing)}
    rollout = Rollout(plan(alarms=Alarms(("old-red", "new-red"), rolls_back=True)), answers)
    rollout.until(lambda progress: progress.production == 10)
    firing.append("new-red")
    rollout.to_the_end()
    assert (rollout.progress.status, rollout.progress.triggered) == ("ROLLBACK_SUCCESSFUL", ("new-red",))


def test_alarm_without_rollback_stops_and_leaves_the_traffic() -> None:
    firing: list[str] = []
    answers = {acts.PollAlarms: lambda _: tuple(firing)}
    rollout = Rollout(plan(alarms=Alarms(("red",), rolls_back=False)), answers)
    rollout.until(lambda progress: progress.production == 10)
    firing.append("red")
    assert (rollout.to_the_end().progress.status, rollout.routed()) == ("STOPPED", [10])


def test_pause_has_another_id_at_each_step_and_the_same_one_when_asked_again() -> None:
    rollout = Rollout(plan(hooks=(PAUSE,))).until(lambda progress: bool(progress.hooks))
    (first,) = rollout.progress.hooks
    again = Rollout(rollout.plan).until(lambda progress: bool(progress.hooks))
    assert again.progress.hooks[0].id == first.id
    rollout.inbox = Inbox(actions={first.id: "CONTINUE"})
    rollout.until(lambda progress: progress.hooks[0].id != first.id)
    assert (rollout.routed(), rollout.progress.hooks[0].status) == ([10], "AWAITING_ACTION")


@pytest.mark.parametrize(("action", "status"), [("CONTINUE", "SUCCESSFUL"), ("ROLLBACK", "ROLLBACK_SUCCESSFUL")])
def test_pause_that_times_out_takes_its_action(action: str, status: str) -> None:
    rollout = Rollout(plan(hooks=(replace(PAUSE, timeout_action=action),))).to_the_end()
    assert (rollout.progress.status, rollout.progress.hooks[0].status) == (status, "TIMED_OUT")


def test_functions_of_one_stage_must_all_succeed() -> None:
    hooks = tuple(
        Hook(number, "AWS_LAMBDA", ("PRE_SCALE_UP",), f"f{number}", timeout_seconds=60) for number in range(2)
    )
    answers = {acts.Invoke: lambda act: HookAnswer("SUCCEEDED" if act.run.number == 0 else "FAILED")}
    rollout = Rollout(plan(hooks=hooks), answers).to_the_end()
    assert (rollout.progress.status, rollout.routed()) == ("ROLLBACK_SUCCESSFUL", [0])


def test_rule_without_both_groups_turns_back_and_touches_no_rule() -> None:
    rollout = Rollout(plan(), {acts.Survey: lambda _: Fault("Both ...")}).to_the_end()
    assert (rollout.progress.status, rollout.routed()) == ("ROLLBACK_SUCCESSFUL", [])


def test_passing_fault_is_tried_again() -> None:
    faults = iter([Fault("throttled", passing=True), Fault("throttled", passing=True)])
    rollout = Rollout(plan(), {acts.Route: lambda _: next(faults, True)}).to_the_end()
    assert rollout.progress.status == "SUCCESSFUL"


@pytest.mark.parametrize(
    ("breaker", "desired", "failures"),
    [
        (Breaker(True), 1, 3),
        (Breaker(True), 25, 13),
        (Breaker(True), 1000, 200),
        (Breaker(True, kind="COUNT", value=2), 100, 2),
        (Breaker(True, kind="UNBOUNDED_PERCENT", value=50), 1000, 500),
        (Breaker(True, kind="UNBOUNDED_PERCENT", value=1), 1, 1),
    ],
)
def test_threshold_of_the_circuit_breaker(breaker: Breaker, desired: int, failures: int) -> None:
    assert threshold(breaker, desired) == failures


def test_circuit_breaker_counts_every_failure_when_healthy_tasks_do_not_reset_it() -> None:
    rollout = Rollout(plan(breaker=Breaker(True, resets=False)))
    rollout.until(lambda progress: progress.stage == "SCALE_UP" and progress.begun)
    rollout.sight = Sight(Side(2, 1, 1, failures_in_a_row=0, failures=3), READY, desired=2)
    assert rollout.to_the_end().progress.cause == "breaker"


@pytest.mark.parametrize(
    ("strategy", "config", "percents"),
    [
        ("BLUE_GREEN", {}, [100]),
        ("LINEAR", {}, [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]),
        ("LINEAR", {"linearConfiguration": {"stepPercent": 33.3}}, [33.3, 66.6, 99.9, 100]),
        ("CANARY", {}, [5, 100]),
        ("CANARY", {"canaryConfiguration": {"canaryPercent": 0.1}}, [0.1, 100]),
    ],
)
def test_schedule_of_a_strategy(strategy: str, config: dict[str, Any], percents: list[float]) -> None:
    clock: Any = Scaled()
    moves = schedule(clock, strategy, config)
    assert ([percent for percent, _ in moves], moves[-1][1]) == (percents, 0)


class Rules:
    """The rules of a balancer, as its API gives and takes them."""

    def __init__(self, **weights: int) -> None:
        groups = [{"TargetGroupArn": name, "Weight": weight} for name, weight in weights.items()]
        self.actions = [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]
        self.rewritten = 0

    def describe_rules(self, RuleArns: list[str]) -> dict[str, Any]:
        return {"Rules": [{"RuleArn": RuleArns[0], "IsDefault": False, "Actions": self.actions}]}

    def modify_rule(self, RuleArn: str, Actions: list[dict[str, Any]]) -> None:
        self.rewritten, self.actions = self.rewritten + 1, Actions


@given(st.integers(1, 1000).map(lambda tenths: tenths / 10))
def test_weights_are_whole_numbers_that_a_balancer_takes_and_the_exact_share(percent: float) -> None:
    weights = weights_of(ROUTES, percent)
    assert all(0 <= weight <= 999 for weight in weights.values())
    assert weights["green"] / sum(weights.values()) == pytest.approx(percent / 100)


def test_move_that_was_made_but_not_kept_is_told_as_the_same_one_move() -> None:
    before = Rollout(plan()).until(lambda progress: progress.stage == "PRODUCTION_TRAFFIC_SHIFT").progress
    made, found = (absorb(plan(), before, acts.Route("production", 10), changed, 1.0) for changed in (True, False))
    told = effects_between(plan(), "revision", before, made)
    assert told == effects_between(plan(), "revision", before, found)
    assert told == [
        (
            "traffic_shifted",
            {
                "serviceDeploymentArn": "deployment",
                "route": "production",
                "weights": {"source": 90, "target": 10},
            },
        )
    ]


BALANCER = {
    "targetGroupArn": "blue",
    "advancedConfiguration": {"alternateTargetGroupArn": "green", "productionListenerRule": "rule"},
}


def a_service(strategy: str, *deployments: dict[str, Any]) -> dict[str, Any]:
    config = {"strategy": strategy, "bakeTimeInMinutes": 0}
    return {
        "serviceArn": "service",
        "loadBalancers": [BALANCER],
        "deployments": list(deployments),
        "deploymentConfiguration": config,
    }


def before(key: str, group: str, **own: bool) -> dict[str, Any]:
    """A deployment that a service has; its configured load balancer is as ever, the used group may be the other."""
    used = {**BALANCER, "targetGroupArn": group}
    return {"id": key, "loadBalancers": [used], "_": {**OWN, "balancers": [BALANCER], **own}}


@pytest.mark.parametrize(
    ("strategy", "used", "taken"),
    [
        ("BLUE_GREEN", "blue", "green"),
        ("BLUE_GREEN", "green", "blue"),
        ("ROLLING", "blue", "blue"),
        ("ROLLING", "green", "green"),
    ],
)
def test_target_takes_the_free_group_and_rolling_stays_in_the_one_that_serves(
    strategy: str, used: str, taken: str
) -> None:
    service = a_service(strategy, before("old", used, proven=True))
    assert [balancer["targetGroupArn"] for balancer in resolved(service, strategy)] == [taken]


def planned(service: dict[str, Any]) -> Plan:
    clock: Any = Scaled()
    return plan_of(clock, "deployment", service, {"id": "new"})


def test_plan_goes_back_to_the_newest_completed_deployment_past_unfinished_ones() -> None:
    unfinished = before("between", "green", beside=True)
    service = a_service("BLUE_GREEN", unfinished, before("old", "blue", proven=True))
    made = planned(service)
    assert (made.source, made.others, made.reconciles, made.begins_wanted) == ("old", ("between",), True, False)
    assert (made.routes, made.forward[1]) == (Routes("rule", "", "blue", "green"), "RECONCILE_SERVICE")


def test_rolling_over_an_unfinished_rolling_just_replaces_it() -> None:
    service = a_service("ROLLING", before("between", "blue"), before("old", "blue", proven=True))
    assert (planned(service).reconciles, planned(service).begins_wanted) == (False, True)


@pytest.mark.parametrize(
    ("had", "given", "left"),
    [
        ({"strategy": "CANARY", "canaryConfiguration": {}}, {"strategy": "LINEAR"}, {"strategy"}),
        ({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 9}, {"strategy": "ROLLING"}, {"strategy"}),
        ({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 9}, {}, {"strategy", "bakeTimeInMinutes"}),
        (
            {"strategy": "BLUE_GREEN"},
            {"strategy": "ROLLING", "bakeTimeInMinutes": 1},
            {"strategy", "bakeTimeInMinutes"},
        ),
    ],
)
def test_configuration_keeps_what_its_strategy_has_a_use_for(
    had: dict[str, Any], given: dict[str, Any], left: set[str]
) -> None:
    assert set(configured(had, given)) == left


def test_rule_is_rewritten_only_when_its_shares_differ() -> None:
    rules = Rules(blue=1, green=0)
    assert (route(rules, "rule", ROUTES, 0), rules.rewritten) == (False, 0)
    assert (route(rules, "rule", ROUTES, 10), route(rules, "rule", ROUTES, 10), rules.rewritten) == (True, False, 1)


def test_rule_that_lacks_a_group_is_refused() -> None:
    survey(Rules(blue=1, green=0), ROUTES)
    with pytest.raises(NotAssociatedError):
        survey(Rules(blue=1), ROUTES)
