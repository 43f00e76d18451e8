"""What became of deliveries, as their verdicts left it in Airflow's database, kept in memory and brought up to date."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from airdock.board.overview import Place
from airdock.plan.ledger_entry import LedgerEntry, from_xcom

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
    """An entry in the database; `value` is its JSON, or something else that lies under the same key."""

    id: RowId
    written_at: datetime
    value: Any


Known = tuple[datetime, LedgerEntry | None]
"""When a row was written, and its entry."""


class Ledger:
    """The entries by application and environment. `read` gives the rows since a moment, or all, in any order."""

    def __init__(self, read: Callable[[datetime | None], Iterable[Row]]) -> None:
        self._read = read
        self._rows: dict[RowId, Known] = {}
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
            for _, entry in self._rows.values():
                if entry:
                    found.setdefault((entry.record.application, entry.record.environment), []).append(entry)
        return found

    def _bring_up_to_date(self) -> None:
        now = time.monotonic()
        if now - self._whole_at >= READ_AGAIN_SECONDS:
            self._rows, self._whole_at = self._understood(self._read(None)), now
            return
        newest = max((written_at for written_at, _ in self._rows.values()), default=None)
        self._rows |= self._understood(self._read(newest - OVERLAP if newest else None))

    def _understood(self, rows: Iterable[Row]) -> dict[RowId, Known]:
        """The rows with their entries: to read one takes longer than to fetch it, so what is known is kept."""
        return {row.id: self._known(row) for row in rows}

    def _known(self, row: Row) -> Known:
        before = self._rows.get(row.id)
        return before if before and before[0] == row.written_at else (row.written_at, from_xcom(row.value))


def _kept(entries: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """The newest, and the one that is live however old it is."""
    ordered = sorted(entries, key=lambda entry: entry.record.ended_at)
    newest = ordered[-KEPT:]
    if not any(entry.record.live for entry in newest):
        newest = [entry for entry in ordered[:-KEPT] if entry.record.live][-1:] + newest
    return newest
