"""The balancer's arithmetic: whose turn it is, what checks make of a target, which rule is met."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_aws.elbv2.conditions import Asked, meets
from local_aws.elbv2.health import (
    DEREGISTERING,
    FIRST_CHECKS,
    TIMED_OUT,
    Health,
    Thresholds,
    accepts,
    after_check,
    wrong_status,
)
from local_aws.elbv2.turns import Turns

THRESHOLDS = Thresholds(healthy=3, unhealthy=2)


def dealt(weights: dict[str, int], count: int) -> list[str | None]:
    turns = Turns(weights.items())
    return [turns.next() for _ in range(count)]


@given(st.dictionaries(st.sampled_from("abcd"), st.integers(0, 100), min_size=1), st.integers(0, 300))
def test_turns_are_exact_over_every_window_of_the_sum_of_weights(weights: dict[str, int], skipped: int) -> None:
    total = sum(weights.values())
    window = Counter(dealt(weights, skipped + total)[skipped:])
    assert {name: window[name] for name in weights} == (weights if total else dict.fromkeys(weights, 0))


def test_turns_of_ninety_to_ten_repeat_after_ten() -> None:
    assert Counter(dealt({"blue": 90, "green": 10}, 10)) == {"blue": 9, "green": 1}


def test_turns_spread_a_choice_instead_of_bunching_it() -> None:
    assert dealt({"a": 2, "b": 2}, 4) == ["a", "b", "a", "b"]


def test_turns_without_weight_choose_nobody() -> None:
    assert dealt({"a": 0}, 1) == [None]


def checked(health: Health, *passed: bool) -> Health:
    for each in passed:
        health = after_check(health, None if each else TIMED_OUT, THRESHOLDS)
    return health


def test_new_target_is_healthy_after_one_passed_check() -> None:
    assert checked(Health(), True).state == "healthy"


def test_new_target_that_fails_once_is_still_initial_and_says_so() -> None:
    assert (checked(Health(), False).state, checked(Health(), False).reason) == ("initial", FIRST_CHECKS)


def test_healthy_target_falls_at_the_threshold_of_failures_in_a_row() -> None:
    healthy = checked(Health(), True)
    assert checked(healthy, False).state == "healthy"
    assert checked(healthy, False, True, False).state == "healthy"
    fallen = checked(healthy, False, False)
    assert (fallen.state, fallen.reason) == ("unhealthy", TIMED_OUT)


def test_unhealthy_target_comes_back_at_the_threshold_of_passes_in_a_row() -> None:
    fallen = checked(Health(), False, False)
    assert checked(fallen, True, True).state == "unhealthy"
    assert checked(fallen, True, True, False, True, True).state == "unhealthy"
    assert checked(fallen, True, True, True).state == "healthy"


def test_draining_target_stays_so_whatever_a_late_check_says() -> None:
    draining = Health("draining", DEREGISTERING)
    assert checked(draining, True) == draining


def test_wrong_status_is_named_in_the_reason() -> None:
    assert wrong_status(503).text == "Health checks failed with these codes: [503]"


@pytest.mark.parametrize(
    ("matcher", "status", "accepted"),
    [("200", 200, True), ("200", 204, False), ("200,204", 204, True), ("200-299", 250, True), ("200-299", 300, False)],
)
def test_matcher_accepts_lists_and_ranges(matcher: str, status: int, accepted: bool) -> None:
    assert accepts(matcher, status) is accepted


REQUEST = Asked("GET", "API.example.com:8000", "/v1/Users", "a=b&flag=", {"x-tier": "gold"}, "10.1.2.3")


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        ({"Field": "path-pattern", "Values": ["/v1/*"]}, True),
        ({"Field": "path-pattern", "Values": ["/v1/users"]}, False),
        ({"Field": "path-pattern", "Values": ["/v?/Users"]}, True),
        ({"Field": "path-pattern", "Values": ["/v[1]/Users"]}, False),
        ({"Field": "host-header", "HostHeaderConfig": {"Values": ["*.EXAMPLE.com"]}}, True),
        ({"Field": "host-header", "HostHeaderConfig": {"Values": ["example.com"]}}, False),
        ({"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Tier", "Values": ["go*"]}}, True),
        ({"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-None", "Values": ["*"]}}, False),
        ({"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["GET", "HEAD"]}}, True),
        ({"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "a", "Value": "b"}]}}, True),
        ({"Field": "query-string", "QueryStringConfig": {"Values": [{"Value": "c"}]}}, False),
        ({"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8"]}}, True),
        ({"Field": "source-ip", "SourceIpConfig": {"Values": ["192.168.0.0/16"]}}, False),
    ],
)
def test_condition_is_met_as_the_guide_says(condition: dict[str, object], met: bool) -> None:
    assert meets([condition], REQUEST) is met


def test_all_conditions_of_a_rule_must_be_met_and_the_default_rule_has_none() -> None:
    path = {"Field": "path-pattern", "Values": ["/v1/*"]}
    host = {"Field": "host-header", "Values": ["other.org"]}
    assert not meets([path, host], REQUEST)
    assert meets([], REQUEST)
