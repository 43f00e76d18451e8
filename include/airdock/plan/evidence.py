"""What people see before they approve a release: what it is, what it changes, what the scan found, what runs now."""

from __future__ import annotations

from collections.abc import Sequence

from airdock.release import Commit, ScanReport

MOST_CHANGES = 60
LONGEST_LINE = 300


def evidence(
    commit: Commit, digest: str, stands: str, looked: str, changes: Sequence[str], scan: ScanReport | None
) -> list[str]:
    """The lines. `stands`: what runs now, in words; `looked`: what the preflight says; `scan` None where none ran."""
    told = [
        f"commit    {commit.sha}",
        f"subject   {commit.subject}",
        f"author    {commit.author}{f' <{commit.author_email}>' if commit.author_email else ''}, {commit.committed_at}",
        f"image     {digest}",
        f"replaces  {stands or 'unknown'}",
        f"scan      {_scanned(scan)}",
        f"preflight {looked}",
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
