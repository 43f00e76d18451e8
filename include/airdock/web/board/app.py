"""The web application of the board: its page, and what the page asks, for signed-in users only."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool

from airdock.errors import Fault
from airdock.web.board import freeze
from airdock.web.board.between import AskGit, Between
from airdock.web.board.comparing import Comparing
from airdock.web.board.desk import Desk
from airdock.web.board.details import Details
from airdock.web.board.measuring import Measuring
from airdock.web.board.users import User, airflow_account, may_freeze, with_rights

STATIC = Path(__file__).parent / "static"
FILES = StaticFiles(directory=STATIC)
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; object-src 'none'; "
    "frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}


async def signed_in(request: Request) -> User:
    """The user who asks. Raises HTTPException with 401 or 403."""
    return await run_in_threadpool(with_rights, await airflow_account(request))


Asker = Annotated[User, Depends(signed_in)]
Days = Annotated[int, Query(ge=1, le=365)]


def board(commits_between: AskGit) -> FastAPI:
    """The application for one api-server process."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.desk, app.state.details = await run_in_threadpool(_opened)
        between = Between(commits_between)
        app.state.comparing = _comparing(app.state.desk, between)
        app.state.measuring = _measuring(app.state.desk)
        # Reading everything takes seconds: the api-server need not wait for it, and the first user waits less.
        threading.Thread(target=app.state.desk.read_ahead, name="airdock-board", daemon=True).start()
        yield
        between.end()

    return application(lifespan)


def application(lifespan: Any) -> FastAPI:
    """The routes; `lifespan` sets `desk`, `details`, `comparing` and `measuring` of `app.state`."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.middleware("http")(_guarded)
    app.exception_handler(Fault)(_at_fault)
    app.exception_handler(RequestValidationError)(_not_understood)
    app.get("/")(_page)
    app.get("/static/{name:path}")(_static)
    app.get("/api/overview")(_overview)
    app.get("/api/measures")(_measures)
    app.get("/api/deliveries/{dag_id}/{run_id:path}")(_delivery)
    app.get("/api/releases/{application}")(_releases)
    app.get("/api/ways-back/{application}")(_ways_back)
    app.get("/api/compare/{application}")(_compare)
    app.get("/api/approvals")(_approvals)
    app.post("/api/freeze")(_freeze)
    return app


async def _guarded(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
    """The page's own headers on every answer, and nothing changed by another site."""
    answer = _refused(request) or await go_on(request)
    answer.headers.update(HEADERS)
    return answer


def _refused(request: Request) -> Response | None:
    """A body that a form of another site could send is not taken, nor a request that a browser says comes from one.

    The cookie of the session is SameSite=Lax; a browser that knows nothing of that still can't send JSON unasked.
    """
    if request.method in ("GET", "HEAD"):
        return None
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        return JSONResponse({"detail": "Send JSON, as application/json."}, 415)
    if not _own_site(request):
        return JSONResponse({"detail": "Another site can't do this."}, 403)
    return None


def _own_site(request: Request) -> bool:
    """By Sec-Fetch-Site, which browsers send where the page came over HTTPS, else by Origin; scripts send neither.

    A proxy may have rewritten the host: then it is that of Airflow's own `[api] base_url`.
    """
    if site := request.headers.get("Sec-Fetch-Site"):
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc in (request.headers.get("Host", "-"), _public_host())


def _public_host() -> str:
    from airflow.configuration import conf

    return urlsplit(conf.get("api", "base_url", fallback="")).netloc or "-"


async def _page(request: Request) -> Response:
    """The page itself; who is not signed in is sent to Airflow's own login, and comes back."""
    try:
        await airflow_account(request)
    except HTTPException:
        return RedirectResponse(f"../auth/login?next={quote(request.url.path, safe='')}", 302)
    return FileResponse(STATIC / "index.html")


async def _static(request: Request, name: str) -> Response:
    """A file of the page, for signed-in users as everything else."""
    await airflow_account(request)
    return await FILES.get_response(name, request.scope)


def _at_fault(_: Request, fault: Any) -> Response:
    return JSONResponse({"detail": fault.sentence}, 503)


def _not_understood(_: Request, error: Any) -> Response:
    """One sentence of what is wrong where, without what was sent."""
    told = "; ".join(f"{'.'.join(str(part) for part in each['loc'][1:])}: {each['msg']}" for each in error.errors())
    return JSONResponse({"detail": told}, 422)


def _overview(request: Request, user: Asker) -> Response:
    told = request.app.state.desk.overview(user, may_freeze(user))
    headers = {"ETag": told.tag, "Vary": "Accept-Encoding"}
    if told.tag in request.headers.get("If-None-Match", ""):
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        # Packed once for all who ask; Airflow's own middleware would pack it for each.
        return Response(told.packed, headers={**headers, "Content-Encoding": "gzip"}, media_type="application/json")
    return Response(told.body, headers=headers, media_type="application/json")


def _measures(request: Request, user: Asker, days: Days = 30, application: str = "") -> dict[str, Any]:
    return dict(request.app.state.measuring.answer(user, days, application))


def _delivery(request: Request, dag_id: str, run_id: str, user: Asker) -> Response:
    return _unless_known(request, request.app.state.details.delivery(user, dag_id, run_id))


def _releases(request: Request, application: str, user: Asker) -> Response:
    return _unless_known(request, request.app.state.details.releases(user, application))


def _ways_back(request: Request, application: str, user: Asker) -> dict[str, Any]:
    return dict(request.app.state.details.ways_back(user, application))


async def _compare(
    request: Request,
    application: str,
    user: Asker,
    older: Annotated[str, Query(alias="from")],
    newer: Annotated[str, Query(alias="to")],
) -> dict[str, Any]:
    return dict(await request.app.state.comparing.answer(user, application, older, newer))


def _approvals(request: Request, user: Asker) -> Response:
    return _unless_known(request, request.app.state.details.approvals(user))


def _freeze(wanted: freeze.Freeze, user: Asker) -> dict[str, Any]:
    if not may_freeze(user):
        raise HTTPException(403, "Only who may change Airflow's variables may stop the line or let it run.")
    return {"frozen": freeze.change(wanted, user.id)}


def _unless_known(request: Request, told: Any) -> Response:
    """The answer, or 304 where the asker has the same one."""
    tag = f'W/"{hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:24]}"'
    if tag in request.headers.get("If-None-Match", ""):
        return Response(status_code=304, headers={"ETag": tag})
    return JSONResponse(told, headers={"ETag": tag})


def _opened() -> tuple[Desk, Details]:
    from airflow.utils.session import create_session

    from airdock.web.board import database
    from airdock.web.board.ledger import Ledger, Row
    from airdock.web.hooks.pipelines import Pipelines, folder

    def rows(since: Any) -> list[Row]:
        with create_session() as session:
            return list(database.ledger_rows(session, since))

    def unfinished() -> Any:
        with create_session() as session:
            return database.unfinished(session), database.drift(session)

    desk = Desk(Pipelines(folder()).now, Ledger(rows), unfinished, freeze.frozen)
    return desk, Details(desk, create_session)


def _measuring(desk: Desk) -> Measuring:
    from airflow.utils.session import create_session

    from airdock.web.board.measuring import Durations, durations

    def asked(dag_id: str) -> Durations:
        with create_session() as session:
            return durations(session, dag_id)

    return Measuring(desk.pipelines, desk.ledger, asked)


def _comparing(desk: Desk, between: Between) -> Comparing:
    from airflow.utils.session import create_session

    return Comparing(desk, create_session, between)
