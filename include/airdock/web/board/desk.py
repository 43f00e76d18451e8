"""What the routes of the board answer: the same for everybody, then cut down to what the user may see."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from airdock.board.line import Delivery
from airdock.board.overview import Place, application_row
from airdock.plan.ledger_entry import LedgerEntry
from airdock.spec import Pipeline
from airdock.web.board.ledger import Ledger
from airdock.web.board.users import User

FRESH_SECONDS = 1.0
"""For so long one answer of the database serves everybody who asks."""

Unfinished = Callable[[], tuple[Sequence[Delivery], dict[Place, str]]]


class Desk:
    """Rows for whoever asks.

    Args:
        pipelines: the pipelines as their files say now.
        ledger: what became of deliveries.
        unfinished: deliveries that are not over, and the drift that was found, by application and environment.
        frozen: who stopped the line, None when it runs.
    """

    def __init__(
        self,
        pipelines: Callable[[], Sequence[Pipeline]],
        ledger: Ledger,
        unfinished: Unfinished,
        frozen: Callable[[], dict[str, str] | None],
        fresh_seconds: float = FRESH_SECONDS,
    ) -> None:
        self.pipelines = pipelines
        self.ledger = ledger
        self._unfinished = unfinished
        self._frozen = frozen
        self._fresh_seconds = fresh_seconds
        self._rows: list[dict[str, Any]] = []
        self._read_at = -fresh_seconds
        self._lock = threading.Lock()

    def overview(self, user: User) -> dict[str, Any]:
        """Every application whose dag the user may see. Raises Fault."""
        rows = [
            {**row, "can_deploy": {row["dag_id"], row["deploy_dag_id"]} <= user.edits}
            for row in self._all_rows()
            if row["dag_id"] in user.sees
        ]
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        return {"now": now, "frozen": self._frozen(), "user": {"name": user.name}, "applications": rows}

    def read_ahead(self) -> None:
        """Read what the first who asks would wait for. Raises Fault."""
        self._all_rows()

    def pipeline(self, application: str) -> Pipeline | None:
        """The pipeline of an application; None when there is none now. Raises Fault."""
        return next((each for each in self.pipelines() if each.application == application), None)

    def entries(self, pipeline: Pipeline) -> dict[str, Sequence[LedgerEntry]]:
        """What became of an application's deliveries, by environment in the pipeline's order, oldest first."""
        known = self.ledger.entries()
        return {name: known.get((pipeline.application, name), ()) for name in pipeline.environments}

    def _all_rows(self) -> list[dict[str, Any]]:
        """Read once for all who ask within a moment; those who come meanwhile wait for it."""
        with self._lock:
            if time.monotonic() - self._read_at >= self._fresh_seconds:
                self._rows, self._read_at = self._read(), time.monotonic()
            return self._rows

    def _read(self) -> list[dict[str, Any]]:
        entries = self.ledger.entries()
        deliveries, drift = self._unfinished()
        by_application: dict[str, list[Delivery]] = {}
        for each in deliveries:
            by_application.setdefault(each.dag_id.partition("_")[2], []).append(each)
        return [
            application_row(pipeline, entries, by_application.get(pipeline.application, ()), drift)
            for pipeline in self.pipelines()
        ]
