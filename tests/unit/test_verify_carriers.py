"""Whether what runs is what was delivered."""

from __future__ import annotations

import pytest

from airdock.aws.operators.verify import carriers
from airdock.aws.production import RunningTask, Standing, digest_in
from airdock.errors import Fault, Refused

DELIVERED, OLD = "sha256:" + "2" * 64, "sha256:" + "1" * 64
NOW = Standing("arn:task-definition/greeter:2", f"x.example/greeter@{DELIVERED}", DELIVERED)


def a_task(digest: str = DELIVERED, image: str = "") -> RunningTask:
    return RunningTask("arn:task/1", "arn:task-definition/greeter:2", image, digest)


def test_tasks_that_carry_the_digest_are_counted_and_old_ones_may_still_run_beside_them() -> None:
    assert carriers(NOW, [a_task(), a_task(OLD), a_task()], DELIVERED, "demo/greeter") == 2


def test_the_pin_counts_where_ecs_resolved_an_index_to_its_platforms_image() -> None:
    assert carriers(NOW, [a_task("sha256:" + "7" * 64, NOW.image)], DELIVERED, "demo/greeter") == 1


def test_tasks_that_all_run_something_else_are_refused_with_what_it_is() -> None:
    with pytest.raises(Refused, match=f"carries {DELIVERED}; they run {OLD}"):
        carriers(NOW, [a_task(OLD)], DELIVERED, "demo/greeter")


def test_production_on_another_version_is_refused() -> None:
    old = Standing("arn:task-definition/greeter:1", f"x.example/greeter@{OLD}", OLD)
    with pytest.raises(Refused, match=r"greeter:1 with sha256:1"):
        carriers(old, [a_task()], DELIVERED, "demo/greeter")


def test_a_moment_without_a_task_is_a_fault() -> None:
    with pytest.raises(Fault):
        carriers(NOW, [], DELIVERED, "demo/greeter")


@pytest.mark.parametrize(
    ("image", "digest"), [(f"x/y@{OLD}", OLD), (f"x:5000/y:v1@{OLD}", OLD), ("x:5000/y:v1", ""), ("y", "")]
)
def test_the_digest_of_a_reference_is_what_it_is_pinned_to(image: str, digest: str) -> None:
    assert digest_in(image) == digest
