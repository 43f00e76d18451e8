"""When events are relied on, and what it costs where they stop: by a clock that the test turns."""

from __future__ import annotations

from itertools import pairwise

import pytest

from airdock.aws.watch.hearing import HEARD_SECONDS, LATE_SECONDS, REMEMBERED_NAMES, REMEMBERED_SECONDS, Hearing
from airdock.aws.watch.pace import POLLED, TOLD_OF, WOKEN, Rhythm
from airdock.aws.watch.subject import Subject
from airdock.aws.watch.wait import RESTED_SECONDS, Wait
from tests.sweeping import HERE, Jobs, Turner

NEVER = 1e9


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Jobs:
    jobs = Jobs()
    monkeypatch.setattr("airdock.aws.watch.sweep.watch_for", lambda kind: jobs)
    return jobs


def rests(jobs: Jobs, since: float, rhythm: Rhythm) -> bool:
    """Whether the looks come in a rhythm's slowest pauses, with their jitter of a tenth."""
    looks = [at for at, _ in jobs.calls if at >= since]
    gaps = [later - earlier for earlier, later in pairwise(looks)]
    slowest = rhythm.slowest_seconds
    return len(gaps) > 3 and slowest * 0.9 - 0.1 <= min(gaps) <= max(gaps) <= slowest * 1.1 + 0.1


def waiting(jobs: Jobs, *told: str, kind: str = "build") -> Turner:
    """One job that goes on and one that ends at 60 s, both waited for; of some of them an event comes at 70 s."""
    jobs.ends = {"job": NEVER, "other": 60.0}
    turner = Turner(jobs, kind=kind)
    turner.wait("job")
    turner.wait("other")
    turner.until(70)
    turner.sweep.wake(set(told), turner.now)
    return turner


def test_where_no_event_comes_looks_are_all_there_is(jobs: Jobs) -> None:
    waiting(jobs).until(1200)
    assert rests(jobs, 300, POLLED)


def test_a_job_of_which_an_event_has_told_is_looked_at_every_minute(jobs: Jobs) -> None:
    waiting(jobs, "job").until(1200)
    assert rests(jobs, 300, TOLD_OF)


def test_a_call_for_another_takes_a_job_along_long_before_its_minute_is_over(jobs: Jobs) -> None:
    jobs.ends = {"job": NEVER, "other": NEVER}
    turner = Turner(jobs)
    turner.wait("job")
    turner.wait("other")
    turner.until(10)
    turner.sweep.wake({"job", "other"}, turner.now)
    turner.until(600)
    turner.until(jobs.calls[-1][0] + RESTED_SECONDS + 1)
    turner.sweep.wake({"other"}, turner.now)
    turner.until(turner.now + 0.1)
    assert jobs.calls[-1] == (pytest.approx(turner.now - 0.1), ["job", "other"])


@pytest.mark.parametrize(("kind", "told", "rhythm"), [("build", "other", WOKEN), ("deployment", "job", POLLED)])
def test_a_job_of_which_none_has_told_is_looked_at_every_half_minute_and_one_that_may_end_without_one_as_ever(
    jobs: Jobs, kind: str, told: str, rhythm: Rhythm
) -> None:
    jobs.ends = {"job": NEVER, "other": NEVER}
    turner = Turner(jobs, kind=kind)
    turner.wait("job")
    other = turner.wait("other")
    turner.until(70)
    turner.sweep.wake({told}, turner.now)
    turner.sweep.leave(other)
    turner.until(1200)
    assert rests(jobs, 300, rhythm)


def test_events_that_have_not_come_for_an_hour_are_not_relied_on(jobs: Jobs) -> None:
    waiting(jobs, "job").until(HEARD_SECONDS + 1000)
    assert rests(jobs, HEARD_SECONDS + 200, POLLED)


@pytest.mark.parametrize(("ago", "rhythm"), [(5, TOLD_OF), (REMEMBERED_SECONDS + 5, POLLED)])
def test_an_event_that_came_a_little_before_its_wait_counts(jobs: Jobs, ago: float, rhythm: Rhythm) -> None:
    jobs.ends = {"job": NEVER}
    turner = Turner(jobs)
    turner.sweep.wake({"job"}, 0)
    turner.now = ago
    turner.wait("job")
    turner.until(ago + 1200)
    assert rests(jobs, ago + 300, rhythm)


def a_wait(job: str) -> Wait:
    return Wait(Subject("build", job, HERE), 5, None, first_look_at=0, due=0, pause_seconds=0, changed_at=0)


def test_names_are_remembered_up_to_a_number() -> None:
    hearing = Hearing()
    for number in range(REMEMBERED_NAMES + 1):
        hearing.hear({f"job-{number}"}, number / 100)
    found = [hearing.remembers(a_wait(name), 50) for name in ("job-0", "job-1")]
    assert found == [False, True]


def test_where_events_stop_one_end_is_noticed_late_and_then_looks_are_relied_on_till_one_comes(jobs: Jobs) -> None:
    jobs.ends = {f"job-{number}": 400.0 + 100 * number for number in range(4)}
    turner = Turner(jobs)
    waits = [turner.wait(name) for name in jobs.ends]
    turner.until(10)
    turner.sweep.wake(set(jobs.ends), turner.now)
    turner.until(620)
    late = [turner.found[wait][0] - end for wait, end in zip(waits[:3], (400, 500, 600), strict=True)]
    assert late[0] <= TOLD_OF.slowest_seconds * 1.1 + 0.1
    assert max(late[1:]) <= POLLED.slowest_seconds * 1.1 + 0.1
    asked = turner.calls_between(400 + late[0] + LATE_SECONDS, 620)
    assert asked >= (620 - 470) / (POLLED.slowest_seconds * 1.1) - 1
    turner.sweep.wake({"job-3"}, 620)
    turner.until(700)
    assert turner.calls_between(650, 700) <= 1, "an event has come again"


def test_a_wait_that_was_woken_before_its_first_look_is_not_looked_at_earlier_where_events_stop(jobs: Jobs) -> None:
    jobs.ends = {"over": 58.0, "new": NEVER}
    turner = Turner(jobs)
    over = turner.wait("over")
    turner.until(10)
    turner.sweep.wake({"over"}, turner.now)
    turner.until(50)
    new = turner.wait("new", quick_seconds=100)
    turner.sweep.wake({"new"}, turner.now)
    turner.until(140)
    assert turner.found[over][0] + LATE_SECONDS < 139, "the silence was noticed before the first look"
    assert not any("new" in ids for _, ids in jobs.calls)
    assert new.due == new.first_look_at


@pytest.mark.parametrize("told", [True, False])
def test_an_end_that_a_look_finds_a_little_before_its_event_shakes_nothing(jobs: Jobs, told: bool) -> None:
    jobs.ends = {"job": NEVER, "over": 500.0}
    turner = Turner(jobs)
    job, over = turner.wait("job"), turner.wait("over")
    turner.until(10)
    turner.sweep.wake(set(jobs.ends), turner.now)
    turner.until(500)
    turner.sweep.hurry(job, 500)
    turner.until(501)
    assert turner.found[over][0] < 501, "it was looked at in company"
    turner.sweep.wake({"over"} if told else set(), turner.now)
    turner.until(1200)
    assert rests(jobs, 700, TOLD_OF if told else POLLED)
