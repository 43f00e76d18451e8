"""Which recorded release is meant: the last good one, or one by its commit, digest or key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airdock.errors import Refused
from airdock.plan.release_record import ReleaseRecord

SHORTEST = 7
"""Characters of a commit or digest that are enough to name it."""


@dataclass(frozen=True, slots=True)
class ReleaseChoice:
    """The release, whether it is what the environment runs already, and why it was chosen."""

    record: ReleaseRecord
    runs_already: bool
    sentence: str


def choose_release(
    wanted: str, records: Sequence[ReleaseRecord], live: ReleaseRecord | None, environment: str
) -> ReleaseChoice:
    """Choose among the records (newest first) of the environment that the release comes from.

    `wanted`: "" for the last good release before the one that is live; else a key, or the beginning of a commit or
    digest. `live`: what the target environment, `environment`, runs. Only releases that were live are chosen.

    Raises:
        Refused: there is none, or several are meant.
    """
    good = [record for record in records if record.live]
    chosen = _named(wanted, good) if wanted else _found_good(good, live, environment)
    if live and _runs(chosen, live, environment):
        return ReleaseChoice(chosen, True, f"{environment} runs {chosen} already: there is nothing to do")
    what = "the release that was asked for" if wanted else "the last good release before what is live"
    return ReleaseChoice(chosen, False, f"{chosen} is {what}: {chosen.subject}")


def last_good(records: Sequence[ReleaseRecord], live: ReleaseRecord | None, environment: str) -> ReleaseRecord | None:
    """The newest that was live before what is live now first was: going back twice goes back two releases.

    `records` (newest first) are those of the environment that the release comes from; None where there is none.
    """
    good = [record for record in records if record.live]
    if good and good[0].environment == environment and live:
        first = min((record.key for record in good if _same(record, live)), default=live.key)
        good = [record for record in good if record.key < first]
    return next(iter(good), None)


def _found_good(good: Sequence[ReleaseRecord], live: ReleaseRecord | None, environment: str) -> ReleaseRecord:
    found = last_good(good, live, environment)
    if found is None:
        raise Refused(f"no release from before the one that is live is recorded for {environment}: nothing to go to")
    return found


def _named(wanted: str, good: Sequence[ReleaseRecord]) -> ReleaseRecord:
    text = wanted.strip().removeprefix("sha256:")
    found = [record for record in good if wanted.strip() == record.key or _begins(record, text)]
    if not found:
        raise Refused(f"no recorded release that was live is called {wanted[:80]!r}: give a commit, a digest or a key")
    if len({record.release for record in found}) > 1:
        told = ", ".join(str(record) for record in found[:5])
        raise Refused(f"{wanted[:80]!r} can mean several releases: {told}. Give more of the commit, or a key")
    return found[0]


def _begins(record: ReleaseRecord, text: str) -> bool:
    long_enough = len(text) >= SHORTEST
    return long_enough and (record.commit.startswith(text) or record.digest.removeprefix("sha256:").startswith(text))


def _runs(chosen: ReleaseRecord, live: ReleaseRecord, environment: str) -> bool:
    """Whether it is live there: in another environment the same release has another task definition."""
    return chosen.release == live.release if chosen.environment != environment else _same(chosen, live)


def _same(one: ReleaseRecord, other: ReleaseRecord) -> bool:
    """By what runs: two deliveries of a commit may have built two images."""
    return (one.digest, one.task_definition) == (other.digest, other.task_definition)
