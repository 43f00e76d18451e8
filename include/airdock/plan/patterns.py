"""Patterns for names with slashes: `*` for a part, `**` for any number of parts, `!` for taking out again.

Matched part by part in time that grows with both lengths only: whoever pushes chooses the names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import translate
from functools import lru_cache

ANY_PARTS = "**"


def names_one(pattern: str, name: str) -> bool:
    """Whether the whole name fits the pattern."""
    return _fits(tuple(pattern.split("/")), name.split("/"))


def holds(patterns: Iterable[str], path: str) -> bool:
    """Whether a file is among those that the patterns name, each a file or a folder; the last that fits decides."""
    parts, among = path.split("/"), False
    for pattern in patterns:
        wanted = pattern.removeprefix("!").rstrip("/").split("/")
        if _fits((*wanted, ANY_PARTS), parts):
            among = not pattern.startswith("!")
    return among


def _fits(pattern: tuple[str, ...], parts: list[str]) -> bool:
    """Whether the parts fit; `places` are all those in the pattern that the parts so far may have led to."""
    places = _with_skipped(pattern, {0})
    for part in parts:
        onward = {place for place in places if place < len(pattern) and _part_fits(pattern[place], part)}
        places = _with_skipped(pattern, {place if pattern[place] == ANY_PARTS else place + 1 for place in onward})
    return len(pattern) in places


def _with_skipped(pattern: tuple[str, ...], places: set[int]) -> set[int]:
    """The places, and those behind a `**` that stands for nothing."""
    found = set(places)
    for place in range(len(pattern)):
        if place in found and pattern[place] == ANY_PARTS:
            found.add(place + 1)
    return found


def _part_fits(pattern: str, part: str) -> bool:
    if pattern in (part, ANY_PARTS):
        return True
    return ("*" in pattern or "?" in pattern) and _compiled(pattern).match(part) is not None


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Of brackets only the letter itself is meant: folders have such names."""
    return re.compile(translate(pattern.replace("[", "[[]")))
