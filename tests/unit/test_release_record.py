"""What is kept of a release, and which one is meant."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airdock.errors import Refused
from airdock.plan.release_choice import choose_release
from airdock.plan.release_record import (
    LONGEST_BYTES,
    ReleaseRecord,
    TrafficDecision,
    fitting,
    from_text,
    record_key,
    superfluous,
)
from airdock.release import Outcome

MOMENT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def a_record(number: int, **changes: object) -> ReleaseRecord:
    """The delivery with this number: later ones have higher numbers."""
    made = ReleaseRecord(
        key=record_key(MOMENT + timedelta(minutes=number), f"run-{number}", 0),
        application="greeter",
        environment="production",
        commit=f"{number:040x}",
        ref="main",
        subject=f"Change {number}",
        author="Ada",
        image=f"1.example/greeter@sha256:{number + 256:064x}",
        task_definition=f"arn:task-definition/greeter:{number}",
        deployment=f"d-{number}",
        previous="",
        dag_id="deliver_greeter",
        run_id=f"run-{number}",
        outcome=Outcome.LIVE,
        sentence="is live",
        started_at="",
        ended_at="",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_a_record_comes_back_as_it_was_kept() -> None:
    record = a_record(1, appspec="version: 0.0\n", outcome=Outcome.ROLLED_BACK)
    assert from_text(fitting(record)) == record


@given(st.text(max_size=6000), st.text(max_size=6000), st.text(max_size=5000))
def test_whatever_a_commit_says_a_record_fits_and_can_be_read(subject: str, sentence: str, appspec: str) -> None:
    record = a_record(1, subject=subject, sentence=sentence, appspec=appspec, author=subject[:100])
    text = fitting(record)
    assert len(text.encode()) <= LONGEST_BYTES
    kept = from_text(text)
    assert kept is not None
    assert (kept.commit, kept.image, kept.outcome) == (record.commit, record.image, record.outcome)
    assert kept.appspec in (appspec, None)


def steps(number: int, sentence: str) -> tuple[TrafficDecision, ...]:
    return tuple(TrafficDecision(step, float(step), "CONTINUE", sentence) for step in range(1, number + 1))


def test_what_was_decided_of_each_step_is_kept_with_the_release() -> None:
    record = a_record(1, analysis=steps(5, "error_rate 0 % beside the old version's 0 % is good"))
    assert from_text(fitting(record)) == record


def test_decisions_are_told_in_fewer_words_before_the_appspec_is_left_out() -> None:
    record = a_record(1, appspec="x" * 1000, analysis=steps(10, "error_rate 0 % is good; " * 50))
    kept = from_text(fitting(record))
    assert kept is not None
    assert kept.appspec == record.appspec
    assert [each.step for each in kept.analysis] == list(range(1, 11))
    assert all(each.sentence.startswith("error_rate 0 % is good") for each in kept.analysis)


def test_of_more_decisions_than_fit_the_last_ones_are_kept() -> None:
    text = fitting(a_record(1, analysis=steps(100, "error_rate \N{GREEK SMALL LETTER ALPHA} " * 50)))
    kept = from_text(text)
    assert kept is not None
    assert len(text.encode()) <= LONGEST_BYTES
    told = [each.step for each in kept.analysis]
    assert len(told) >= 10
    assert told == list(range(101 - len(told), 101))


@given(st.text(max_size=2000), st.integers(0, 100))
def test_however_many_decisions_there_are_a_record_fits(sentence: str, number: int) -> None:
    text = fitting(a_record(1, analysis=steps(number, sentence)))
    assert len(text.encode()) <= LONGEST_BYTES
    kept = from_text(text)
    assert kept is not None
    assert all(each.step > number - len(kept.analysis) for each in kept.analysis)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '"live"', '{"key": 1}'])
def test_what_is_no_record_is_passed_over(text: str) -> None:
    assert from_text(text) is None


def test_keys_sort_by_time_in_whatever_zone_it_is_told() -> None:
    east = timezone(timedelta(hours=9))
    first, second = MOMENT.astimezone(east), MOMENT + timedelta(seconds=1)
    assert record_key(first, "run", 0) < record_key(second, "run", 0)
    assert record_key(MOMENT, "run", 0) == record_key(first, "run", 0) != record_key(MOMENT, "run", 1)


RECORDS = [a_record(3), a_record(2, outcome=Outcome.ROLLED_BACK), a_record(1), a_record(0)]


def test_the_last_good_release_is_the_newest_that_was_live_before_what_is_live() -> None:
    chosen = choose_release("", RECORDS, RECORDS[0], "production")
    assert (chosen.record, chosen.runs_already) == (RECORDS[2], False)


def test_what_is_live_already_is_said_to_be() -> None:
    chosen = choose_release(RECORDS[0].commit[:40], RECORDS, RECORDS[0], "production")
    assert chosen.runs_already
    assert "runs 0000000" in chosen.sentence


@pytest.mark.parametrize("wanted", [RECORDS[2].key, RECORDS[2].digest, RECORDS[2].commit])
def test_a_release_is_named_by_key_digest_or_commit(wanted: str) -> None:
    assert choose_release(wanted, RECORDS, RECORDS[0], "production").record == RECORDS[2]


@pytest.mark.parametrize(
    ("wanted", "told"),
    [("0000000", "several releases"), ("f" * 40, "no recorded release"), (RECORDS[1].commit, "no recorded release")],
)
def test_what_names_no_one_release_that_was_live_is_refused(wanted: str, told: str) -> None:
    with pytest.raises(Refused, match=told):
        choose_release(wanted, RECORDS, RECORDS[0], "production")


def test_without_an_earlier_release_there_is_nothing_to_go_to() -> None:
    with pytest.raises(Refused, match="nothing to go to"):
        choose_release("", [RECORDS[0]], RECORDS[0], "production")


def test_a_release_is_promoted_from_another_environment() -> None:
    staging = [replace(each, environment="staging") for each in RECORDS]
    chosen = choose_release("", staging, RECORDS[2], "production")
    assert (chosen.record, chosen.runs_already) == (staging[0], False)


def test_failed_deliveries_never_push_out_the_way_back() -> None:
    names = {f"{number:03}": a_record(number, outcome=Outcome.REFUSED) for number in range(100)}
    names |= {"000": a_record(0), "001": a_record(1)}
    gone = superfluous(names)
    assert len(gone) == 68
    assert not {"000", "001"} & set(gone)
    assert superfluous({name: record for name, record in names.items() if name > "080"}) == []


def test_two_braces_in_a_row_are_no_reference_to_another_parameter() -> None:
    record = a_record(1, subject="Say {{ hello }}", appspec="{{{")
    assert "{{" not in fitting(record)
    assert from_text(fitting(record)) == record


def test_going_back_twice_goes_back_two_releases() -> None:
    again = replace(RECORDS[2], key=record_key(MOMENT + timedelta(hours=1), "back", 0))
    assert choose_release("", [again, *RECORDS], again, "production").record == RECORDS[3]


def test_what_another_environment_runs_already_is_not_promoted_again() -> None:
    staging = [replace(each, environment="staging", task_definition="arn:staging:1") for each in RECORDS]
    assert choose_release(staging[0].key, staging, RECORDS[0], "production").runs_already


def test_a_release_that_changes_nothing_but_its_files_is_promoted() -> None:
    built_once = replace(a_record(4), environment="staging", image=RECORDS[0].image)
    chosen = choose_release(built_once.key, [built_once], RECORDS[0], "production")
    assert (chosen.record, chosen.runs_already) == (built_once, False)
