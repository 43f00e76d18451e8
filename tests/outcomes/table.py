"""The table of outcomes: what each strategy does with each kind of release, kept as JSON and shown in the docs.

A test compares what it saw with the row that is kept; with AIRDOCK_WRITE_OUTCOMES=1 it writes the row instead.
`python -m tests.outcomes.table` prints the page.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

KEPT = Path(__file__).with_name("outcomes.json")


@dataclass(frozen=True)
class Row:
    """What one delivery came to. `calls`: Airdock's own changing calls to AWS, in the order of their first.

    How many requests there were, and how many of them failed, differs from run to run; whether any failed does not.
    """

    strategy: str
    case: str
    outcome: str
    run: str
    production: str
    calls: tuple[str, ...]
    requests: int
    failed_requests: int
    cause: str

    @property
    def key(self) -> str:
        return f"{self.strategy} / {self.case}"


def compare(row: Row) -> None:
    """Assert that the row is as kept, or keep it when asked to."""
    seen = json.loads(json.dumps(asdict(row)))
    if os.environ.get("AIRDOCK_WRITE_OUTCOMES"):
        _keep(row.key, seen)
    assert _constant(_kept().get(row.key, {})) == _constant(seen)


def _constant(row: Mapping[str, Any]) -> dict[str, Any]:
    """What is the same whenever the case is played."""
    return {**row, "requests": None, "failed_requests": bool(row.get("failed_requests"))}


def page() -> str:
    """The docs' page of all rows that are kept."""
    told = [HEAD]
    for strategy, rows in groupby(_kept().values(), key=lambda row: str(row["strategy"])):
        told += [f"## {strategy}", "", COLUMNS, *(_line(row) for row in rows), ""]
    return "\n".join(told)


def _line(row: Mapping[str, Any]) -> str:
    calls = ", ".join(f"`{call}`" for call in row["calls"])
    failed = f"{row['failed_requests']} of {row['requests']}"
    told = (row["case"], row["outcome"], row["cause"], row["production"], failed, calls)
    return f"| {' | '.join(told)} |"


HEAD = """# How deliveries end

Each row is one delivery against the local AWS: the tasks of the line over real HTTP traffic through the balancer, 20
requests a second. The rows are test results (`tests/outcomes/`), and the tests fail when a row changes; this page is
made from them by `make docs`. How many requests a bad version fails differs from run to run: the numbers are those of
the run that was kept, and the tests fail when requests fail in a row that says 0. "The verdict names" is a part of the
sentence that every reader of the run gets. Left out of the calls are those that the first of many deliveries makes,
those that keep the release's record, and CodeDeploy's and ECS's own.
"""
COLUMNS = """| case | outcome | the verdict names | production runs | failed requests | changing calls |
|---|---|---|---|---|---|"""


def _kept() -> dict[str, dict[str, Any]]:
    return json.loads(KEPT.read_text()) if KEPT.exists() else {}


def _keep(key: str, seen: dict[str, object]) -> None:
    """Rows of other strategies are written by other processes: replace only one's own, under a lock."""
    import fcntl

    with KEPT.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        rows = {**_kept(), key: seen}
        KEPT.write_text(json.dumps(dict(sorted(rows.items())), indent=1) + "\n")


if __name__ == "__main__":
    print(page(), end="")
