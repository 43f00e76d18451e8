"""Where triggers wait together: the sweep's shell, one for each process and event loop.

The loop only hands out work: AWS is called in threads, by clients that do not retry on their own, because a call that
AWS throttles is to slow down all calls, not to be made four times.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from functools import cache, partial
from threading import Thread

from airdock.aws.watch.reading import Reading, read_all
from airdock.aws.watch.subject import Facts, Subject
from airdock.aws.watch.sweep import Batch, Sweep
from airdock.aws.watch.wait import NOTHING, News, Wait
from airdock.aws.watch.wake_queue import WAKE_QUEUE, listen

THREADS = 24
"""At most; they come as they are needed, and the sweep begins few looks at once in each account."""


class Seat:
    """One trigger's place in the waiting room."""

    def __init__(self, room: WaitingRoom, wait: Wait) -> None:
        self._room = room
        self._wait = wait
        self._heard: asyncio.Queue[News] = asyncio.Queue()
        self._hurried = False

    @property
    def facts(self) -> Facts | None:
        """The newest facts of the job."""
        return self._wait.facts

    async def news(self) -> News:
        """The next thing to know; nothing comes as long as nothing changes."""
        return await self._heard.get()

    async def last_look(self) -> News:
        """What a look at once tells, changed or not. Call it when nothing else is awaited any more."""
        self._hurried = True
        self._room.hurry(self._wait)
        return await self._heard.get()

    def tell(self, news: News) -> None:
        if self._hurried or news is not NOTHING:
            self._heard.put_nowait(news)


class WaitingRoom:
    """All waits of this process and loop; everything but the looks themselves happens in the loop's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._sweep = Sweep()
        self._seats: dict[Wait, Seat] = {}
        self._timer: asyncio.TimerHandle | None = None
        if url := os.environ.get(WAKE_QUEUE):
            Thread(target=listen, args=(url, self._woken), name="airdock-wake", daemon=True).start()

    @contextlib.contextmanager
    def seat(
        self, subject: Subject, quick_seconds: float, facts: Facts | None, first_seconds: float | None = None
    ) -> Iterator[Seat]:
        """Wait for a job as long as the context is open, first looking after `first_seconds`, else `quick_seconds`."""
        wait = self._sweep.join(subject, quick_seconds, facts, self._loop.time(), first_seconds)
        self._seats[wait] = seat = Seat(self, wait)
        self._set_timer(wait.due)
        try:
            yield seat
        finally:
            del self._seats[wait]
            self._sweep.leave(wait)

    def hurry(self, wait: Wait) -> None:
        """Look at a wait at once."""
        self._sweep.hurry(wait, self._loop.time())
        self._look_around()

    def _look_around(self) -> None:
        for batch in self._sweep.take(self._loop.time()):
            _threads().submit(self._look, batch, batch.known)
        self._clear_timer()
        self._set_timer(self._sweep.next_at(self._loop.time()))

    def _set_timer(self, at: float) -> None:
        if at < (self._timer.when() if self._timer else float("inf")):
            self._clear_timer()
            # A context of its own: in that of the trigger who came by, the log would be that one task's.
            self._timer = self._loop.call_at(at, self._ring, context=Context())

    def _clear_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = None

    def _ring(self) -> None:
        self._timer = None
        self._look_around()

    def _look(self, batch: Batch, known: dict[str, Facts]) -> None:
        lookup = partial(batch.source.account.client, once=True)
        reading = read_all(batch.watch, lookup, batch.ids, known)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._told, batch, reading)

    def _told(self, batch: Batch, reading: Reading) -> None:
        for wait, news in self._sweep.told(batch, reading, self._loop.time()):
            if seat := self._seats.get(wait):
                seat.tell(news)
        self._look_around()

    def _woken(self, named: set[str]) -> bool:
        """Called in the queue's thread; False once the loop is closed."""
        try:
            self._loop.call_soon_threadsafe(self._wake, named)
        except RuntimeError:
            return False
        return True

    def _wake(self, named: set[str]) -> None:
        if self._sweep.wake(named, self._loop.time()):
            self._look_around()


_rooms: dict[asyncio.AbstractEventLoop, WaitingRoom] = {}


def waiting_room() -> WaitingRoom:
    """The waiting room of the running loop."""
    loop = asyncio.get_running_loop()
    if loop not in _rooms:
        for closed in [each for each in _rooms if each.is_closed()]:
            del _rooms[closed]
        _rooms[loop] = WaitingRoom(loop)
    return _rooms[loop]


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="airdock-waiting")
