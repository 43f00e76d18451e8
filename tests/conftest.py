"""The order of the tests."""

from __future__ import annotations

import pytest

SLOWEST_FIRST = ("/outcomes/", "/aws/")
"""Files of the first take a minute and a half each, many of the second up to as long; all others take half of that."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest come first, so that no worker is left with one of them at the end.

    xdist keeps this order with `--no-loadscope-reorder` alone: of itself it begins with the files of most tests.
    """
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    path = item.path.as_posix()
    return next((turn for turn, part in enumerate(SLOWEST_FIRST) if part in path), len(SLOWEST_FIRST))
