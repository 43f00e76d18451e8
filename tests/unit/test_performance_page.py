"""docs/performance.md says what the measurements have found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.page import page

ROOT = Path(__file__).parents[2]
ROW = {"name": "time", "n": 2, "ours": 4.0, "peer": 8.0, "ratio": 2.0, "unit": "s"}


def result(folder: Path, **row: float) -> str:
    """The page of one figure with one row."""
    told = {
        "figure": "speed",
        "goal": "be quick",
        "rows": [ROW | row],
        "machine": "a machine",
        "at": "2026-01-02T03:04",
    }
    (folder / "speed.json").write_text(json.dumps(told))
    return page(folder)


def test_performance_page_is_what_the_results_say() -> None:
    assert (ROOT / "docs" / "performance.md").read_text() == page(), "run `make docs`"


def test_performance_page_tells_a_figure_beside_its_peer(tmp_path: Path) -> None:
    told = result(tmp_path)
    assert "| time | 2 | 4 | 8 | 2 | s |  |" in told
    assert "Goal: be quick." in told


@pytest.mark.parametrize(
    ("goal", "told"),
    [
        ({"at_most": 4}, "≤ 4: met"),
        ({"at_most": 3}, "≤ 3: **missed**"),
        ({"at_least": 5}, "≥ 5: **missed**"),
        ({"at_least": 4, "at_most": 4}, "= 4: met"),
    ],
)
def test_performance_page_says_whether_a_goal_is_met(tmp_path: Path, goal: dict[str, float], told: str) -> None:
    assert f"| {told} |" in result(tmp_path, **goal)
