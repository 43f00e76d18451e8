"""The failing test or check in a build's log, as pytest, unittest, ruff and mypy name it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

LONGEST_REASON = 200

_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_PYTEST = re.compile(r"(?:FAILED|ERROR) (\S+\.py(?:::.+?)?)(?: - (.*))?")
_UNITTEST = re.compile(r"(?:FAIL|ERROR): (\w+) \(([\w.]+)\)")
_AT_LINE = re.compile(r"(\S+\.pyi?:\d+(?::\d+)?): (?:error: )?((?:[A-Z]+\d+ )?.+)")
_RUFF_PLACE = re.compile(r"--> (\S+:\d+:\d+)")
_RUFF_RULE = re.compile(r"[A-Z]+\d+ .+")


def failing_checks(log: Sequence[str]) -> tuple[str, ...]:
    """What failed, each with its reason where the log tells one, and each once; tests before other checks."""
    lines = [_COLOURS.sub("", line).strip() for line in log]
    return tuple(dict.fromkeys([*_tests(lines), *_checks(lines)]))


def _tests(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        if found := _PYTEST.fullmatch(line):
            yield _with_reason(found[1], found[2] or "")
        elif found := _UNITTEST.fullmatch(line):
            test, place = found.groups()
            yield place if place.endswith(f".{test}") else f"{place}.{test}"


def _checks(lines: Sequence[str]) -> Iterator[str]:
    for before, line in pairwise(["", *lines]):
        place = _RUFF_PLACE.fullmatch(line)
        if place and _RUFF_RULE.fullmatch(before):
            yield _with_reason(place[1], before)
        elif (found := _AT_LINE.fullmatch(line)) and _is_complaint(line, found[2]):
            yield _with_reason(found[1], found[2])


def _is_complaint(line: str, reason: str) -> bool:
    """mypy says error, ruff begins with its rule; a traceback's `file.py:3: SomeError` is part of a test's report."""
    return ": error: " in line or _RUFF_RULE.fullmatch(reason) is not None


def _with_reason(place: str, reason: str) -> str:
    return f"{place}: {reason[:LONGEST_REASON]}" if reason else place
