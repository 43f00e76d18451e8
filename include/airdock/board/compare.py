"""Two releases side by side: what came between them, what differs in their files, and what their scans found."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airdock.board.releases import Entries, describe, grouped
from airdock.plan.brought import Brought
from airdock.plan.difference import difference
from airdock.plan.masking import shown
from airdock.release import Finding

NAMED = re.compile(r"""(?P<before>[\s"'-]*(?P<name>[\w.-]+)["']?\s*[:=]\s*)(?P<value>\S.*)""")
FINDING = ("name", "severity", "package", "fix")


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a release. `files`: texts by their paths; `findings`: None where no scan is known."""

    files: Mapping[str, str] = field(default_factory=dict)
    findings: Sequence[Finding] | None = None


def comparison(entries: Entries, older: str, newer: str, contents: Mapping[str, Contents]) -> dict[str, Any]:
    """What the page shows of two releases, by their names in `grouped`; `contents` by the same names."""
    told = grouped(entries)
    between = _between(list(told), older, newer)
    old, new = contents.get(older, Contents()), contents.get(newer, Contents())
    return {
        "from": describe(told[older][-1]),
        "to": describe(told[newer][-1]),
        "commits": [describe(told[name][-1]) for name in between],
        "files": changed_files(old.files, new.files),
        "findings": _findings(old.findings, new.findings),
    }


def ends(entries: Entries, one: str, other: str) -> tuple[str, str]:
    """The commits of the newer and of the older of two releases."""
    told = grouped(entries)
    newer, older = sorted((one, other), key=list(told).index)
    return told[newer][-1].record.commit, told[older][-1].record.commit


def listed(commits: Sequence[Brought]) -> list[dict[str, str]]:
    """Commits as the page shows them."""
    return [{"sha": each.sha, "subject": each.subject, "author": each.author} for each in commits]


def changed_files(old: Mapping[str, str], new: Mapping[str, str]) -> list[dict[str, Any]] | None:
    """The files that differ, in lines that begin with +, - or ~; values that look like secrets are hidden.

    None where one side is not known: whether they differ can't be told.
    """
    if not old or not new:
        return None
    paths = sorted(old.keys() | new.keys())
    found = [{"path": path, "diff": _lines(old.get(path, ""), new.get(path, ""))} for path in paths]
    return [each for each in found if each["diff"]]


def _between(newest_first: list[str], one: str, other: str) -> list[str]:
    """What came after the older of the two, up to the newer one."""
    first, last = sorted((newest_first.index(one), newest_first.index(other)))
    return newest_first[first:last]


def _lines(old: str, new: str) -> list[str]:
    if old == new:
        return []
    before, after = _task_definition(old), _task_definition(new)
    if before and after:
        return [str(change) for change in difference(before, after)]
    told = difflib.ndiff(old.splitlines(), new.splitlines())
    return [f"{line[0]} {_line(line[2:].rstrip())}" for line in told if line[0] in "+-"]


def _line(text: str) -> str:
    """A line as it may be read: what a `name: value` or `name=value` says of a secret is hidden by the name, too."""
    named = NAMED.fullmatch(text)
    return named["before"] + shown(("environment", named["name"]), named["value"]) if named else shown((), text)


def _task_definition(text: str) -> dict[str, Any] | None:
    """The text as a task definition, whose secrets are known by their names; None where it is something else."""
    try:
        told = json.loads(text)
    except ValueError:
        return None
    return told if isinstance(told, dict) and isinstance(told.get("containerDefinitions"), list) else None


def _findings(old: Sequence[Finding] | None, new: Sequence[Finding] | None) -> dict[str, Any] | None:
    if old is None or new is None:
        return None
    return {"new": _only_in(new, old), "gone": _only_in(old, new)}


def _only_in(these: Sequence[Finding], others: Sequence[Finding]) -> list[dict[str, str]]:
    known = {(each.name, each.package) for each in others}
    return [{name: getattr(each, name) for name in FINDING} for each in these if (each.name, each.package) not in known]
