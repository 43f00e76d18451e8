"""What became of deliveries, as their verdicts left it in Airflow's database, kept in memory and brought up to date."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from airdock.board.overview import Place
from airdock.plan.ledger_entry import LedgerEntry

READ_AGAIN_SECONDS = 600
"""How old what was read may get: an entry whose run somebody deleted goes then."""
OVERLAP = timedelta(minutes=5)
"""Rows are read again that far back: clocks of api-servers differ, and what is written first is not seen first."""
KEPT = 400
"""Entries of an environment that the overview and the list of releases look through: a month of a dozen a day."""

RowId = tuple[int, str]
"""A run's number in the database, and the verdict's task id: a cleared run writes the same row anew."""


@dataclass(frozen=True, slots=True)
class Row:
    """An entry in the database."""

    id: RowId
    written_at: datetime
    entry: LedgerEntry


class Ledger:
    """The entries by application and environment. `read` gives the rows since a moment, or all, in any order."""

    def __init__(self, read: Callable[[datetime | None], Iterable[Row]]) -> None:
        self._read = read
        self._rows: dict[RowId, Row] = {}
        self._whole_at = -float(READ_AGAIN_SECONDS)
        self._lock = threading.Lock()

    def entries(self) -> Mapping[Place, Sequence[LedgerEntry]]:
        """The newest entries by their place, and what is live, in the order of their deliveries' ends."""
        return {place: _kept(entries) for place, entries in self.history().items()}

    def history(self) -> Mapping[Place, Sequence[LedgerEntry]]:
        """All entries by their place, in no order."""
        with self._lock:
            self._bring_up_to_date()
            found: dict[Place, list[LedgerEntry]] = {}
            for row in self._rows.values():
                record = row.entry.record
                found.setdefault((record.application, record.environment), []).append(row.entry)
        return found

    def _bring_up_to_date(self) -> None:
        now = time.monotonic()
        if now - self._whole_at >= READ_AGAIN_SECONDS:
            self._rows, self._whole_at = {row.id: row for row in self._read(None)}, now
            return
        newest = max((row.written_at for row in self._rows.values()), default=datetime.min.replace(tzinfo=UTC))
        since = newest - OVERLAP if self._rows else None
        self._rows |= {row.id: row for row in self._read(since)}


def _kept(entries: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """The newest, and the one that is live however old it is."""
    ordered = sorted(entries, key=lambda entry: entry.record.ended_at)
    newest = ordered[-KEPT:]
    if not any(entry.record.live for entry in newest):
        newest = [entry for entry in ordered[:-KEPT] if entry.record.live][-1:] + newest
    return newest
