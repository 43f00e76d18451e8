"""The nightly train leaves once a day, also on the two days in the year that are no 24 hours long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pendulum
import pytest
from airflow.serialization.definitions.dag import SerializedDAG
from airflow.serialization.serialized_objects import DagSerialization
from airflow.timetables import trigger
from airflow.timetables.base import DataInterval, TimeRestriction, Timetable

from airdock.factory.release_train import build_dags

BERLIN = pendulum.timezone("Europe/Berlin")
LOOK_EVERY = pendulum.duration(minutes=7)


@pytest.fixture
def timetable(tmp_path: Path) -> Timetable:
    """The train's, as the scheduler has it from the database."""
    (tmp_path / "release_train.yaml").write_text("schedule: 30 2 * * *\ntimezone: Europe/Berlin\n")
    (tmp_path / "pipelines").mkdir()
    [dag] = build_dags(tmp_path)
    stored: SerializedDAG = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    assert not stored.catchup
    return stored.timetable


def departures(
    timetable: Timetable, monkeypatch: pytest.MonkeyPatch, moments: Iterator[pendulum.DateTime]
) -> list[pendulum.DateTime]:
    """When runs begin, if a scheduler looks at these moments."""
    last: DataInterval | None = None
    made: list[pendulum.DateTime] = []
    for now in moments:
        monkeypatch.setattr(trigger, "utcnow", lambda now=now: now)
        info = timetable.next_dagrun_info(
            last_automated_data_interval=last, restriction=TimeRestriction(None, None, catchup=False)
        )
        if info and info.run_after <= now:
            last = info.data_interval
            made.append(info.run_after)
    return made


def every(first: pendulum.DateTime, days: int) -> Iterator[pendulum.DateTime]:
    now = first.in_timezone("UTC")
    while now < first.add(days=days):
        yield now
        now += LOOK_EVERY


@pytest.mark.parametrize(
    "sunday", [pendulum.datetime(2026, 3, 29, tz=BERLIN), pendulum.datetime(2026, 10, 25, tz=BERLIN)]
)
def test_the_train_leaves_once_a_day_around_a_change_of_the_clocks(
    timetable: Timetable, monkeypatch: pytest.MonkeyPatch, sunday: pendulum.DateTime
) -> None:
    first = sunday.subtract(days=3)
    left = departures(timetable, monkeypatch, every(first, days=7))
    days = Counter(moment.in_timezone(BERLIN).to_date_string() for moment in left)
    assert days == {first.add(days=number).to_date_string(): 1 for number in range(7)}
    others = [moment.in_timezone(BERLIN) for moment in left if moment.in_timezone(BERLIN).date() != sunday.date()]
    assert {moment.format("HH:mm") for moment in others} == {"02:30"}


def test_a_scheduler_that_was_away_for_days_sends_one_train(
    timetable: Timetable, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = pendulum.datetime(2026, 3, 27, tz=BERLIN), pendulum.datetime(2026, 4, 2, 9, tz=BERLIN)
    moments = [*every(before, days=1), *every(after, days=1)]
    left = departures(timetable, monkeypatch, iter(moments))
    assert [moment.in_timezone(BERLIN).format("MM-DD HH:mm") for moment in left] == [
        "03-27 02:30",
        "04-02 02:30",
        "04-03 02:30",
    ]
