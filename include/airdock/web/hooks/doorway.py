"""From many requests at once to few transactions: those that come while one is written share the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from airdock.plan.push import Push
from airdock.web.hooks.inbox import Inbox, Key, key_of

MOST_PUSHES = 200
"""What one transaction takes."""

Arrived = tuple[Sequence[Push], "asyncio.Future[set[Key]]"]


class Doorway:
    """Puts pushes into the inbox for the requests of one event loop."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._arrived: list[Arrived] = []
        self._writer: asyncio.Task[None] | None = None

    async def put(self, pushes: Sequence[Push]) -> set[Key]:
        """The keys of those that are new, once all are on disk. Raises what the database raises."""
        future: asyncio.Future[set[Key]] = asyncio.get_running_loop().create_future()
        self._arrived.append((pushes, future))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return await future

    async def _write(self) -> None:
        while self._arrived:
            now, self._arrived = self._arrived[:MOST_PUSHES], self._arrived[MOST_PUSHES:]
            try:
                new = await asyncio.to_thread(self._inbox.put, [push for pushes, _ in now for push in pushes])
            except Exception as error:
                _fail(now, error)
            else:
                _tell(now, new)


def _tell(arrived: Sequence[Arrived], new: set[Key]) -> None:
    """Of two that brought the same push together, the first has brought it."""
    for pushes, future in arrived:
        own = new & {key_of(push) for push in pushes}
        new = new - own
        if not future.done():
            future.set_result(own)


def _fail(arrived: Sequence[Arrived], error: Exception) -> None:
    for _, future in arrived:
        if not future.done():
            future.set_exception(error)
