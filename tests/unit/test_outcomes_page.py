"""The page of outcomes tells what the tests of outcomes saw."""

from __future__ import annotations

from pathlib import Path

from tests.outcomes.table import page


def test_page_of_outcomes_is_current() -> None:
    assert (Path(__file__).parents[2] / "docs" / "outcomes.md").read_text() == page()
