"""One figure as each measurement here tells it: a table on the screen, and the same in bench/results/<figure>.json."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Row:
    """One measured thing: `ours` beside `peer`, which was measured in the same run (None where there is none).

    `n`: of how many. `at_most`, `at_least`: the goal for `ours`. `more_is_better`: as for a rate.
    """

    name: str
    n: int
    ours: float
    peer: float | None
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    more_is_better: bool = False

    @property
    def ratio(self) -> float | None:
        """How many times better ours is."""
        better, worse = (self.ours, self.peer) if self.more_is_better else (self.peer, self.ours)
        return round(better / worse, 1) if better is not None and worse else None


def tell(figure: str, goal: str, rows: Sequence[Row], why: str = "", at: str = "") -> None:
    """Print the rows and write them down. `why`: what a reader must know to judge them, and why a goal is missed."""
    print(f"{figure}: {goal}\n{'':60}{'n':>6}{'ours':>12}{'peer':>12}{'ratio':>8}")
    for row in rows:
        peer, ratio = ("" if value is None else f"{value:g}" for value in (row.peer, row.ratio))
        print(f"{row.name:60}{row.n:>6}{row.ours:>12g}{peer:>12}{ratio:>8}  {row.unit}")
    told = {
        "figure": figure,
        "goal": goal,
        "why": why,
        "rows": [_written(row) for row in rows],
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "at": at or datetime.now(UTC).isoformat(timespec="seconds"),
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{figure}.json").write_text(json.dumps(told, indent=2) + "\n")


def _written(row: Row) -> dict[str, Any]:
    return {key: value for key, value in asdict(row).items() if key != "more_is_better"} | {"ratio": row.ratio}
