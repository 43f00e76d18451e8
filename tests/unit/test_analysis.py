"""What is decided by what was measured."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airdock.plan.analysis import Answer, Decision, Measured, before_traffic, judge
from airdock.spec import Analysis

NUMBERS = st.floats(min_value=0, max_value=1e6, allow_nan=False)
KNOWN = st.one_of(st.none(), NUMBERS)
SAMPLES = st.one_of(st.none(), st.integers(min_value=0, max_value=200))
ERROR_RATE = {"name": "error_rate", "unit": "%", "at_most_times_baseline": 2}


def a_check(**told: Any) -> dict[str, Any]:
    """A number of CloudWatch whose samples are counted."""
    metrics = {"errors": {"metric": "Errors", "missing": 0}, "requests": {"metric": "RequestCount"}}
    counted = {"kind": "cloudwatch", "metrics": metrics, "expression": "errors", "samples": "requests"}
    return {"name": "errors", **counted, **told}


def an_analysis(*checks: dict[str, Any], **told: Any) -> Analysis:
    return Analysis.model_validate({"checks": list(checks), **told})


def decided(check: dict[str, Any], measured: Measured | None, waits: int = 0, **told: Any) -> Decision:
    return judge(an_analysis(a_check(**check), **told), [measured] if measured else [], waits)


def test_worse_than_the_old_version_goes_back_with_the_figures() -> None:
    decision = decided(ERROR_RATE, Measured("error_rate", 7.5, 0.4, 200, 1800))
    assert decision.answer is Answer.ROLLBACK
    assert decision.sentence == "error_rate 7.5 % of the new version is more than twice the old version's 0.4 %"


def test_good_goes_on_and_tells_both_versions() -> None:
    decision = decided(ERROR_RATE, Measured("error_rate", 0.5, 0.4, 200, 1800))
    assert decision.answer is Answer.CONTINUE
    assert decision.evidence == ("error_rate 0.5 % beside the old version's 0.4 % is good",)


@pytest.mark.parametrize(
    ("bound", "value", "baseline", "told"),
    [
        ({"at_most": 5}, 5.1, None, "errors 5.1 of the new version is more than the 5 that are allowed"),
        ({"at_least": 5}, 4.9, None, "errors 4.9 of the new version is less than the 5 that are needed"),
        ({"at_most_times_baseline": 1.5}, 4, 2, "is more than 1.5 times the old version's 2"),
        ({"at_least_times_baseline": 0.8}, 7, 10, "is less than 0.8 times the old version's 10"),
        ({"at_most_above_baseline": 1}, 3.5, 2, "is more than 1 above the old version's 2"),
        ({"at_most_times_baseline": 2, "tolerated": 1}, 1.5, 0, "is more than twice the old version's 0"),
    ],
)
def test_each_bound_has_its_words(bound: Any, value: float, baseline: float | None, told: str) -> None:
    decision = decided(bound, Measured("errors", value, baseline, 9, 9))
    assert decision.answer is Answer.ROLLBACK
    assert told in decision.sentence


@pytest.mark.parametrize(
    ("bound", "value", "baseline"),
    [
        ({"at_most": 5}, 5, None),
        ({"at_least": 5}, 5, None),
        ({"at_most_times_baseline": 1.5}, 3, 2),
        ({"at_least_times_baseline": 0.8}, 8, 10),
        ({"at_most_above_baseline": 1}, 3, 2),
        ({"at_most_times_baseline": 2, "tolerated": 1}, 1, 0),
        ({"at_most_times_baseline": 2, "tolerated": 1}, 1, None),
        ({"at_most_times_baseline": 2}, 0, 0),
    ],
)
def test_a_bound_itself_is_good(bound: Any, value: float, baseline: float | None) -> None:
    assert decided(bound, Measured("errors", value, baseline, 9, 9)).answer is Answer.CONTINUE


UNKNOWN = [
    (None, "it was not measured"),
    (Measured("errors", error="AccessDenied"), "AccessDenied"),
    (Measured("errors", None, 1, 90, 90), "there is no number of the new version"),
    (Measured("errors", None, 1, 90, 90, note="value is nan"), "no number of the new version (value is nan)"),
    (Measured("errors", float("nan"), 1, 90, 90), "the number of the new version is nan"),
    (Measured("errors", float("inf"), 1, 90, 90), "the number of the new version is inf"),
    (Measured("errors", 0, 1, 49, 90), "the new version has 49 of the 50 samples that are needed"),
    (Measured("errors", 0, 1, 90, 3), "the old version has 3 of the 50 samples that are needed"),
    (Measured("errors", 0, None, 90, 90), "there is no number of the old version"),
    (Measured("errors", 0, float("nan"), 90, 90), "the number of the old version is nan"),
    (Measured("errors", 0, -1, 90, 90), "-1 of the old version is below zero"),
]


@pytest.mark.parametrize(("measured", "told"), UNKNOWN)
def test_what_can_not_be_told_is_waited_for_and_then_decided_as_configured(measured: Any, told: str) -> None:
    check = {"at_most_times_baseline": 2, "least_samples": 50}
    first = decided(check, measured, 0, inconclusive_waits=2, wait_seconds=30)
    assert (first.answer, told in first.sentence) == (Answer.WAIT, True)
    assert "again in 30 seconds" in first.sentence
    assert decided(check, measured, 1, inconclusive_waits=2).answer is Answer.WAIT
    assert decided(check, measured, 2, inconclusive_waits=2).answer is Answer.ROLLBACK
    assert decided(check, measured, 2, inconclusive_waits=2, when_inconclusive="continue").answer is Answer.CONTINUE


def test_broken_fixed_bound_counts_though_the_old_version_is_unknown() -> None:
    check = {"at_most": 5, "at_most_times_baseline": 2}
    assert decided(check, Measured("errors", 6, None, 9, None)).answer is Answer.ROLLBACK
    assert decided(check, Measured("errors", 4, None, 9, None)).answer is Answer.WAIT


def test_tolerated_number_still_needs_the_old_version_for_a_bound_from_below() -> None:
    check = {"at_most_times_baseline": 2, "at_least_times_baseline": 0.5, "tolerated": 1}
    assert decided(check, Measured("errors", 1, None, 9, None)).answer is Answer.WAIT


def test_one_bad_check_outweighs_one_that_can_not_be_told() -> None:
    analysis = an_analysis(a_check(name="unknown", at_most=1), a_check(name="bad", at_most=1))
    decision = judge(analysis, [Measured("bad", 2, samples=9)], 0)
    assert decision.answer is Answer.ROLLBACK
    assert decision.sentence.startswith("bad 2 of the new version")
    assert decision.evidence[0] == "unknown can't be told: it was not measured"


PROBE = {"name": "greeting", "kind": "http", "url": "http://greeter/", "samples": 10, "most_failures": 1}


@pytest.mark.parametrize(
    ("measured", "answer", "told"),
    [
        (Measured("greeting", 1, samples=10, note="answered 500"), Answer.CONTINUE, "1 of 10 answers"),
        (Measured("greeting", 2, samples=2, note="answered 500"), Answer.ROLLBACK, "where 1 may be: answered 500"),
        (Measured("greeting", 0, samples=9), Answer.WAIT, "only 9 of 10 were asked"),
        (Measured("greeting", 0, samples=0), Answer.WAIT, "nothing was asked"),
        (Measured("greeting", error="forbidden"), Answer.WAIT, "forbidden"),
        (Measured("other", 0, samples=10), Answer.WAIT, "nothing was asked"),
    ],
)
def test_bad_answers_are_counted(measured: Measured, answer: Answer, told: str) -> None:
    decision = judge(an_analysis(PROBE), [measured], 0)
    assert decision.answer is answer
    assert told in decision.sentence


def test_before_the_first_step_nothing_is_measured() -> None:
    assert before_traffic().answer is Answer.CONTINUE


def test_measured_and_decisions_travel_as_json() -> None:
    measured = Measured("errors", 1, None, 9, None, "", "note")
    assert Measured.from_json(measured.to_json()) == measured
    decision = decided({"at_most": 0}, measured)
    assert Decision.from_json(decision.to_json()) == decision


MOST = {"at_most": 5, "at_most_times_baseline": 2, "at_most_above_baseline": 3, "tolerated": 1, "least_samples": 50}
LEAST = {"at_least": 5, "at_least_times_baseline": 0.5, "least_samples": 50}
SIDES = st.sampled_from(["continue", "roll_back"])


@given(NUMBERS, NUMBERS, KNOWN, SAMPLES, SAMPLES, SIDES, st.integers(0, 2))
def test_worse_number_never_turns_a_way_back_into_a_way_on(
    one: float, other: float, baseline: float | None, samples: Any, old_samples: Any, side: str, waits: int
) -> None:
    for bounds, better, worse in ((MOST, *sorted((one, other))), (LEAST, *sorted((one, other), reverse=True))):
        before, after = (
            decided(bounds, Measured("errors", value, baseline, samples, old_samples), waits, when_inconclusive=side)
            for value in (better, worse)
        )
        assert (before.answer, after.answer) != (Answer.ROLLBACK, Answer.CONTINUE)


MEASURED = st.builds(
    Measured, st.sampled_from("abc"), KNOWN, KNOWN, SAMPLES, SAMPLES, st.sampled_from(["", "unreachable"])
)


@given(
    st.lists(MEASURED, unique_by=lambda each: each.check),
    st.permutations([0, 1, 2]),
    st.randoms(use_true_random=False),
    SIDES,
)
def test_order_changes_no_answer(measured: list[Measured], order: list[int], chance: Any, side: str) -> None:
    checks = [a_check(name=name, **bounds) for name, bounds in zip("abc", (MOST, LEAST, MOST), strict=True)]
    shuffled = chance.sample(measured, len(measured))
    one = judge(an_analysis(*checks, when_inconclusive=side), measured, 0)
    other = judge(an_analysis(*(checks[at] for at in order), when_inconclusive=side), shuffled, 0)
    assert one.answer is other.answer
    assert sorted(one.evidence) == sorted(other.evidence)


@given(st.lists(MEASURED, unique_by=lambda each: each.check))
def test_nothing_goes_on_by_default_unless_each_check_has_a_good_number(measured: list[Measured]) -> None:
    analysis = an_analysis(*(a_check(name=name, **MOST) for name in "abc"))
    if judge(analysis, measured, 99).answer is Answer.CONTINUE:
        assert {each.check for each in measured} == set("abc")
        assert all(each.value is not None and not each.error for each in measured)
