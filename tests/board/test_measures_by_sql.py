"""The measures beside figures that the database computes itself, over the same runs, without the board's code."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from airdock.board.measures import figures, measured
from airdock.plan.ledger_entry import LedgerEntry
from airdock.release import Outcome
from airdock.web.board.database import ledger_rows
from tests.board.airflow_database import AirflowDatabase
from tests.board.entries import MOMENT, an_entry, at

NOW = MOMENT + timedelta(days=40)
DAYS = 30
MINUTES = 40 * 24 * 60

TOUCHED = """
with told as (
    select value ->> '$.record.outcome' as outcome, value ->> '$.record.commit' as sha,
           value ->> '$.record.environment' as place, value ->> '$.record.deployment' as deployment,
           unixepoch(value ->> '$.record.ended_at') as ended, unixepoch(value ->> '$.committed_at') as committed
    from xcom where key = 'ledger_entry'
), touched as (
    select *, lag(outcome) over (order by ended) as before from told where place = 'production'
    and (outcome = 'live' or outcome in ('failed', 'rolled_back') and deployment <> '')
)"""
COUNTS = """
select count(*), sum(outcome <> 'live'), sum(outcome = 'live') * 1.0 / :days,
       sum(outcome <> 'live') * 1.0 / count(*) from touched where ended between :since and :now"""
MEDIAN = """
select avg(seconds) from (
    select seconds, row_number() over (order by seconds) as place, count(*) over () as of from ({})
) where place in ((of + 1) / 2, (of + 2) / 2)"""
LEADS = """
select ended - committed as seconds from touched as it where outcome = 'live' and ended between :since and :now
and committed is not null
and not exists (
    select 1 from touched as old where old.outcome = 'live' and old.sha = it.sha and old.ended < it.ended
)"""
RESTORES = """
select seconds from (
    select (select min(ended) from touched as next where next.outcome = 'live' and next.ended > it.ended) - it.ended
           as seconds
    from touched as it where outcome <> 'live' and coalesce(before, 'live') = 'live' and ended between :since and :now
) where seconds is not null"""


def some_history(seed: int) -> list[LedgerEntry]:
    """Deliveries to both environments, of commits that come again, in every outcome there is."""
    chance = random.Random(seed)
    return [
        an_entry(
            minutes,
            chance.choices(list(Outcome), [60, 12, 8, 8, 12, 4])[0],
            environment=chance.choice(["staging", "production", "production"]),
            commit=f"{chance.randrange(60):040x}",
            deployment=chance.choice(["d-1", "d-2", ""]),
            committed_at=chance.choice([at(minutes - chance.randrange(1, 3000)), ""]),
        )
        for minutes in sorted(chance.sample(range(MINUTES), 150))
    ]


def by_sql(tables: AirflowDatabase) -> dict[str, Any]:
    since = (NOW - timedelta(days=DAYS)).timestamp()
    bound = {"since": since, "now": NOW.timestamp(), "days": DAYS}

    def asked(text: str) -> Any:
        with tables.engine.connect() as connection:
            return connection.exec_driver_sql(TOUCHED + text, bound).one()

    count, failures, rate, failing = asked(COUNTS)
    return {
        "deployments_per_day": rate,
        "lead_seconds_median": asked(MEDIAN.format(LEADS))[0],
        "change_failure_rate": failing,
        "restore_seconds_median": asked(MEDIAN.format(RESTORES))[0],
        "deployments": count,
        "failures": failures,
    }


@pytest.mark.parametrize("seed", range(5))
def test_the_figures_equal_those_of_the_database_itself(airflow_database: AirflowDatabase, seed: int) -> None:
    tables = airflow_database
    for number, entry in enumerate(some_history(seed)):
        run = ("deliver_greeter", f"run-{number}")
        tables.run(*run, state="success")
        tables.leave(run, f"{entry.record.environment}.verdict", "ledger_entry", entry.to_json())
    with tables.session() as session:
        entries = [LedgerEntry.from_json(row.value) for row in ledger_rows(session, None)]
    production = [entry for entry in entries if entry.record.environment == "production"]
    expected = by_sql(tables)
    assert min(expected.values()) > 0
    assert figures([measured(production, NOW, DAYS)], DAYS) == pytest.approx(expected)
