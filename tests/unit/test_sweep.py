"""One poll for everybody: who is looked at when, by a clock that the test turns."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle, pairwise
from math import ceil
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airdock.aws.hooks import Account
from airdock.aws.watch import Facts
from airdock.aws.watch.pace import BEAT_SECONDS, CALLS_PER_SECOND, FORESEEN_SECONDS, POLLED
from airdock.aws.watch.wait import SLOWEST_PAUSE_SECONDS
from airdock.errors import Fault, Refused
from tests.sweeping import Jobs, Limit, Turner, throttling

NEVER = 1e9
EVENT_SECONDS = 0.1


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Jobs:
    jobs = Jobs()
    monkeypatch.setattr("airdock.aws.watch.sweep.watch_for", lambda kind: jobs)
    return jobs


@pytest.mark.parametrize("waits", [1, 40, 100, 250])
def test_waits_that_begin_at_different_times_share_their_calls(jobs: Jobs, waits: int) -> None:
    turner = Turner(jobs)
    for number in range(waits):
        jobs.ends[f"job-{number}"] = NEVER
        turner.wait(f"job-{number}")
        turner.until(turner.now + 10 / waits)
    begun = turner.now
    turner.until(begun + 70)
    # Quick waits pause for 5 s, with a jitter of a tenth: whoever is due first takes the others along. Those that
    # came while the last ones had only begun to pause need a little until they fall into step.
    assert turner.calls_between(begun + 10, begun + 70) <= ceil(waits / 100) * (60 / 4.5 + 1)
    assert turner.calls_between(begun, begun + 10) <= ceil(waits / 100) * 10
    assert all(len(set(ids)) == len(ids) <= 100 for _, ids in jobs.calls)


def test_a_crowd_that_fills_several_calls_asks_as_often_as_a_few_do(jobs: Jobs) -> None:
    turner, jobs.batch = Turner(jobs), 25
    for number in range(100):
        jobs.ends[f"job-{number}"] = NEVER
        turner.wait(f"job-{number}", quick_seconds=1)
    turner.until(9)
    assert turner.calls_between(2, 9) <= 7 + 4


def test_the_quickest_looks_follow_the_triggerers_beat_and_do_not_stray_from_it(jobs: Jobs) -> None:
    jobs.ends["job"] = NEVER
    turner = Turner(jobs)
    turner.wait("job", quick_seconds=BEAT_SECONDS)
    turner.until(8)
    looks = [at for at, _ in jobs.calls]
    assert len(looks) >= 6
    for before, after in pairwise(looks):
        assert after - before == pytest.approx(BEAT_SECONDS + turner.look_seconds)


def test_what_has_been_quiet_for_long_is_looked_at_seldom_and_change_is_quick_again(jobs: Jobs) -> None:
    jobs.ends["job"] = 600.0
    turner = Turner(jobs)
    wait = turner.wait("job")
    turner.until(3600)
    assert turner.calls_between(0, 60) >= 9
    assert turner.calls_between(300, 600) <= 300 / (POLLED.slowest_seconds * 0.9) + 1
    assert turner.found[wait][0] - 600 <= POLLED.slowest_seconds * 1.1 + 1


class Foreseen(Jobs):
    """Jobs that should be over at the 300th second, and are a little later."""

    def left_seconds(self, facts: Facts, options: Mapping[str, Any]) -> float:
        return 300 - self.now


@pytest.mark.parametrize("late", [0.0, 2.0, 20.0])
def test_an_end_that_is_foreseen_is_looked_for_then_and_no_more_often_before(
    monkeypatch: pytest.MonkeyPatch, late: float
) -> None:
    jobs = Foreseen(ends={"job": 300 + late})
    monkeypatch.setattr("airdock.aws.watch.sweep.watch_for", lambda kind: jobs)
    turner = Turner(jobs)
    wait = turner.wait("job", quick_seconds=1)
    turner.until(400)
    assert turner.found[wait][0] - jobs.ends["job"] <= 1.3
    assert turner.calls_between(150, 298) <= 148 / (POLLED.slowest_seconds * 0.9) + 3


def test_what_does_not_end_when_it_should_is_not_looked_for_often_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = Foreseen(ends={"job": NEVER})
    monkeypatch.setattr("airdock.aws.watch.sweep.watch_for", lambda kind: jobs)
    turner = Turner(jobs)
    turner.wait("job", quick_seconds=1)
    turner.until(700)
    assert turner.calls_between(300, 340) <= FORESEEN_SECONDS / 0.9 + 4
    assert turner.calls_between(400, 700) <= 300 / (POLLED.slowest_seconds * 0.9) + 1


def test_first_look_comes_no_earlier_than_asked_for_even_in_company_or_when_woken(jobs: Jobs) -> None:
    jobs.ends = {"old": NEVER, "new": 0.0}
    turner = Turner(jobs)
    turner.wait("old")
    turner.until(100)
    new = turner.wait("new", quick_seconds=30)
    turner.sweep.wake({"new"}, turner.now)
    turner.until(200)
    assert 127 <= turner.found[new][0] <= 134


def test_accounts_and_regions_are_asked_apart(jobs: Jobs) -> None:
    jobs.ends = {"a": NEVER, "b": NEVER, "c": NEVER}
    turner = Turner(jobs)
    for name, account in {"a": Account("x", "eu-west-1"), "b": Account("x", "us-east-1"), "c": Account("y")}.items():
        turner.wait(name, account)
    turner.until(20)
    assert {tuple(ids) for _, ids in jobs.calls} == {("a",), ("b",), ("c",)}


def test_two_waits_for_one_job_ask_once_and_both_hear(jobs: Jobs) -> None:
    jobs.ends["job"] = 0.0
    turner = Turner(jobs)
    waits = [turner.wait("job"), turner.wait("job")]
    turner.until(8)
    assert [ids for _, ids in jobs.calls] == [["job"]]
    assert sorted(turner.found, key=id) == sorted(waits, key=id)


def test_a_wait_that_leaves_is_asked_for_no_more_even_from_a_look_under_way(jobs: Jobs) -> None:
    jobs.ends = {"stays": NEVER, "leaves": NEVER}
    turner = Turner(jobs)
    turner.wait("stays")
    gone = turner.wait("leaves")
    [batch] = turner.sweep.take(6.0)
    turner.sweep.leave(gone)
    turner.until(60)
    assert "leaves" in batch.ids
    assert not any("leaves" in ids for _, ids in jobs.calls)
    assert len(turner.sweep) == 1


@pytest.mark.parametrize("error", [Refused("access denied"), KeyError("an answer nobody foresaw")])
def test_a_job_that_spoils_the_call_ends_alone(jobs: Jobs, error: Exception) -> None:
    jobs.ends = {f"job-{number:02}": 60.0 for number in range(100)}
    jobs.broken["job-37"] = error
    turner = Turner(jobs)
    waits = {name: turner.wait(name) for name in jobs.ends}
    turner.until(90)
    ends = {name: turner.found[wait] for name, wait in waits.items()}
    assert ends.pop("job-37")[1] == ("refused" if isinstance(error, Refused) else "broken")
    assert {end for _, end in ends.values()} == {"finished"}
    assert turner.calls_between(0, 9) <= 1 + 2 * 7  # two for each halving of a hundred


def test_a_job_that_aws_cannot_answer_for_just_now_does_not_hold_up_the_others(jobs: Jobs) -> None:
    jobs.ends = {f"job-{number:02}": 60.0 for number in range(100)}
    jobs.broken["job-37"] = Fault("500 from one record")
    turner = Turner(jobs)
    waits = {name: turner.wait(name) for name in jobs.ends}
    turner.until(90)
    assert set(waits.values()) - set(turner.found) == {waits["job-37"]}


def test_nobody_is_asked_for_alone_when_nothing_answers_at_all(jobs: Jobs) -> None:
    jobs.ends = {f"job-{number}": NEVER for number in range(100)}
    jobs.throttled = lambda now: Fault("no route to host")
    turner = Turner(jobs)
    for name in jobs.ends:
        turner.wait(name)
    turner.until(300)
    assert not turner.found
    assert min(len(ids) for _, ids in jobs.calls) >= 50
    assert turner.calls_between(150, 300) <= 3 * (150 / (SLOWEST_PAUSE_SECONDS * 0.9) + 2)


def test_an_id_that_stays_unknown_ends_its_wait_and_one_that_appears_goes_on(jobs: Jobs) -> None:
    turner = Turner(jobs)
    lost, late = turner.wait("lost"), turner.wait("late")
    turner.until(60)
    jobs.ends["late"] = 200.0
    turner.until(300)
    assert (turner.found[lost][1], turner.found[late][1]) == ("refused", "finished")


def test_throttling_slows_all_of_an_account_and_service_and_nobody_else(jobs: Jobs) -> None:
    here, elsewhere = Account("x", "eu-west-1"), Account("y", "eu-west-1")
    jobs.ends = {f"{place}-{number}": NEVER for place in "xy" for number in range(300)}
    turner = Turner(jobs)
    for name in jobs.ends:
        turner.wait(name, here if name.startswith("x") else elsewhere)
    calm = jobs.read

    def read(lookup: object, ids: list[str]) -> dict[str, dict[str, object]]:
        jobs.throttled = (lambda now: throttling()) if ids[0].startswith("x") and turner.now < 300 else None
        return calm(lookup, ids)

    jobs.read = read  # type: ignore[method-assign,assignment]
    turner.until(300)
    late = [ids for at, ids in jobs.calls if at >= 150]
    assert sum(ids[0].startswith("x") for ids in late) <= 3 * (150 / 54 + 1)
    assert sum(ids[0].startswith("y") for ids in late) >= 3 * (150 / 16.5 - 1)
    turner.until(600)
    assert sum(ids[0].startswith("x") for at, ids in jobs.calls if at >= 500) >= 3 * (100 / 16.5 - 1)


def test_a_third_of_all_calls_throttled_for_ten_minutes_fails_no_wait(jobs: Jobs) -> None:
    turner, count = Turner(jobs), iter(range(10**6))
    jobs.ends = {f"job-{number}": 30.0 + number for number in range(500)}
    waits = [turner.wait(name) for name in jobs.ends]
    jobs.throttled = lambda now: throttling() if now < 600 and next(count) % 3 == 0 else None
    turner.until(900)
    assert {turner.found[wait][1] for wait in waits} == {"finished"}


def test_a_services_rate_is_kept_however_many_wait(jobs: Jobs) -> None:
    jobs.service, jobs.batch = "ecs", 10
    jobs.ends = {f"job-{number}": NEVER for number in range(3000)}
    turner = Turner(jobs)
    for name in jobs.ends:
        turner.wait(name)
    turner.until(600)
    assert turner.calls_between(100, 600) <= 500 * CALLS_PER_SECOND["ecs"] + 20
    seen = [name for at, ids in jobs.calls if at >= 300 for name in ids]
    assert set(seen) == set(jobs.ends), "none is starved"


def rush(jobs: Jobs, turners: list[Turner], ends_a_second: float) -> list[float]:
    """Jobs that end one after the other, each with an event: so many seconds late each end is noticed, in order."""
    jobs.ends = {f"job-{number:03}": 60 + number / ends_a_second for number in range(600)}
    waits = {name: turner.wait(name) for name, turner in zip(jobs.ends, cycle(turners), strict=False)}
    coming = sorted((end + EVENT_SECONDS, name) for name, end in jobs.ends.items())
    for at, name in coming:
        for turner in turners:
            turner.until(at)
            turner.sweep.wake({name}, at)
    for turner in turners:
        turner.until(coming[-1][0] + 60)
    found = {wait: at for turner in turners for wait, (at, end) in turner.found.items() if end == "finished"}
    return sorted(found[wait] - jobs.ends[name] for name, wait in waits.items())


def test_a_rush_of_ends_is_noticed_at_once_where_aws_takes_the_calls(jobs: Jobs) -> None:
    late = rush(jobs, [Turner(jobs)], ends_a_second=10)
    assert late[300] <= EVENT_SECONDS + 0.1
    assert late[594] <= EVENT_SECONDS + 0.5


def test_where_aws_takes_few_calls_hardly_any_is_in_vain_and_ends_are_noticed_no_later_than_at_a_fixed_rate(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs.throttled = limit = Limit(per_second=5)
    found = rush(jobs, [Turner(jobs)], ends_a_second=20)
    assert 0 < limit.refused <= 0.05 * limit.asked
    monkeypatch.setattr("airdock.aws.watch.pace.MOST_CALLS_PER_SECOND", 0)
    fixed = rush(jobs, [Turner(jobs)], ends_a_second=20)
    assert found[300] < fixed[300]
    assert found[594] <= fixed[594]


def test_triggerers_that_know_nothing_of_each_other_share_what_an_account_takes(jobs: Jobs) -> None:
    jobs.throttled = limit = Limit(per_second=5)
    late = rush(jobs, [Turner(jobs, seed=seed) for seed in range(2)], ends_a_second=20)
    begun = [int(ids[0].removeprefix("job-")) % 2 for at, ids in jobs.calls if at >= 60]
    assert limit.refused <= 0.15 * limit.asked
    assert late[-1] <= 6
    assert 1 / 4 <= sum(begun) / len(begun) <= 3 / 4


def test_what_an_event_told_of_is_looked_at_again_as_soon_as_aws_takes_a_call(jobs: Jobs) -> None:
    jobs.ends = {"job": 400.0}
    jobs.throttled = lambda now: throttling() if 400 <= now < 402 else None
    turner = Turner(jobs)
    wait = turner.wait("job")
    turner.until(400)
    turner.sweep.wake({"job"}, turner.now)
    turner.until(420)
    assert turner.found[wait][0] <= 402 + 2
    assert turner.calls_between(400, 402) <= 3


def test_an_event_wakes_its_wait_and_no_other(jobs: Jobs) -> None:
    jobs.ends = {"job": 400.0, "other": NEVER}
    turner = Turner(jobs)
    wait = turner.wait("job")
    turner.wait("other")
    turner.until(400)
    asked = len(jobs.calls)
    assert turner.sweep.wake({"job"}, turner.now) == 1
    turner.until(401)
    assert turner.found[wait] == (pytest.approx(400.05), "finished")
    assert len(jobs.calls) == asked + 1


def test_an_event_that_comes_while_aws_is_asked_brings_another_look(jobs: Jobs) -> None:
    jobs.ends = {"job": 6.0}
    turner = Turner(jobs, look_seconds=3)
    wait = turner.wait("job")
    turner.until(6)  # a look is under way, and will tell of a state that is history
    turner.sweep.wake({"job"}, turner.now)
    turner.until(20)
    assert turner.found[wait][0] <= 5.5 + 3 + 3 + 0.1


@settings(max_examples=60)
@given(
    ends=st.lists(st.floats(1, 900), min_size=1, max_size=30),
    events=st.lists(st.tuples(st.integers(0, 29), st.floats(0, 1000)), max_size=60),
    seed=st.integers(0, 10**6),
)
def test_lost_late_doubled_and_disordered_events_change_nothing_but_time(
    ends: list[float], events: list[tuple[int, float]], seed: int
) -> None:
    jobs = Jobs(ends={f"job-{number}": end for number, end in enumerate(ends)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("airdock.aws.watch.sweep.watch_for", lambda kind: jobs)
        turner = Turner(jobs, seed=seed)
        waits = {name: turner.wait(name) for name in jobs.ends}
        told = set()
        for number, at in sorted(events, key=lambda event: event[1]):
            turner.until(max(at, turner.now))
            turner.sweep.wake({f"job-{number}"}, turner.now)
            told.add(f"job-{number}")
        turner.until(1100)
    for name, wait in waits.items():
        found_at, end = turner.found[wait]
        assert end == "finished"
        assert jobs.ends[name] <= found_at <= max(jobs.ends[name], 5.5) + (61 if name in told else 31)
