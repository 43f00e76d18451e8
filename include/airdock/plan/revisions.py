"""Which old revisions of a task definition may go: what nothing runs, nobody needs to go back to, and Airdock made."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

MOST_AT_ONCE = 10
"""Deregistering is throttled to one call a second (Amazon ECS, "Request throttling for the Amazon ECS API"): a delivery
takes what the burst allows, and the next one goes on."""


@dataclass(frozen=True, slots=True)
class Pruning:
    """The revisions to deregister, oldest first, and why these."""

    arns: tuple[str, ...]
    sentence: str


def candidates(revisions: Sequence[str], keep: int, needed: Collection[str]) -> list[str]:
    """Of a family's active revisions, newest first, those beyond the `keep` newest that nobody is known to need."""
    return [arn for arn in revisions[keep:] if arn not in needed]


def prunable(old: Sequence[str], in_use: Collection[str], made_here: Callable[[str], bool]) -> Pruning:
    """What goes now: of the candidates (newest first) those that nothing runs and that are Airdock's own.

    `made_here` is asked for no more of them than it takes.
    """
    found = list(_first(MOST_AT_ONCE, (arn for arn in old if arn not in in_use and made_here(arn))))
    busy = sum(arn in in_use for arn in old)
    kept = f"; {busy} old ones are in use" if busy else ""
    told = f"{len(found)} old revisions are deregistered" if found else "no old revision is to be deregistered"
    return Pruning(tuple(reversed(found)), told + kept)


def _first(most: int, arns: Iterator[str]) -> Iterator[str]:
    for _, arn in zip(range(most), arns, strict=False):
        yield arn
