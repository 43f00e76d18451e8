"""Which old revisions may go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from airdock.plan.revisions import MOST_AT_ONCE, candidates, prunable

REVISIONS = [f"greeter:{number}" for number in range(20, 0, -1)]


def test_the_newest_stay_and_so_does_what_is_needed() -> None:
    assert candidates(REVISIONS[:6], 3, ["greeter:16"]) == ["greeter:17", "greeter:15"]
    assert candidates(REVISIONS[:3], 3, []) == []


def test_what_something_runs_stays_and_is_told() -> None:
    pruning = prunable(["greeter:3", "greeter:2", "greeter:1"], {"greeter:2"}, lambda _: True)
    assert pruning.arns == ("greeter:1", "greeter:3")
    assert pruning.sentence == "2 old revisions are deregistered; 1 old ones are in use"


def test_what_others_have_registered_stays() -> None:
    assert prunable(["greeter:3", "greeter:2"], set(), lambda arn: arn == "greeter:2").arns == ("greeter:2",)


def test_no_more_go_at_once_than_ecs_takes_and_no_more_are_asked_about() -> None:
    asked: list[str] = []

    def made_here(arn: str) -> bool:
        asked.append(arn)
        return True

    assert len(prunable(REVISIONS, set(), made_here).arns) == MOST_AT_ONCE
    assert asked == REVISIONS[:MOST_AT_ONCE]


@given(
    st.integers(min_value=0, max_value=25),
    st.sets(st.sampled_from(REVISIONS)),
    st.sets(st.sampled_from(REVISIONS)),
    st.sets(st.sampled_from(REVISIONS)),
)
def test_nothing_ever_goes_that_is_new_needed_in_use_or_not_ours(
    keep: int, needed: set[str], used: set[str], ours: set[str]
) -> None:
    gone = set(prunable(candidates(REVISIONS, keep, needed), used, ours.__contains__).arns)
    assert gone <= ours
    assert not gone & (needed | used | set(REVISIONS[:keep]))
