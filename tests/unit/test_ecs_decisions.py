"""The scheduler's arithmetic: what to start, what to stop, when a service is steady."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_aws.ecs.checkups import after_check
from local_aws.ecs.decisions import Owner, Seen, one_after_the_other, pause_seconds, scaled, side_by_side, steady
from local_aws.ecs.fargate import FargateSizeError, check_size
from local_aws.ecs.rolling import Limits, Side, step
from local_aws.ecs.standing import seen

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
GROUP = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/blue/1"


def tasks(owner: str, count: int, ready: bool = True, **told: Any) -> list[Seen]:
    return [Seen(f"{owner}-{number}", owner, ready, **told) for number in range(count)]


@given(
    desired=st.integers(1, 20),
    minimum=st.integers(0, 100),
    more=st.integers(0, 100),
    new=st.integers(0, 20),
    old=st.integers(0, 20),
    data=st.data(),
)
def test_rolling_step_stays_within_its_limits(
    desired: int, minimum: int, more: int, new: int, old: int, data: st.DataObject
) -> None:
    limits = Limits(minimum, 100 + more)
    new_ready, old_ready = data.draw(st.integers(0, new)), data.draw(st.integers(0, old))
    start, stop = step(desired, limits, Side(new, new_ready), Side(old, old_ready))
    assert start == 0 or new + old + start <= limits.most(desired)
    assert new + start <= max(desired, new)
    healthy_after = new_ready + old_ready - max(0, stop - (old - old_ready))
    assert healthy_after >= min(limits.fewest(desired), new_ready + old_ready)


def rolled(desired: int, limits: Limits) -> tuple[int, int]:
    """The new and old tasks when nothing moves any more, if every task is healthy at once."""
    new, old = 0, desired
    for _ in range(4 * desired):
        start, stop = step(desired, limits, Side(new, new), Side(old, old))
        new, old = new + start, old - stop
    return new, old


@pytest.mark.parametrize("desired", [2, 3, 10])
@pytest.mark.parametrize("limits", [Limits(100, 200), Limits(50, 100), Limits(0, 100), Limits(100, 150)])
def test_rolling_replaces_every_task_in_the_end(desired: int, limits: Limits) -> None:
    assert rolled(desired, limits) == (desired, 0)


@pytest.mark.parametrize("limits", [Limits(50, 100), Limits(100, 150)])
def test_rolling_a_single_task_is_stuck_as_in_aws_when_the_limits_leave_no_room(limits: Limits) -> None:
    assert rolled(1, limits) == (0, 1)


def test_rolling_stops_an_old_task_that_is_not_healthy_at_once() -> None:
    assert step(2, Limits(), Side(0, 0), Side(2, 1)) == (2, 1)


def test_deployment_starts_new_tasks_before_it_stops_old_ones() -> None:
    moves = one_after_the_other([Owner("new", 2), Owner("old", 0)], tasks("old", 2), Limits())
    assert (dict(moves.start), dict(moves.stop)) == ({"new": 2}, {})


def test_scaling_in_stops_the_oldest_and_names_the_deployment() -> None:
    moves = one_after_the_other([Owner("ecs-svc/1", 1)], tasks("ecs-svc/1", 3), Limits())
    reason = "Scaling activity initiated by (deployment ecs-svc/1)"
    assert dict(moves.stop) == {"ecs-svc/1-0": reason, "ecs-svc/1-1": reason}


def test_task_that_fails_is_stopped_with_its_reason_and_replaced() -> None:
    sick = tasks("blue", 1, failing="Task failed container health checks")
    moves = side_by_side([Owner("blue", 1, "taskset")], sick)
    assert (dict(moves.start), dict(moves.stop)) == ({"blue": 1}, {"blue-0": "Task failed container health checks"})


def test_task_that_stops_already_is_not_stopped_again() -> None:
    moves = side_by_side([Owner("blue", 0, "taskset")], tasks("blue", 1, stopping=True))
    assert dict(moves.stop) == {}


def test_tasks_of_a_task_set_that_is_gone_are_stopped() -> None:
    assert set(side_by_side([], tasks("gone", 2)).stop) == {"gone-0", "gone-1"}


@pytest.mark.parametrize(
    ("own", "is_steady"),
    [
        (tasks("blue", 2), True),
        (tasks("blue", 1), False),
        (tasks("blue", 3), False),
        (tasks("blue", 2, ready=False), False),
        (tasks("blue", 2, stopping=True), False),
        ([*tasks("blue", 2), *tasks("green", 1, ready=False)], True),
    ],
)
def test_steady_means_exactly_the_wanted_tasks_all_healthy(own: list[Seen], is_steady: bool) -> None:
    assert steady(Owner("blue", 2), own) is is_steady


@pytest.mark.parametrize(("percent", "count"), [(0, 0), (1, 1), (50, 2), (100, 3)])
def test_scale_of_a_task_set_is_rounded_up(percent: float, count: int) -> None:
    assert scaled(3, percent) == count


def test_pauses_grow_from_the_second_failure_in_a_row_to_fifteen_minutes() -> None:
    assert [pause_seconds(failures) for failures in (0, 1, 2, 3, 4, 20)] == [0, 0, 10, 20, 40, 900]


def a_task(**told: Any) -> dict[str, Any]:
    own = {"owner": "blue", "targets": [{"group": GROUP, "id": "127.64.0.1", "port": 8080}]}
    definition = {"containers": [{"name": "web", "healthCheck": {"command": ["CMD", "true"]}}]}
    started = (NOW - timedelta(seconds=30)).isoformat()
    containers = [{"name": "web", "healthStatus": "HEALTHY"}]
    task = {"taskArn": "a", "lastStatus": "RUNNING", "desiredStatus": "RUNNING", "startedAt": started}
    return {**task, "containers": containers, "_": {**own, "definition": definition}, **told}


def standing(state: str, grace_seconds: float = 0, **told: Any) -> tuple[bool, str | None]:
    found = seen(a_task(**told), {(GROUP, "127.64.0.1", 8080): state}, NOW, grace_seconds)
    return found.ready, found.failing


def test_task_is_ready_only_when_balancer_and_container_check_say_so() -> None:
    assert standing("healthy") == (True, None)
    assert standing("initial") == (False, None)
    assert standing("healthy", containers=[{"name": "web", "healthStatus": "UNKNOWN"}]) == (False, None)
    assert standing("healthy", lastStatus="ACTIVATING") == (False, None)


def test_unhealthy_target_fails_its_task_once_the_grace_is_over() -> None:
    assert standing("unhealthy", grace_seconds=60) == (False, None)
    assert standing("unhealthy") == (False, f"Task failed ELB health checks in (target-group {GROUP})")


def test_unhealthy_container_fails_its_task() -> None:
    assert standing("healthy", healthStatus="UNHEALTHY")[1] == "Task failed container health checks"


def test_container_check_counts_failures_in_a_row_outside_the_start_period() -> None:
    assert after_check("UNKNOWN", False, 0, 2, in_grace=True) == ("UNKNOWN", 0)
    assert after_check("UNKNOWN", False, 0, 2, in_grace=False) == ("UNKNOWN", 1)
    assert after_check("HEALTHY", False, 1, 2, in_grace=False) == ("UNHEALTHY", 2)
    assert after_check("UNHEALTHY", True, 2, 2, in_grace=False) == ("HEALTHY", 0)


@pytest.mark.parametrize(("cpu", "memory"), [("256", "512"), ("256", "2048"), (".5 vCPU", "4 GB"), ("16384", "122880")])
def test_fargate_takes_the_sizes_of_its_table(cpu: str, memory: str) -> None:
    check_size(cpu, memory)


@pytest.mark.parametrize(("cpu", "memory"), [("256", "4096"), ("300", "512"), ("1 vCPU", "1 GB"), ("much", "512")])
def test_fargate_refuses_other_sizes_in_its_own_words(cpu: str, memory: str) -> None:
    with pytest.raises(FargateSizeError, match="No Fargate configuration exists for given values"):
        check_size(cpu, memory)


def test_fargate_wants_both_sizes() -> None:
    with pytest.raises(FargateSizeError, match="at the task level"):
        check_size("256", None)
