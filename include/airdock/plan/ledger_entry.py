"""What a verdict leaves in Airflow for the board: the release's record, and what only the run knows of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from airdock.plan.release_record import LONGEST_SENTENCE, LONGEST_SUBJECT, ReleaseRecord
from airdock.release import Record

KEY = "ledger_entry"
"""The XCom key."""


@dataclass(frozen=True, slots=True)
class LedgerEntry(Record):
    """One delivery to one environment.

    `verified`: whether the service was asked over HTTP and gave the good answers that are wanted. `committed_at`:
    ISO 8601, "" where the source was not read.
    """

    record: ReleaseRecord
    verified: bool = False
    committed_at: str = ""


def ledger_entry(record: ReleaseRecord, checked: Mapping[str, Any] | None, committed_at: str) -> LedgerEntry:
    """The entry of a record, short enough to be read by the thousand; `checked`: what the check of answers left.

    What was decided between the steps of the traffic is left out, like the AppSpec: the deploy task has it whole.
    """
    short = replace(
        record,
        appspec=None,
        analysis=(),
        subject=record.subject[:LONGEST_SUBJECT],
        sentence=record.sentence[:LONGEST_SENTENCE],
    )
    return LedgerEntry(short, record.live and bool(checked and checked.get("url")), committed_at)


def from_xcom(value: Any) -> LedgerEntry | None:
    """The entry that an XCom holds; None where it holds something else."""
    try:
        return LedgerEntry.from_json(value)
    except (ValueError, TypeError, AttributeError):
        return None
