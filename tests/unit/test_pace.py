"""What one account spends on one service."""

from __future__ import annotations

import pytest

from airdock.aws.hooks import Account
from airdock.aws.watch.pace import (
    BURST_SECONDS,
    CALLS_AT_ONCE,
    CALLS_PER_SECOND,
    MOST_CALLS_PER_SECOND,
    PUBLISHED,
    SLOWEST,
    Purse,
    Quota,
    Rhythm,
    pauses,
)


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


def looks_in(quota: Quota, begin: float, seconds: float, every: float = 0.0) -> int:
    """How many looks one after the other fit in, each at once, or so many seconds after the one before."""
    now, looks = begin, 0
    while (now := quota.free_at(now + every)) < begin + seconds:
        quota.begin(now)
        quota.end(1, now)
        looks += 1
    return looks


def test_a_rate_that_holds_looks_back_grows_to_a_ceiling_as_long_as_all_goes_well() -> None:
    quota = Quota(calls_per_second=2, most_per_second=12)
    assert looks_in(quota, 0, 60) > 2 * 60 * 2
    assert looks_in(quota, 60, 10) == pytest.approx(120, abs=1)


def test_a_rate_that_holds_nobody_back_stays_and_what_was_gained_is_forgotten() -> None:
    quota = Quota(calls_per_second=2, most_per_second=12)
    looks_in(quota, 0, 600, every=1)
    assert quota.speed == 1
    looks_in(quota, 600, 60)
    assert quota.speed == 6
    looks_in(quota, 700, 200, every=1)
    assert quota.speed < 1.1


@pytest.mark.parametrize(("vain", "left"), [(True, [3, 1.5, 0.75]), (False, [3, 1.5, 1])])
def test_throttling_halves_what_was_gained_and_where_only_a_part_was_throttled_nothing_more(
    vain: bool, left: list[float]
) -> None:
    quota, found = Quota(calls_per_second=2, most_per_second=12), []
    looks_in(quota, 0, 60)
    for now in (70, 80, 90):
        quota.begin(now)
        quota.end(3, now, throttled=True, in_vain=vain)
        found.append(quota.speed)
    assert found == left


def test_a_published_rate_is_kept_and_another_may_grow() -> None:
    purse = Purse()
    quotas = {service: purse.of(Account(), service) for service in CALLS_PER_SECOND}
    for quota in quotas.values():
        looks_in(quota, 0, 60)
    rates = {service: quota.speed * quota.calls_per_second for service, quota in quotas.items()}
    assert rates == {
        service: CALLS_PER_SECOND[service] if service in PUBLISHED else MOST_CALLS_PER_SECOND for service in rates
    }


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


def test_a_worker_looks_often_at_first_and_as_long_as_it_was_told() -> None:
    assert list(pauses(4)) == [0.25, 0.25, 0.5, 1, 2]
    assert list(pauses(1.9)) == pytest.approx([0.25, 0.25, 0.5, 0.9])
    assert (list(pauses(0.2)), list(pauses(0)), list(pauses(4, 3.0))) == ([0.2], [], [3, 1])
    assert list(pauses(3, 2.0, share=1 / 4)) == [2, 0.5, 0.5]
