"""What the routes of the board answer: the same for everybody, then cut down to what the user may see."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from airdock.board.line import Delivery
from airdock.board.overview import Place, application_row
from airdock.plan.ledger_entry import LedgerEntry
from airdock.spec import Pipeline
from airdock.web.board.ledger import Ledger
from airdock.web.board.users import User

FRESH_SECONDS = 1.0
"""For so long one answer of the database serves everybody who asks."""

LEVEL = 6
"""gzip's: 500 applications take 3 ms, and a higher level saves little more."""

Unfinished = Callable[[], tuple[Sequence[Delivery], dict[Place, str]]]


class Row(NamedTuple):
    """An application's row, as JSON without what differs from user to user."""

    application: str
    text: str

    def seen_by(self, user: User) -> bool:
        return f"deliver_{self.application}" in user.sees

    def for_user(self, user: User) -> str:
        may = {f"deliver_{self.application}", f"deploy_{self.application}"} <= user.edits
        return f'{{"can_deploy":{json.dumps(may)},{self.text[1:]}'


@dataclass(frozen=True, slots=True)
class Overview:
    """The overview as it goes over the wire. `tag`: the same for the same content, whenever it was read."""

    body: bytes
    packed: bytes
    tag: str


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
        self.frozen = frozen
        self._fresh_seconds = fresh_seconds
        self._rows: list[Row] = []
        self._overviews: dict[Any, Overview] = {}
        self._told_at = ""
        self._read_at = -fresh_seconds
        self._lock = threading.Lock()

    def overview(self, user: User, may_freeze: bool) -> Overview:
        """Every application whose dag the user may see. Raises Fault.

        Its rows are written once for all who ask within a moment: that takes longer than to read them.
        """
        frozen = self.frozen()
        asked = (user.name, may_freeze, user.sees, user.edits, json.dumps(frozen))
        with self._lock:
            self._bring_up_to_date()
            if asked not in self._overviews:
                self._overviews[asked] = self._told(user, may_freeze, frozen)
            return self._overviews[asked]

    def read_ahead(self) -> None:
        """Read what the first who asks would wait for. Raises Fault."""
        with self._lock:
            self._bring_up_to_date()

    def pipeline(self, application: str) -> Pipeline | None:
        """The pipeline of an application; None when there is none now. Raises Fault."""
        return next((each for each in self.pipelines() if each.application == application), None)

    def entries(self, pipeline: Pipeline) -> dict[str, Sequence[LedgerEntry]]:
        """What became of an application's deliveries, by environment in the pipeline's order, oldest first."""
        known = self.ledger.entries()
        return {name: known.get((pipeline.application, name), ()) for name in pipeline.environments}

    def _bring_up_to_date(self) -> None:
        """Read once for all who ask within a moment; those who come meanwhile wait for it."""
        if time.monotonic() - self._read_at >= self._fresh_seconds:
            self._rows, self._overviews = self._read(), {}
            self._told_at = datetime.now(UTC).isoformat(timespec="milliseconds")
            self._read_at = time.monotonic()

    def _told(self, user: User, may_freeze: bool, frozen: dict[str, str] | None) -> Overview:
        rows = ",".join(row.for_user(user) for row in self._rows if row.seen_by(user))
        who = {"name": user.name, "may_freeze": may_freeze}
        told = f'"frozen":{json.dumps(frozen)},"user":{json.dumps(who)},"applications":[{rows}]}}'
        tag = hashlib.sha256(told.encode()).hexdigest()[:24]
        body = f'{{"now":"{self._told_at}",{told}'.encode()
        return Overview(body, gzip.compress(body, LEVEL), f'W/"{tag}"')

    def _read(self) -> list[Row]:
        entries = self.ledger.entries()
        deliveries, drift = self._unfinished()
        by_application: dict[str, list[Delivery]] = {}
        for each in deliveries:
            by_application.setdefault(each.dag_id.partition("_")[2], []).append(each)
        rows = (
            application_row(pipeline, entries, by_application.get(pipeline.application, ()), drift)
            for pipeline in self.pipelines()
        )
        return [Row(row["name"], json.dumps(row, separators=(",", ":"))) for row in rows]
