"""What is looked at before anything changes: a tree of findings, each with one sentence, and what they come to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from airdock.release import Record, Verdict


class Finding(StrEnum):
    """What a look came to. `unknown`: nobody could look; that never stops a delivery, and is always said."""

    OK = "ok"
    REFUSED = "refused"
    UNKNOWN = "unknown"


FIRING_ALARM = "firing alarm"
"""The check that an alarm fails which is on now."""
WORST_FIRST = (Finding.REFUSED, Finding.UNKNOWN, Finding.OK)


@dataclass(frozen=True, slots=True)
class Check(Record):
    """One thing that was looked at, or a branch: what its `parts` come to, worst first."""

    name: str
    finding: Finding
    sentence: str = ""
    parts: tuple[Check, ...] = ()


def ok(name: str, sentence: str) -> Check:
    return Check(name, Finding.OK, sentence)


def refused(name: str, sentence: str) -> Check:
    """The sentence says what is wrong and what to do about it."""
    return Check(name, Finding.REFUSED, sentence)


def unknown(name: str, sentence: str) -> Check:
    return Check(name, Finding.UNKNOWN, sentence)


def branch(name: str, parts: Iterable[Check]) -> Check:
    """Checks that belong together; ok when there is nothing to check."""
    parts = tuple(parts)
    found = {each.finding for each in parts}
    return Check(name, next((each for each in WORST_FIRST if each in found), Finding.OK), "", parts)


def judge(tree: Check) -> Verdict:
    """Whether a delivery may begin: refused if anything is, with all the sentences that say so."""
    leaves = list(_leaves(tree))
    wrong = [f"{each.name}: {each.sentence}" for each in leaves if each.finding is Finding.REFUSED]
    if wrong:
        return Verdict(False, "; ".join(wrong))
    unseen = [each.name for each in leaves if each.finding is Finding.UNKNOWN]
    if unseen:
        return Verdict(True, f"{len(leaves) - len(unseen)} checks are ok; not known: {', '.join(unseen)}")
    return Verdict(True, f"all {len(leaves)} checks are ok")


def passes_by_itself(tree: Check) -> bool:
    """Whether all that is refused are alarms that fire, as they do for a while after a bad release was taken back."""
    return {each.name for each in _leaves(tree) if each.finding is Finding.REFUSED} == {FIRING_ALARM}


def rendered(tree: Check) -> list[str]:
    """The tree as lines of text."""
    return [f"{tree.finding}  {tree.name}", *_below(tree, "")]


def flat(tree: Check) -> list[dict[str, str]]:
    """Each leaf's name, finding and sentence: small enough to travel between tasks."""
    return [{"name": each.name, "finding": str(each.finding), "sentence": each.sentence} for each in _leaves(tree)]


def _below(tree: Check, margin: str) -> Iterator[str]:
    for part in tree.parts:
        last = part is tree.parts[-1]
        told = f": {part.sentence}" if part.sentence else ""
        yield f"{margin}{'└─' if last else '├─'} {part.finding}  {part.name}{told}"
        yield from _below(part, margin + ("   " if last else "│  "))


def _leaves(tree: Check) -> Iterator[Check]:
    if not tree.parts and tree.sentence:
        yield tree
    for part in tree.parts:
        yield from _leaves(part)
