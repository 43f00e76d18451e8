"""Waiting in the triggerer for one's turn, where AWS has throttled too many calls at once.

The class path and the arguments are stored with every waiting task: both are chosen once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from contextvars import Context
from datetime import UTC, datetime
from functools import cache
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airdock.aws import turns
from airdock.aws.hooks import Account

TOLD_EVERY_SECONDS = 60.0


class TurnTrigger(BaseTrigger):
    """Fires once it is this call's turn among all of its account and region, or at its absolute deadline.

    Event: `{"status": "turn" | "deadline"}`. A turn is leave to try and no promise: each triggerer has a line of its
    own, and others call AWS too. Nothing but the arguments is kept: a trigger that is killed or moved takes its place
    again, by the time `since` which it waits.
    """

    def __init__(self, account: dict[str, Any], since: str, deadline_at: str) -> None:
        super().__init__()
        self.account = account
        self.since = since
        self.deadline_at = deadline_at

    def serialize(self) -> tuple[str, dict[str, Any]]:
        arguments = {"account": self.account, "since": self.since, "deadline_at": self.deadline_at}
        return "airdock.aws.turn_trigger.TurnTrigger", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        # Airflow calls a trigger killed when it goes on after its event: yield once, then return.
        yield TriggerEvent({"status": await self._end()})

    async def _end(self) -> str:
        left = (datetime.fromisoformat(self.deadline_at) - datetime.now(UTC)).total_seconds()
        try:
            async with asyncio.timeout(max(left, turns.FIRST_SECONDS)):
                await self._turn()
        except TimeoutError:
            return "deadline"
        return "turn"

    async def _turn(self) -> None:
        with _line_of(Account(**self.account)).standing(datetime.fromisoformat(self.since)) as standing:
            while not standing.called.done():
                self.log.info("%d are before this one in line; one goes each second", standing.ahead)
                await asyncio.wait([standing.called], timeout=TOLD_EVERY_SECONDS)


class Standing:
    """One trigger's place; `called` is done once its turn has come."""

    def __init__(self, line: turns.Line, since: datetime) -> None:
        self._line = line
        self.place = line.join(since, time.monotonic())
        self.called: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def ahead(self) -> int:
        return self._line.ahead(self.place)


class CalledLine:
    """A line whose turns are called as they come, in the loop of those who stand in it."""

    def __init__(self) -> None:
        self._line = turns.Line()
        self._standing: dict[turns.Place, Standing] = {}
        self._caller: asyncio.Task[None] | None = None

    @contextmanager
    def standing(self, since: datetime) -> Iterator[Standing]:
        """Stand in line as long as the context is open."""
        standing = Standing(self._line, since)
        self._standing[standing.place] = standing
        if self._caller is None or self._caller.done():
            # A context of its own: in that of the trigger who came by, it would be that one task's.
            self._caller = asyncio.get_running_loop().create_task(self._call(), context=Context())
        try:
            yield standing
        finally:
            del self._standing[standing.place]
            self._line.leave(standing.place)

    async def _call(self) -> None:
        """Call one after the other until nobody waits. Who joins meanwhile is never ready before those who wait."""
        while (at := self._line.next_at()) < float("inf"):
            await asyncio.sleep(at - time.monotonic())
            if place := self._line.let_go(time.monotonic()):
                self._standing[place].called.set_result(None)


_line_of = cache(lambda account: CalledLine())  # noqa: ARG005 - the cache's key
