"""What became of deliveries, as it is kept in memory."""

from __future__ import annotations

from datetime import datetime, timedelta

from airdock.plan.ledger_entry import LedgerEntry, from_xcom, ledger_entry
from airdock.release import Outcome
from airdock.web.board import ledger
from airdock.web.board.ledger import KEPT, Ledger, Row
from tests.board.entries import MOMENT, an_entry

PLACE = ("greeter", "production")


class Database:
    """Rows, and since when they were asked for."""

    def __init__(self) -> None:
        self.rows: dict[tuple[int, str], Row] = {}
        self.asked: list[datetime | None] = []

    def write(self, number: int, entry: LedgerEntry, minutes: float = 0) -> None:
        key = (number, "production.verdict")
        self.rows[key] = Row(key, MOMENT + timedelta(minutes=minutes), entry.to_json())

    def read(self, since: datetime | None) -> list[Row]:
        self.asked.append(since)
        return [row for row in self.rows.values() if since is None or row.written_at >= since]


def test_only_what_is_new_is_read_again_and_a_cleared_run_replaces_its_entry() -> None:
    database = Database()
    book = Ledger(database.read)
    database.write(1, an_entry(1, Outcome.FAILED), minutes=1)
    database.write(2, an_entry(60), minutes=60)
    assert [entry.record.run_id for entry in book.entries()[PLACE]] == ["run-1", "run-60"]
    database.write(1, an_entry(70), minutes=70)
    assert [entry.record.run_id for entry in book.entries()[PLACE]] == ["run-60", "run-70"]
    assert database.asked == [None, MOMENT + timedelta(minutes=60) - ledger.OVERLAP]


def test_what_is_known_is_not_understood_again() -> None:
    database = Database()
    database.write(1, an_entry(1))
    book = Ledger(database.read)
    [before], [after] = book.entries()[PLACE], book.entries()[PLACE]
    assert len(database.asked) == 2
    assert after is before


def test_something_else_under_the_same_key_is_no_entry() -> None:
    database = Database()
    database.rows[1, "strange"] = Row((1, "strange"), MOMENT, ["not ours"])
    database.write(2, an_entry(1))
    assert [entry.record.run_id for entry in Ledger(database.read).entries()[PLACE]] == ["run-1"]


def test_a_run_that_was_deleted_is_forgotten_in_time() -> None:
    database = Database()
    database.write(1, an_entry(1))
    book = Ledger(database.read)
    assert book.entries()
    database.rows.clear()
    book._whole_at -= ledger.READ_AGAIN_SECONDS
    assert not book.entries()


def test_what_is_live_is_kept_however_many_have_failed_since() -> None:
    database = Database()
    for number in range(KEPT + 20):
        database.write(number, an_entry(number, Outcome.LIVE if number == 3 else Outcome.FAILED))
    kept = Ledger(database.read).entries()[PLACE]
    assert len(kept) == KEPT + 1
    assert [entry.record.run_id for entry in kept if entry.record.live] == ["run-3"]


def test_an_entry_comes_back_from_an_xcom_without_the_appspec() -> None:
    record = an_entry(1, appspec="version: 0.0", subject="x" * 5000).record
    entry = ledger_entry(record, {"url": "http://greeter"}, "2026-11-23T11:00:00+00:00")
    assert from_xcom(entry.to_json()) == entry
    assert (entry.record.appspec, len(entry.record.subject), entry.verified) == (None, 200, True)
    assert not ledger_entry(record, {"url": ""}, "").verified
    assert [from_xcom(value) for value in (None, [], "live", {"record": 1}, {})] == [None] * 5
