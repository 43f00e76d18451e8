"""The verdict on a delivery: one outcome and one sentence from how its tasks ended."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airdock.plan.delivery import BEFORE_PRODUCTION, Production, Step, StepEnd, judge_delivery
from airdock.release import Outcome, OutcomeReport

RELEASE = Production("production runs v2", release=True)
BEFORE = Production("production runs v1", release=False, before=True)
OTHER = Production("production runs v3", release=False)
UNSEEN = Production("production could not be looked at", release=True, seen=False)
LINE = [step for step in Step if step is not Step.ROLL_BACK]
STATES = ["success", "failed", "skipped", "upstream_failed", "running", ""]


def judge(
    broken: Step | None = None,
    way_back: str = "skipped",
    *,
    reason: str = "it said no",
    faulted: bool = False,
    outcome: Outcome | None = None,
    state: str = "failed",
    production: Production | None = None,
) -> OutcomeReport:
    """The verdict on a delivery that ran up to the broken step."""
    ends, seen = [], False
    for step in LINE:
        here = step is broken
        ends.append(
            StepEnd(step, state, reason, faulted, outcome)
            if here
            else StepEnd(step, "upstream_failed" if seen else "success")
        )
        seen = seen or here
    production = production or (RELEASE if broken is None else BEFORE)
    return judge_delivery("greeter abc1234 to production", [*ends, StepEnd(Step.ROLL_BACK, way_back)], production)


def test_delivery_whose_tasks_all_succeeded_is_live() -> None:
    report = judge()
    assert report.outcome is Outcome.LIVE
    assert report.sentence == "greeter abc1234 to production is live. Production runs v2."


ALL_WELL = [*(StepEnd(step, "success") for step in LINE), StepEnd(Step.ROLL_BACK, "skipped")]


@pytest.mark.parametrize(
    ("production", "outcome", "told"),
    [
        (BEFORE, Outcome.ROLLED_BACK, "was rolled back: production runs what ran before"),
        (OTHER, Outcome.SUPERSEDED, "was overtaken: production runs another version"),
        (UNSEEN, Outcome.LIVE, "is live. Production could not be looked at."),
        (replace(UNSEEN, release=False), Outcome.FAILED, "marked as successes without having come to their end"),
    ],
)
def test_what_production_runs_counts_more_than_what_the_tasks_are_marked_as(
    production: Production, outcome: Outcome, told: str
) -> None:
    report = judge_delivery("greeter", ALL_WELL, production)
    assert report.outcome is outcome
    assert told in report.sentence


@pytest.mark.parametrize(("state", "way_back"), [("failed", "success"), ("success", "success")])
def test_a_way_back_that_was_only_marked_as_a_success_has_taken_nothing_back(state: str, way_back: str) -> None:
    ends = [StepEnd(step, state if step is Step.VERIFY else "success", "it answers 500") for step in LINE]
    report = judge_delivery("greeter", [*ends, StepEnd(Step.ROLL_BACK, way_back)], RELEASE)
    assert report.outcome is Outcome.FAILED
    assert "production runs the release all the same" in report.sentence


def test_a_way_back_to_the_same_revision_has_succeeded() -> None:
    ends = [StepEnd(step, "failed" if step is Step.VERIFY else "success", "it answers 500") for step in LINE]
    both = replace(RELEASE, before=True)
    report = judge_delivery("greeter", [*ends, StepEnd(Step.ROLL_BACK, "success")], both)
    assert report.outcome is Outcome.ROLLED_BACK


@pytest.mark.parametrize("step", sorted(BEFORE_PRODUCTION))
def test_refusal_before_production_leaves_it_untouched(step: Step) -> None:
    report = judge(step)
    assert report.outcome is Outcome.REFUSED
    assert report.sentence == (
        "greeter abc1234 to production was refused: it said no; production is untouched. Production runs v1."
    )


@pytest.mark.parametrize(("reason", "faulted"), [("throttled", True), ("", False)])
def test_fault_is_a_failure_and_no_refusal(reason: str, faulted: bool) -> None:
    assert judge(Step.BUILD, reason=reason, faulted=faulted).outcome is Outcome.FAILED
    assert judge(Step.DEPLOY, reason=reason, faulted=faulted).outcome is Outcome.FAILED


@pytest.mark.parametrize("step", [Step.DEPLOY, Step.VERIFY])
def test_failure_in_production_that_was_taken_back_is_rolled_back(step: Step) -> None:
    assert judge(step, "success").outcome is Outcome.ROLLED_BACK


@pytest.mark.parametrize(
    ("step", "state"), list(product([Step.DEPLOY, Step.VERIFY], ["failed", "upstream_failed", "running", ""]))
)
def test_way_back_that_did_not_succeed_is_a_failure(step: Step, state: str) -> None:
    report = judge(step, state, outcome=Outcome.ROLLED_BACK)
    assert report.outcome is Outcome.FAILED
    assert "the way back failed" in report.sentence


def test_deployment_stopped_by_hand_is_stopped() -> None:
    assert judge(Step.DEPLOY, "success", outcome=Outcome.STOPPED).outcome is Outcome.STOPPED


@pytest.mark.parametrize("step", [*sorted(BEFORE_PRODUCTION), Step.DEPLOY])
def test_delivery_that_somebody_stopped_before_it_deployed_is_stopped_and_not_refused(step: Step) -> None:
    report = judge(step, "skipped", reason="dana stopped it", outcome=Outcome.STOPPED)
    assert report.outcome is Outcome.STOPPED
    assert report.sentence.startswith("greeter abc1234 to production was stopped: dana stopped it; ")


def test_production_is_not_called_untouched_where_a_task_was_marked_after_the_deployment() -> None:
    ends = [StepEnd(step, "failed" if step is Step.BUILD else "success", "dana stopped it") for step in LINE]
    report = judge_delivery("greeter", [*ends, StepEnd(Step.ROLL_BACK, "skipped")], RELEASE)
    assert report.outcome is Outcome.FAILED
    assert "untouched" not in report.sentence


def test_deployment_that_aws_did_not_accept_is_refused() -> None:
    report = judge(Step.DEPLOY, "skipped")
    assert report.outcome is Outcome.REFUSED
    assert "nothing was deployed" in report.sentence


@pytest.mark.parametrize(("state", "told"), [("skipped", "skipped"), ("running", "running"), ("", "not begun")])
def test_delivery_that_somebody_cut_short_is_stopped(state: str, told: str) -> None:
    report = judge(Step.BUILD, state=state, reason="")
    assert report.outcome is Outcome.STOPPED
    assert f"it came as far as the build, which is {told}." in report.sentence


def test_overtaken_delivery_is_superseded() -> None:
    report = judge(Step.CLONE_SOURCE, outcome=Outcome.SUPERSEDED)
    assert report.outcome is Outcome.SUPERSEDED
    assert "was overtaken" in report.sentence


def test_delivery_that_another_has_overtaken_on_its_way_back_is_superseded() -> None:
    ends = [StepEnd(step, "success") for step in LINE if step is not Step.VERIFY]
    ends += [StepEnd(Step.VERIFY, "failed", "it answers 500")]
    ends += [StepEnd(Step.ROLL_BACK, "failed", "another has deployed since", outcome=Outcome.SUPERSEDED)]
    report = judge_delivery("greeter", ends, OTHER)
    assert report.outcome is Outcome.SUPERSEDED
    assert report.sentence == "greeter was overtaken: it answers 500; another has deployed since. Production runs v3."


def test_delivery_that_was_taken_back_is_not_live_though_somebody_marked_its_check_a_success() -> None:
    ends = [StepEnd(step, "success") for step in LINE]
    report = judge_delivery("greeter", [*ends, StepEnd(Step.ROLL_BACK, "success")], BEFORE)
    assert report.outcome is Outcome.ROLLED_BACK
    assert report.sentence.startswith("greeter was rolled back: ")


def test_details_tell_each_task() -> None:
    assert judge(Step.BUILD).details[1:4] == (
        "clone_source: success",
        "build: failed (it said no)",
        "wait_for_scan: upstream_failed",
    )


@given(st.lists(st.sampled_from(STATES), min_size=len(Step), max_size=len(Step)))
def test_delivery_is_live_only_when_the_whole_line_succeeded_and_nothing_was_taken_back(states: list[str]) -> None:
    ends = [StepEnd(step, state) for step, state in zip(Step, states, strict=True)]
    report = judge_delivery("greeter", ends, RELEASE)
    all_well = all(end.state == "success" for end in ends if end.step is not Step.ROLL_BACK)
    taken_back = any(end.state == "success" for end in ends if end.step is Step.ROLL_BACK)
    assert (report.outcome is Outcome.LIVE) == (all_well and not taken_back)
    assert judge_delivery("greeter", ends[::-1], RELEASE) == report


def test_what_failed_to_follow_a_release_leaves_it_live_and_the_delivery_failed() -> None:
    report = judge(Step.FOLLOW, "skipped", reason="the rule nightly is not there", production=RELEASE)
    assert (report.outcome, report.stays) == (Outcome.FAILED, True)
    assert "the rule nightly is not there; the release itself is live" in report.sentence


def test_what_failed_to_follow_a_release_that_production_does_not_run_leaves_nothing_live() -> None:
    for production, outcome in ((BEFORE, Outcome.ROLLED_BACK), (OTHER, Outcome.SUPERSEDED)):
        report = judge(Step.FOLLOW, "skipped", production=production)
        assert (report.outcome, report.stays) == (outcome, False)


def test_release_stays_where_a_run_was_stopped_after_its_checks_and_nowhere_else_that_it_is_not_live() -> None:
    stopped = judge(Step.FOLLOW, "skipped", state="upstream_failed", production=RELEASE)
    assert (stopped.outcome, stopped.stays) == (Outcome.STOPPED, True)
    assert "the release itself is live" in stopped.sentence
    assert not judge(Step.FOLLOW, "success").stays
    assert not any(judge(step, way_back, production=RELEASE).stays for step in LINE[:-1] for way_back in STATES)
