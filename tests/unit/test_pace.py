"""What one account spends on one service."""

from __future__ import annotations

import pytest

from airdock.aws.hooks import Account
from airdock.aws.watch.pace import BURST_SECONDS, CALLS_AT_ONCE, CALLS_PER_SECOND, SLOWEST, Purse, Quota, Rhythm


def spent(quota: Quota, until: float, calls: int = 1, in_vain: bool = False) -> list[float]:
    """When looks of so many calls each begin, one after the other."""
    begun, now = [], 0.0
    while (now := quota.free_at(now)) < until:
        begun.append(now)
        quota.begin(now)
        quota.end(calls, now, in_vain=in_vain)
    return begun


@pytest.mark.parametrize(("calls", "looks"), [(1, 100), (4, 25)])
def test_calls_keep_to_the_rate_those_that_a_look_costs_besides_included(calls: int, looks: int) -> None:
    assert abs(len(spent(Quota(calls_per_second=1.0), 100, calls)) - looks) <= BURST_SECONDS + 1


def test_throttling_halves_the_rate_again_and_again_to_a_bound_and_good_answers_give_it_back() -> None:
    quota = Quota(calls_per_second=1.0)
    begun = spent(quota, 600, in_vain=True)
    assert quota.slowness == SLOWEST
    assert begun[-1] - begun[-2] == pytest.approx(SLOWEST)
    for _ in range(20):
        quota.begin(700)
        quota.end(1, 700)
    assert quota.slowness == 1


def test_calls_of_one_moment_that_are_throttled_together_slow_down_once() -> None:
    quota = Quota(calls_per_second=10)
    for _ in range(3):
        quota.begin(100)
    for _ in range(3):
        quota.end(1, 100.1, in_vain=True)
    assert quota.slowness == 2


def test_a_look_that_was_throttled_in_part_slows_nothing_and_gives_no_speed_back() -> None:
    quota = Quota(calls_per_second=10)
    for now, vain in ((100, True), (110, False), (120, False)):
        quota.begin(now)
        quota.end(3, now, throttled=True, in_vain=vain)
    assert quota.slowness == 2


def test_looks_at_once_are_bounded_until_one_comes_back() -> None:
    quota = Quota(calls_per_second=100)
    for _ in range(CALLS_AT_ONCE):
        quota.begin(50)
    assert (quota.free(50), quota.free_at(50)) == (0, float("inf"))
    quota.end(1, 51)
    assert (quota.free(51), quota.free_at(51)) == (1, 51)


def test_an_account_and_region_has_one_purse_for_each_service() -> None:
    purse, account = Purse(), Account("a", "eu-west-1")
    assert purse.of(account, "ecs") is purse.of(Account("a", "eu-west-1"), "ecs")
    others = (purse.of(account, "ecr"), purse.of(Account("a", "us-east-1"), "ecs"), purse.of(Account("b"), "ecs"))
    assert all(purse.of(account, "ecs") is not other for other in others)
    assert purse.of(account, "ecs").calls_per_second == CALLS_PER_SECOND["ecs"]


@pytest.mark.parametrize(("quiet", "pause"), [(0, 5), (40, 5), (80, 10), (3600, 15)])
def test_a_pause_grows_with_the_quiet_time(quiet: float, pause: float) -> None:
    assert Rhythm(1 / 8, 15).pause(5, quiet) == pause


def test_a_wait_that_wants_long_pauses_has_them() -> None:
    assert Rhythm(1 / 8, 15).pause(60, 3600) == 60
