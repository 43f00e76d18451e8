"""Which tests share a process: those of a file, because they share a local AWS; and all whole deliveries."""

from __future__ import annotations

import pytest


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        whole = "e2e" in item.path.parts
        item.add_marker(pytest.mark.xdist_group("whole deliveries" if whole else str(item.path)))
