"""The commits between two of a pipeline's repository: git is asked aside from all other requests, and once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from airdock.errors import AirdockError, Fault
from airdock.plan.brought import Brought
from airdock.spec import Pipeline

PATIENCE_SECONDS = 5
"""How long the page is kept waiting for git."""
AT_ONCE = 2
MOST_ASKED = 8
"""How many questions may be open, in work or waiting for it."""
MOST_KEPT = 50

AskGit = Callable[[Pipeline, str, str], Sequence[Brought]]
"""The commits that lead to the first of two and not to the second, newest first. Raises AirdockError."""
Told = Sequence[Brought] | AirdockError
Key = tuple[str | None, ...]

log = logging.getLogger(__name__)


class Between:
    """Answers for the requests of one event loop, by threads of its own; what lies between two commits stays so."""

    def __init__(self, ask: AskGit, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._ask = ask
        self._patience_seconds = patience_seconds
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="airdock-between")
        self._asked: dict[Key, asyncio.Future[Told]] = {}

    async def commits(self, pipeline: Pipeline, head: str, live: str) -> Sequence[Brought]:
        """Those that lead to `head` and not to `live`, newest first.

        Raises:
            Refused: git can't tell.
            Fault: git can't tell now. Where it is slow, its answer is there for who asks later.
        """
        source = pipeline.source
        where = (source.provider, source.repository, source.connection, pipeline.aws_connection, pipeline.region)
        key = (*where, head, live)
        if key not in self._asked:
            self._begin(key, pipeline, head, live)
        asked = self._asked[key]
        told = await self._awaited(asked)
        if isinstance(told, AirdockError):
            if self._asked.get(key) is asked:
                del self._asked[key]
            raise told
        return told

    def end(self) -> None:
        """Nothing further is asked; what is being asked ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _begin(self, key: Key, pipeline: Pipeline, head: str, live: str) -> None:
        done = [each for each, asked in self._asked.items() if asked.done()]
        if len(self._asked) - len(done) >= MOST_ASKED:
            raise Fault("git is being asked about other releases: look again in a minute")
        for oldest in done[: max(0, len(done) - MOST_KEPT + 1)]:
            del self._asked[oldest]
        loop = asyncio.get_running_loop()
        self._asked[key] = loop.run_in_executor(self._threads, self._answer, pipeline, head, live)

    async def _awaited(self, asked: asyncio.Future[Told]) -> Told:
        try:
            async with asyncio.timeout(self._patience_seconds):
                # Whoever stops waiting stops nobody else's question.
                return await asyncio.shield(asked)
        except TimeoutError:
            raise Fault("git has not answered yet: look again in a minute") from None

    def _answer(self, pipeline: Pipeline, head: str, live: str) -> Told:
        try:
            return self._ask(pipeline, head, live)
        except AirdockError as error:
            return error
        except Exception:
            log.exception("The commits between %s and %s of %s can't be told", live, head, pipeline.application)
            return Fault("git could not be asked: the api-server's log says why")
