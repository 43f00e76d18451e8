"""The pushes that were accepted: a small table of Airdock's own in Airflow's metadata database.

A push is safe once it is in here. Each waits until its runs have been started, and stays for some weeks, so that a
repetition is known; what only the body of its message tells apart from a repetition stays for longer. SQLite and
PostgreSQL; docs/decisions/accepting-pushes.md says why here.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    delete,
    inspect,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

from airdock.plan.push import Push

KEPT = timedelta(days=30)
SEALED = timedelta(days=400)
"""How long a signed body is known again under another delivery id: longer than a secret should be used."""
CLAIMED = timedelta(seconds=60)
"""How long a dispatcher has for what it has taken in hand, before another one may."""
NEVER = datetime(1970, 1, 1, tzinfo=UTC)

TABLE = Table(
    "airdock_accepted_push",
    MetaData(),
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("provider", String(40), nullable=False),
    Column("delivery", String(140), nullable=False),
    # NULL, which is like nothing else, where the delivery id is signed.
    Column("seal", String(80)),
    Column("push", Text, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    # Nobody may take it in hand before; far in the past until somebody has.
    Column("held_until", DateTime(timezone=True), nullable=False),
    Column("holder", String(40), nullable=False, default=""),
    Column("attempts", Integer, nullable=False, default=0),
    Column("done_at", DateTime(timezone=True)),
    Column("result", Text),
    UniqueConstraint("provider", "delivery", name="airdock_accepted_push_once"),
    UniqueConstraint("provider", "seal", name="airdock_accepted_push_sealed_once"),
    Index("airdock_accepted_push_waiting", "done_at", "held_until"),
)
"""Its name changes with its columns: an older table is left as it is."""

Key = tuple[str, str]
"""Provider and delivery id: what makes two pushes the same."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A push that somebody has in hand; `attempts` counts how often."""

    number: int
    push: Push
    attempts: int


class Inbox:
    """The table in one database. All methods block."""

    def __init__(self, engine: Engine) -> None:
        self._opened = engine
        self._made = False

    @property
    def _engine(self) -> Engine:
        """The database, with the table in it: made at first use, by several processes at once if need be."""
        if not self._made:
            try:
                TABLE.metadata.create_all(self._opened, checkfirst=True)
            except DBAPIError:
                if not inspect(self._opened).has_table(TABLE.name):
                    raise
            self._made = True
        return self._opened

    def put(self, pushes: Iterable[Push]) -> set[Key]:
        """Write all of them in one transaction; the keys of those that were not there already.

        On return all are on disk, the repeated ones too.
        """
        # Always in the same order: two processes that write the same ones wait for each other instead of for ever.
        ordered = sorted(pushes, key=lambda push: (push.provider, push.seal, push.delivery))
        if not ordered:
            return set()
        written = self._insert().returning(TABLE.c.provider, TABLE.c.delivery)
        with self._engine.begin() as database:
            return {(row.provider, row.delivery) for row in database.execute(written, [_row(each) for each in ordered])}

    def accepted_before(self, pushes: Sequence[Push]) -> list[tuple[str, Any]]:
        """Of each of these pushes the run id that it was accepted with, and what came of it: None while it waits, and
        when that is long ago."""
        asked = select(TABLE.c.delivery, TABLE.c.result)
        with self._engine.connect() as database:
            return [_told(push, database.execute(asked.where(_same(push))).all()) for push in pushes]

    def take(self, most: int) -> list[Waiting]:
        """The oldest that wait, in hand for `CLAIMED`: nobody else gets them until then."""
        now, holder = datetime.now(UTC), uuid.uuid4().hex
        free = (TABLE.c.done_at.is_(None)) & (TABLE.c.held_until < now)
        oldest = select(TABLE.c.id).where(free).order_by(TABLE.c.id).limit(most)
        hold = update(TABLE).where(TABLE.c.id.in_(oldest), free)
        held = select(TABLE.c.id, TABLE.c.push, TABLE.c.attempts).where(TABLE.c.holder == holder).order_by(TABLE.c.id)
        with self._engine.begin() as database:
            taken = {"holder": holder, "held_until": now + CLAIMED, "attempts": TABLE.c.attempts + 1}
            if not database.execute(hold.values(taken)).rowcount:
                return []
            rows = database.execute(held).all()
        return [Waiting(row[0], Push.from_json(json.loads(row[1])), row[2]) for row in rows]

    def done(self, number: int, result: Any) -> None:
        """Nothing more is to be done for this push; `result` is what came of it."""
        self._change(number, done_at=datetime.now(UTC), result=json.dumps(result))

    def later(self, number: int, wait: timedelta) -> None:
        """Nobody takes this push in hand before `wait` is over."""
        self._change(number, held_until=datetime.now(UTC) + wait)

    def waiting(self) -> bool:
        """Whether there is anything to take now: a look that writes nothing."""
        free = (TABLE.c.done_at.is_(None)) & (TABLE.c.held_until < datetime.now(UTC))
        with self._engine.connect() as database:
            return database.execute(select(TABLE.c.id).where(free).limit(1)).first() is not None

    def forget_old(self) -> None:
        """Delete what was done long ago; of what may be sent again under another id, all but what it is known by."""
        now = datetime.now(UTC)
        old, sealed = TABLE.c.done_at < now - KEPT, TABLE.c.seal.is_not(None)
        with self._engine.begin() as database:
            database.execute(delete(TABLE).where(old & ~sealed | (TABLE.c.done_at < now - SEALED)))
            database.execute(update(TABLE).where(old, TABLE.c.push != "").values(push="", result=None))

    def _change(self, number: int, **values: Any) -> None:
        with self._engine.begin() as database:
            database.execute(update(TABLE).where(TABLE.c.id == number).values(values))

    def _insert(self) -> Any:
        dialect = sqlite if self._opened.dialect.name == "sqlite" else postgresql
        return dialect.insert(TABLE).on_conflict_do_nothing()


def key_of(push: Push) -> Key:
    return push.provider, push.delivery


def _same(push: Push) -> Any:
    """The row of the push: it has its delivery id or its seal."""
    known = TABLE.c.delivery == push.delivery
    return (TABLE.c.provider == push.provider) & (or_(known, TABLE.c.seal == push.seal) if push.seal else known)


def _told(push: Push, rows: Sequence[Any]) -> tuple[str, Any]:
    delivery, result = rows[0] if rows else (push.delivery, None)
    return replace(push, delivery=delivery).run_id, json.loads(result) if result else None


def _row(push: Push) -> dict[str, Any]:
    return {
        "provider": push.provider,
        "delivery": push.delivery,
        "seal": push.seal or None,
        "push": json.dumps(push.to_json()),
        "received_at": datetime.now(UTC),
        "held_until": NEVER,
        "holder": "",
        "attempts": 0,
    }
