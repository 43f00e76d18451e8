"""The web application that providers send to: one route, and nothing to see for whom is not believed."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, ParamSpec, TypeVar

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.requests import ClientDisconnect

from airdock.plan.push import Push, Unconcerning
from airdock.web.hooks.certificates import certificates
from airdock.web.hooks.dispatcher import ChangedFiles, Dispatcher
from airdock.web.hooks.doorway import Doorway
from airdock.web.hooks.inbox import Inbox, key_of
from airdock.web.hooks.keys import KeyRing, airflow_connection
from airdock.web.hooks.message import Declined, Message, read_body
from airdock.web.hooks.providers import PROVIDERS, event_in, refuse_foreign, refuse_unproved

MOST_BYTES = 1024**2
"""Of a body. GitHub itself sends up to 25 MB; a push that large lists files by the ten thousand."""
SMALL_BYTES = 64 * 1024
"""A body that is checked and read in less than two milliseconds."""
LONGEST_WRITE_SECONDS = 8
"""GitHub gives up after ten seconds, and never tries again by itself."""
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


class Desk:
    """What the route needs: keys to believe by, an inbox to write to, and whom to wake."""

    def __init__(self, keys: KeyRing, inbox: Inbox, wake: Callable[[], None]) -> None:
        self._keys = keys
        self._certificates = certificates()
        self._inbox = inbox
        self._doorway = Doorway(inbox)
        self._wake = wake

    async def answer(self, provider: str, repository: str, request: Request) -> Response:
        """The answer to a message to a provider's address, or to that of one repository there. Raises Declined."""
        if provider not in PROVIDERS:
            raise Declined(404, f"no such provider; known are {', '.join(PROVIDERS)}")
        refuse_unproved(Message(request.scope["headers"]), PROVIDERS[provider])
        message = await read_body(request.scope["headers"], request.stream(), MOST_BYTES)
        told = await self._told(provider, repository, message)
        if isinstance(told, Unconcerning):
            return said(200, told.sentence) if told.greeting else Response(status_code=204, headers=HEADERS)
        # A deleted branch or tag starts nothing, whosever it was.
        pushes = [push for push in told if not (push.deleted and push.ref.startswith("refs/"))]
        return await self._accepted(pushes) if pushes else Response(status_code=204, headers=HEADERS)

    async def _told(self, name: str, repository: str, message: Message) -> tuple[Push, ...] | Unconcerning:
        provider, keys = PROVIDERS[name], await self._keys.of(name)
        if repository:
            keys = keys.of_repository(repository)
        if address := await _aside(message, provider.certificate, message, keys):
            keys = replace(keys, certificate=await self._certificates.of(address))
        told = await _aside(message, event_in, message, keys, provider)
        if not isinstance(told, Unconcerning):
            refuse_foreign(told, keys, repository)
        return told

    async def _accepted(self, pushes: list[Push]) -> Response:
        """202 once the push is on disk; 200, with what came of it, when it was there already."""
        try:
            async with asyncio.timeout(LONGEST_WRITE_SECONDS):
                new = await self._doorway.put(pushes)
                known = [push for push in pushes if key_of(push) not in new]
                before = await asyncio.to_thread(self._inbox.accepted_before, known) if known else []
        except Exception:
            log.exception("A push was not accepted, because it can't be stored")
            raise Declined(503, "the push can't be stored now: send it again") from None
        if new:
            self._wake()
        runs = [push.run_id for push in pushes if key_of(push) in new]
        if not known:
            return said(202, "accepted", runs=runs)
        results = [each for _, result in before for each in result or ()]
        return said(200, "accepted before", runs=[*runs, *(run_id for run_id, _ in before)], results=results)


async def _aside(message: Message, do: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `do` returns; aside from the event loop when that may take longer than changing threads."""
    if len(message.body) < SMALL_BYTES:
        return do(*args, **kwargs)
    return await asyncio.to_thread(do, *args, **kwargs)


def said(status: int, sentence: str, **more: Any) -> Response:
    """An answer that the sender's log of deliveries will show."""
    return JSONResponse({"message": sentence, **more}, status, HEADERS)


def hooks(changed_files: ChangedFiles) -> FastAPI:
    """The application for one api-server process. Airflow runs the lifespans of the applications that it mounts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.desk, dispatcher = await asyncio.to_thread(_opened, changed_files)
        # Whatever Airflow has loaded by now stays: looking through all of it for garbage stops every answer for long.
        gc.freeze()
        dispatcher.begin()
        yield
        await asyncio.to_thread(dispatcher.end)

    return application(lifespan)


def application(lifespan: Any) -> FastAPI:
    """The routes; `lifespan` sets `app.state.desk`."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)

    async def receive(request: Request) -> Response:
        try:
            told = request.path_params
            return await app.state.desk.answer(told["provider"], told.get("repository", ""), request)
        except Declined as declined:
            # The sender's own log has the sentence, and Airflow's access log the status: a flood is not logged twice.
            log.debug("A message was declined with %d: %s", declined.status, declined.sentence)
            return said(declined.status, declined.sentence)
        except ClientDisconnect:
            return said(400, "the connection ended before the body")
        except Exception:
            # Such as a secrets backend that is away. Nothing has been accepted, so the push must come again.
            log.exception("A message could not be looked at")
            return said(503, "the message can't be looked at now: send it again")

    # A plain route: nothing of the request is FastAPI's to convert or to validate.
    app.add_route("/{provider}", receive, methods=["POST"])
    app.add_route("/{provider}/{repository:path}", receive, methods=["POST"])
    return app


def _opened(changed_files: ChangedFiles) -> tuple[Desk, Dispatcher]:
    from airflow import settings

    from airdock.web.hooks.pipelines import Pipelines, folder
    from airdock.web.hooks.runs import start

    assert settings.engine is not None
    inbox = Inbox(settings.engine)
    dispatcher = Dispatcher(inbox, Pipelines(folder()).look, changed_files, start)
    return Desk(KeyRing(airflow_connection), inbox, dispatcher.wake), dispatcher
