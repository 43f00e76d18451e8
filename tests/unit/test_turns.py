"""The line of throttled calls: who goes when, in simulated time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airdock.aws.turns import FIRST_SECONDS, Line, Place

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def throttled(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def turns(line: Line, until: float = 1000) -> list[tuple[float, Place]]:
    """Who goes when, if each turn is called on time."""
    gone = []
    while (now := line.next_at()) <= until:
        place = line.let_go(now)
        assert place
        gone.append((now, place))
    return gone


def test_they_go_one_a_second_the_one_first_that_was_throttled_first() -> None:
    line = Line()
    late, early, middle = (line.join(throttled(since), now=0) for since in (3, 1, 2))
    assert turns(line) == [(FIRST_SECONDS, early), (FIRST_SECONDS + 1, middle), (FIRST_SECONDS + 2, late)]


def test_nobody_goes_within_the_first_seconds_and_nobody_waits_for_who_may_not_go_yet() -> None:
    line = Line()
    ready = line.join(throttled(2), now=0)
    back_in_line = line.join(throttled(1), now=4)
    assert line.let_go(FIRST_SECONDS - 0.01) is None
    assert turns(line) == [(FIRST_SECONDS, ready), (4 + FIRST_SECONDS, back_in_line)]


def test_who_is_throttled_again_goes_before_those_who_came_later() -> None:
    line = Line()
    first = line.join(throttled(0), now=0)
    others = [line.join(throttled(1), now=0) for _ in range(20)]
    assert line.let_go(FIRST_SECONDS) is first
    again = line.join(first.since, now=8)
    order = [place for _, place in turns(line)]
    assert order.index(again) == 7
    assert set(order) == {again, *others}


def test_a_turn_called_late_does_not_delay_the_next() -> None:
    line = Line()
    for _ in range(3):
        line.join(NOON, now=0)
    assert line.let_go(FIRST_SECONDS)
    assert line.let_go(FIRST_SECONDS + 1.4)
    assert line.next_at() == FIRST_SECONDS + 2


@pytest.mark.parametrize("idle", [2.5, 1000])
def test_turns_that_nobody_took_are_not_saved(idle: float) -> None:
    line = Line()
    line.join(NOON, now=0)
    assert line.let_go(FIRST_SECONDS)
    for _ in range(3):
        line.join(NOON, now=idle)
    assert [at for at, _ in turns(line, until=2000)] == [idle + FIRST_SECONDS + after for after in range(3)]


def test_who_leaves_is_not_waited_for() -> None:
    line = Line()
    gone, stays = (line.join(throttled(since), now=0) for since in (0, 1))
    assert line.ahead(stays) == 1
    line.leave(gone)
    line.leave(gone)
    assert line.ahead(stays) == 0
    assert turns(line) == [(FIRST_SECONDS, stays)]
