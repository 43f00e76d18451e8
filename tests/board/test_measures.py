"""The four DORA figures, by stories whose figures can be counted on fingers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airdock.board.measures import figures, measured
from airdock.plan.ledger_entry import LedgerEntry
from airdock.release import Outcome
from tests.board.entries import MOMENT, an_entry, at

NOW = MOMENT + timedelta(minutes=1000)
DAYS = 10
FAILED, ROLLED_BACK = Outcome.FAILED, Outcome.ROLLED_BACK


def told(*entries: LedgerEntry, days: int = DAYS) -> dict[str, Any]:
    return figures([measured(entries, NOW, days)], days)


def test_nothing_delivered_has_no_figures_instead_of_perfect_ones() -> None:
    found = told()
    assert (found["deployments"], found["failures"], found["deployments_per_day"]) == (0, 0, 0)
    assert found["lead_seconds_median"] is found["change_failure_rate"] is found["restore_seconds_median"] is None


def test_the_figures_of_a_mixed_week() -> None:
    live = [an_entry(minutes, committed_at=at(minutes - lead)) for minutes, lead in ((10, 5), (40, 10), (90, 30))]
    found = told(*live, an_entry(20, ROLLED_BACK))
    assert (found["deployments"], found["failures"]) == (4, 1)
    assert (found["deployments_per_day"], found["change_failure_rate"]) == (3 / DAYS, 1 / 4)
    assert (found["lead_seconds_median"], found["restore_seconds_median"]) == (600, 1200)


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.SUPERSEDED, Outcome.STOPPED])
def test_what_never_changed_production_is_no_deployment(outcome: Outcome) -> None:
    assert told(an_entry(1, outcome))["deployments"] == 0


def test_a_failure_before_the_deployment_began_is_none_of_production() -> None:
    assert told(an_entry(1, FAILED, deployment=""))["failures"] == 0
    assert told(an_entry(1, FAILED))["failures"] == 1


def test_failures_in_a_row_are_one_outage_from_the_first_to_the_next_live() -> None:
    found = told(an_entry(1, FAILED), an_entry(5, ROLLED_BACK), an_entry(11), an_entry(20, FAILED), an_entry(23))
    assert found["restore_seconds_median"] == (600 + 180) / 2


def test_an_outage_that_lasts_is_not_counted_as_restored() -> None:
    assert told(an_entry(1), an_entry(5, FAILED))["restore_seconds_median"] is None


def test_what_is_overtaken_between_does_not_end_an_outage() -> None:
    assert told(an_entry(1, FAILED), an_entry(2, Outcome.REFUSED), an_entry(3))["restore_seconds_median"] == 120


def test_the_way_back_to_an_old_commit_is_a_deployment_without_a_lead_time() -> None:
    first = an_entry(10, commit="a" * 40, committed_at=at(5))
    again = an_entry(900, commit="a" * 40, committed_at=at(5))
    found = told(first, again)
    assert (found["deployments"], found["lead_seconds_median"]) == (2, 300)


def test_a_commit_that_was_live_before_the_time_has_no_lead_time_in_it() -> None:
    first = an_entry(-5000, commit="a" * 40, committed_at=at(-5005))
    again = an_entry(900, commit="a" * 40, committed_at=at(-5005))
    assert told(first, again, days=1)["deployments"] == 1
    assert told(first, again, days=1)["lead_seconds_median"] is None


def test_order_is_by_the_moment_and_not_by_the_text_of_its_zone() -> None:
    failed = an_entry(1, FAILED, ended_at="2026-11-23T14:01:00+02:00")
    live = an_entry(1, ended_at="2026-11-23T12:03:00+00:00")
    assert told(live, failed)["restore_seconds_median"] == 120


def test_a_clock_that_runs_behind_makes_no_negative_lead_time() -> None:
    assert told(an_entry(1, committed_at=at(2)))["lead_seconds_median"] == 0


@pytest.mark.parametrize("committed_at", ["", "last week", "2026-11-23"])
def test_a_commit_that_tells_no_good_time_costs_the_others_nothing(committed_at: str) -> None:
    entries = [an_entry(10, committed_at=at(5)), an_entry(20, committed_at=committed_at)]
    found = told(*entries)
    assert found["deployments"] == 2
    assert found["lead_seconds_median"] == (300 if committed_at != "2026-11-23" else (300 + 43200 + 1200) / 2)


def test_figures_of_all_are_of_all_changes_and_no_mean_of_means() -> None:
    busy = measured([an_entry(n, committed_at=at(n - 1)) for n in (1, 2, 3)], NOW, DAYS)
    slow = measured([an_entry(9, committed_at=at(4)), an_entry(10, FAILED)], NOW, DAYS)
    found = figures([busy, slow], DAYS)
    assert (found["deployments"], found["change_failure_rate"]) == (5, 1 / 5)
    assert (found["lead_seconds_median"], found["deployments_per_day"]) == (60, 4 / DAYS)


def test_each_run_behind_the_figures_is_named() -> None:
    [change] = measured([an_entry(10, committed_at=at(5))], NOW, DAYS).changes
    run = {"dag_id": "deliver_greeter", "run_id": "run-10", "outcome": "live"}
    assert change.row() == {**run, "at": at(10), "lead_seconds": 300}
