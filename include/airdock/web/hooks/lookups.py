"""Questions whose answers may take long: asked by few, aside from the event loop, and once for all who wait."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from airdock.web.hooks.message import Declined

LONGEST_WAIT_SECONDS = 8
"""GitHub gives up after ten."""
MOST_FAILURES = 200
"""How many of them are kept: names that a stranger invents push out each other, and nothing that was found."""
AGAIN = "the message can't be looked at now: send it again"

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Kept(Generic[T]):
    until: float
    found: T | Declined


class Lookups(Generic[T]):
    """Answers by name, for the requests of one event loop.

    Args:
        ask: may block, and raise; what is no Declined becomes one with 503.
        kept_seconds, failed_seconds: how long an answer, or its failure, is kept.
        at_once: how many threads ask; they are these questions' own.
        most: how many names may be asked for at a time; further ones are declined.
    """

    def __init__(
        self, ask: Callable[[str], T], kept_seconds: float, failed_seconds: float, at_once: int, most: int
    ) -> None:
        self._ask = ask
        self._seconds = kept_seconds, failed_seconds
        self._most = most
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="airdock-lookup")
        self._kept: dict[str, _Kept[T]] = {}
        self._asking: dict[str, asyncio.Future[_Kept[T]]] = {}

    async def of(self, name: str) -> T:
        """The answer. Raises Declined: it can't be had now."""
        kept = self._kept.get(name)
        if kept is None or kept.until < time.monotonic():
            kept = await self._awaited(name)
        if isinstance(kept.found, Declined):
            raise Declined(kept.found.status, kept.found.sentence)
        return kept.found

    async def _awaited(self, name: str) -> _Kept[T]:
        if name not in self._asking:
            self._begin(name)
        try:
            async with asyncio.timeout(LONGEST_WAIT_SECONDS):
                # Whoever stops waiting stops nobody else's question.
                return await asyncio.shield(self._asking[name])
        except TimeoutError:
            raise Declined(503, AGAIN) from None

    def _begin(self, name: str) -> None:
        if len(self._asking) >= self._most:
            raise Declined(503, AGAIN)
        asked = asyncio.get_running_loop().run_in_executor(self._threads, self._answer, name)
        self._asking[name] = asked
        asked.add_done_callback(lambda done: self._keep(name, done.result()))

    def _answer(self, name: str) -> _Kept[T]:
        try:
            return _Kept(time.monotonic() + self._seconds[0], self._ask(name))
        except Declined as declined:
            return _Kept(time.monotonic() + self._seconds[1], declined)
        except Exception:
            log.exception("%s can't be looked up; the next time is in %g s", name, self._seconds[1])
            return _Kept(time.monotonic() + self._seconds[1], Declined(503, AGAIN))

    def _keep(self, name: str, kept: _Kept[T]) -> None:
        del self._asking[name]
        self._kept.pop(name, None)
        self._kept[name] = kept
        failed = [each for each, other in self._kept.items() if isinstance(other.found, Declined)]
        for oldest in failed[:-MOST_FAILURES]:
            del self._kept[oldest]
