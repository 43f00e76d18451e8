"""The order of the tests, and how long Hypothesis lets them take."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy machine")  # both are of the clock on the wall, which goes on where a test may not

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
