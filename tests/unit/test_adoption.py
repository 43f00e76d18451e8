"""Exactly once: which job of AWS's is a delivery's own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from airdock.names import Marker, marker
from airdock.plan.adoption import Adopt, Candidate, Start, State, choose

MARK = marker("greeter", "production", ("deliver_greeter", "run 1"), 2)


def a_candidate(mark: Marker | str, state: State = State.RUNNING, id: str = "d-1") -> Candidate:
    return Candidate(id, str(mark), state)


def an_attempt(number: int) -> Marker:
    return Marker(MARK.base, number)


def test_nothing_there_is_started() -> None:
    assert choose(MARK, []) == Start("nothing in AWS carries this delivery's mark")


def test_same_attempt_is_followed_also_when_it_failed() -> None:
    for state in (State.RUNNING, State.SUCCEEDED, State.FAILED):
        found = choose(MARK, [a_candidate(MARK, state)])
        assert isinstance(found, Adopt)
        assert found.id == "d-1"


def test_other_attempt_is_followed_unless_it_failed() -> None:
    assert isinstance(choose(MARK, [a_candidate(an_attempt(1), State.SUCCEEDED)]), Adopt)
    assert isinstance(choose(MARK, [a_candidate(an_attempt(1), State.RUNNING)]), Adopt)
    assert choose(MARK, [a_candidate(an_attempt(1), State.FAILED)]) == Start(
        "what carries this delivery's mark has failed"
    )


def test_same_attempt_comes_before_newer_ones_of_others() -> None:
    candidates = [a_candidate(an_attempt(1), id="newer"), a_candidate(MARK, State.FAILED, id="own")]
    assert choose(MARK, candidates).reason.startswith("own ")


def test_newest_of_the_other_attempts_is_followed() -> None:
    candidates = [
        a_candidate(an_attempt(1), id="newer"),
        a_candidate(an_attempt(0), State.SUCCEEDED, id="older"),
    ]
    assert choose(MARK, candidates).reason.startswith("newer ")


def test_start_that_a_fault_broke_off_is_repeated() -> None:
    found = choose(MARK, [a_candidate(MARK, State.FAULTED), a_candidate(an_attempt(1), State.FAULTED)])
    assert found == Start("what carries this delivery's mark has faulted")


def test_strangers_are_never_followed() -> None:
    other_run = marker("greeter", "production", ("deliver_greeter", "run 2"), 2)
    strangers = ["", "a person's own", f"{MARK} or so", str(other_run), str(MARK.rollback())]
    assert isinstance(choose(MARK, [a_candidate(mark, State.RUNNING) for mark in strangers]), Start)


@given(st.lists(st.tuples(st.sampled_from([str(MARK), str(an_attempt(1)), "x"]), st.sampled_from(State)), max_size=6))
def test_a_retry_never_starts_beside_what_answers_for_it(known: list[tuple[str, State]]) -> None:
    candidates = [Candidate(str(number), mark, state) for number, (mark, state) in enumerate(known)]
    own = [each for each in candidates if each.mark == str(MARK) and each.state is not State.FAULTED]
    found = choose(MARK, candidates)
    if own:
        assert isinstance(found, Adopt)
        assert found.id == own[0].id
    if isinstance(found, Adopt):
        adopted = candidates[int(found.id)]
        assert adopted.mark != "x"
        assert adopted.state is not State.FAULTED
