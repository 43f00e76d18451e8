"""What people see before they approve a release: what it is, what it changes, what the scan found, what runs now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airdock.plan.brought import Brings
from airdock.release import Commit, ScanReport

MOST_CHANGES = 60
LONGEST_LINE = 300
MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Effect:
    """What the release changes where it goes.

    `stands`: what runs there now, in words; `looked`: what the preflight says.
    `touches`: the service and how many tasks it has, in words; `changes`: the lines of its task definition that differ.
    """

    stands: str = ""
    looked: str = ""
    touches: str = ""
    changes: Sequence[str] = ()


def evidence(
    commit: Commit,
    digest: str,
    effect: Effect,
    brings: Brings,
    scan: ScanReport | None,
    scan_of_live: ScanReport | None = None,
) -> list[str]:
    """The lines; `scan` is None where none ran, `scan_of_live` where what is live was not scanned."""
    changes = effect.changes
    count, *commits = brings.in_words()
    told = [
        f"commit    {commit.sha}",
        f"subject   {commit.subject}",
        f"author    {commit.author}{f' <{commit.author_email}>' if commit.author_email else ''}, {commit.committed_at}",
        f"brings    {count}",
        *(f"          {each}" for each in commits),
        f"image     {digest}",
        f"replaces  {effect.stands or 'unknown'}",
        f"touches   {effect.touches or 'unknown'}, {_lines(len(changes))} of its task definition",
        f"scan      {_scanned(scan)}",
        f"          {_compared(scan, scan_of_live)}",
        "tests     the build succeeded; CodeBuild's reports of its tests are not read",
        f"preflight {effect.looked}",
    ]
    left = len(changes) - MOST_CHANGES
    more = [f"... and {left} lines more, in the log of this task"] if left > 0 else []
    return [line[:LONGEST_LINE] for line in [*told, "", *changes[:MOST_CHANGES], *more]]


def in_markdown(lines: Sequence[str]) -> str:
    """The lines as they are, in a block that nothing in them can end: they hold what strangers wrote."""
    inside = "\n".join(line.replace("`", "'").replace("\r", " ") for line in lines)
    return f"```\n{inside}\n```"


def _scanned(scan: ScanReport | None) -> str:
    if scan is None:
        return "not by this run"
    counts = ", ".join(f"{number} {severity.lower()}" for severity, number in scan.counts.items() if number)
    return f"{scan.status.lower()}: {counts or 'no findings'}"


def _compared(scan: ScanReport | None, live: ScanReport | None) -> str:
    """Which findings come with the release."""
    if scan is None or live is None:
        return "what it finds more than in what is live is not known"
    known = {(each.name, each.package) for each in live.findings}
    new = [each for each in scan.findings if (each.name, each.package) not in known]
    named = ", ".join(f"{each.name} ({each.severity.lower()})" for each in new[:MOST_NAMED])
    more = f" and {len(new) - MOST_NAMED} more" if len(new) > MOST_NAMED else ""
    return f"new since what is live: {named}{more}" if new else "nothing that what is live does not have"


def _lines(number: int) -> str:
    return f"{number} line{'' if number == 1 else 's'}"
