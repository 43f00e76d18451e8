"""The releases of an application, newest first: what each is, where it is and was, and how long it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from airdock.plan.ledger_entry import LedgerEntry
from airdock.plan.release_choice import last_good
from airdock.plan.release_record import ReleaseRecord

MOST = 50

Entries = Mapping[str, Sequence[LedgerEntry]]
"""What became of deliveries by environment, in the pipeline's order of environments; oldest first."""


def release_rows(entries: Entries, built_seconds: Mapping[str, float]) -> list[dict[str, Any]]:
    """The newest releases; `built_seconds`: how long their builds took, by the id of the run that built them."""
    return [_row(name, told, entries, built_seconds) for name, told in grouped(entries).items()][:MOST]


def grouped(entries: Entries) -> dict[str, list[LedgerEntry]]:
    """The deliveries of each release, oldest first, by its name; the release that came last is the first."""
    found: dict[str, list[LedgerEntry]] = {}
    for entry in sorted((each for told in entries.values() for each in told), key=lambda each: each.record.key):
        found.setdefault(name_of(entry), []).append(entry)
    return dict(reversed(found.items()))


def name_of(entry: LedgerEntry) -> str:
    """The digest, by which a release is the same wherever it goes; a record's key where no image came of it."""
    return entry.record.digest or entry.record.key


def find(entries: Entries, name: str) -> LedgerEntry | None:
    """The newest delivery of the release with this name or key."""
    known = [each for told in entries.values() for each in told if name in (name_of(each), each.record.key)]
    return max(known, key=lambda each: each.record.ended_at, default=None)


def before(there: Sequence[LedgerEntry]) -> dict[str, Any] | None:
    """What a way back brings: the last good release of an environment before what is live, None where none is known.

    `release` is its record's key there, which names it even when the same image was live in between.
    """
    records = sorted((each.record for each in there if each.record.live), key=lambda each: each.key, reverse=True)
    live = max((each for each in there if each.record.live), key=lambda each: each.record.ended_at, default=None)
    found = last_good(records, live.record, live.record.environment) if live else None
    return _named(found) if found else None


def ways_back(entries: Entries) -> list[dict[str, Any]]:
    """For each environment where something is live: what it is, and what a way back brings instead."""
    lives = {name: [each.record for each in there if each.record.live] for name, there in entries.items()}
    return [
        {"name": name, "live": _named(live[-1]), "before": before(entries[name])}
        for name, live in lives.items()
        if live
    ]


def _named(record: ReleaseRecord) -> dict[str, Any]:
    return {"release": record.key, "commit": record.commit, "subject": record.subject}


def describe(entry: LedgerEntry) -> dict[str, Any]:
    """What a release is."""
    told = entry.record
    return {
        "release": name_of(entry),
        "commit": told.commit,
        "subject": told.subject,
        "author": told.author,
        "committed_at": entry.committed_at or None,
        "digest": told.digest,
    }


def _row(
    name: str, told: Sequence[LedgerEntry], entries: Entries, built_seconds: Mapping[str, float]
) -> dict[str, Any]:
    first = next((each for each in told if each.committed_at), told[0])
    there = {place: [each for each in told if each.record.environment == place] for place in entries}
    places = [_whereabouts(there[place], entries[place]) for place in entries if there[place]]
    return {
        **describe(first),
        "release": name,
        "environments": places,
        "built_seconds": next(
            (built_seconds[run] for each in told if (run := each.record.run_id) in built_seconds), None
        ),
        "lead_seconds": _lead_seconds(told, list(entries)[-1]),
    }


def _whereabouts(told: Sequence[LedgerEntry], there: Sequence[LedgerEntry]) -> dict[str, Any]:
    """A release in one environment: how its last delivery there ended, and whether it is or was live all the same."""
    live = next((each for each in reversed(there) if each.record.live), None)
    last, was = told[-1], next((each for each in reversed(told) if each.record.live), None)
    return {
        "name": last.record.environment,
        "outcome": str(last.record.outcome),
        "at": last.record.ended_at,
        "live": live is not None and name_of(live) == name_of(last),
        "was_live": was is not None,
        "verified": was is not None and was.verified,
        "dag_id": last.record.dag_id,
        "run_id": last.record.run_id,
        "sentence": last.record.sentence,
    }


def _lead_seconds(told: Sequence[LedgerEntry], last: str) -> float | None:
    """From the commit until it was live in the last environment for the first time."""
    committed = next((each.committed_at for each in told if each.committed_at), "")
    live = next((each for each in told if each.record.environment == last and each.record.live), None)
    if not committed or live is None:
        return None
    return seconds_between(committed, live.record.ended_at)


def seconds_between(start: str, end: str) -> float | None:
    """Between two moments in ISO 8601; None where one of them is none."""
    try:
        return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    except (ValueError, TypeError):
        return None
