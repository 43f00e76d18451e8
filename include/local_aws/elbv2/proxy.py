"""The data plane: takes a request on a listener's port, has a target answer it, and passes the answer on."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from local_aws.elbv2.conditions import Asked
from local_aws.elbv2.counts import Counts
from local_aws.elbv2.routes import FixedResponse, Forward, Redirect, Routes
from local_aws.elbv2.targets import Target, Targets

LOG = logging.getLogger("local_aws.elbv2")
CONNECT_SECONDS = 10.0
POOLED_SECONDS = 30.0
_SMALL_BODY_BYTES = 64 * 1024
_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer"}
    | {"transfer-encoding", "upgrade", "expect"}
)
# A request that may be sent twice when a pooled connection turns out to be closed.
_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_OWN_HEADERS = {"User-Agent", "Accept", "Accept-Encoding", "Content-Type"}
_TITLES = {400: "Bad Request", 502: "Bad Gateway", 503: "Service Temporarily Unavailable", 504: "Gateway Time-out"}


class Upstreams:
    """Connections to the targets.

    Bodiless idempotent requests share a pool, and aiohttp repeats one on a fresh connection when the pooled one was
    closed before an answer began. A request that must not be sent twice gets a connection of its own.
    """

    def __init__(self) -> None:
        pool = aiohttp.TCPConnector(limit=0, keepalive_timeout=POOLED_SECONDS)
        self._pooled = _session(pool)
        self._single = _session(aiohttp.TCPConnector(limit=0, force_close=True))

    def session(self, request: web.BaseRequest) -> aiohttp.ClientSession:
        """The session for a request."""
        repeatable = request.method in _IDEMPOTENT and not request.can_read_body
        return self._pooled if repeatable else self._single

    async def close(self) -> None:
        """Close every connection."""
        await self._pooled.close()
        await self._single.close()


def _session(connector: aiohttp.BaseConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar())


class Proxy:
    """Answers the requests of one listener; `routes` gives its rules as they are now."""

    def __init__(self, routes: Callable[[], Routes], targets: Targets, counts: Counts, upstreams: Upstreams) -> None:
        self._routes = routes
        self._targets = targets
        self._counts = counts
        self._upstreams = upstreams

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        routes = self._routes()
        asked = _asked(request)
        match routes.action(asked):
            case Forward(groups):
                return await self._forward(request, routes, groups.next())
            case FixedResponse(status, content_type, body):
                return web.Response(status=status, body=body.encode(), headers={"Content-Type": content_type})
            case Redirect(status, parts):
                return web.Response(status=status, headers={"Location": location(parts, asked, routes.port)})

    async def _forward(self, request: web.BaseRequest, routes: Routes, group: str | None) -> web.StreamResponse:
        # No await between the choice and the count: a target that drains is done only when nobody counts.
        target = self._targets.pick(group) if group else None
        if group is None or target is None:
            self._counts.refused(routes.load_balancer, 503)
            return error_page(503)
        self._targets.begin(target)
        try:
            return await self._relay(request, routes, target)
        finally:
            self._targets.end(target)

    async def _relay(self, request: web.BaseRequest, routes: Routes, target: Target) -> web.StreamResponse:
        began = time.perf_counter()
        try:
            answer = await self._send(request, routes, target)
        except TimeoutError:
            return self._failed(routes, target, 504)
        except HttpProcessingError:
            return self._failed(routes, target, 400)
        except (aiohttp.ClientError, OSError) as error:
            LOG.info("%s:%s did not answer: %r", target.ip, target.port, error)
            return self._failed(routes, target, 502)
        self._counts.answered(routes.load_balancer, target.group, answer.status, time.perf_counter() - began)
        async with answer:
            return await passed_on(request, answer)

    def _failed(self, routes: Routes, target: Target, status: int) -> web.Response:
        self._counts.failed(routes.load_balancer, target.group, status)
        return error_page(status)

    async def _send(self, request: web.BaseRequest, routes: Routes, target: Target) -> aiohttp.ClientResponse:
        # An absolute request target keeps its path only; the Host header says the rest.
        url = URL(f"http://{target.ip}:{target.port}{_target(request)}", encoded=True)
        return await self._upstreams.session(request).request(
            request.method,
            url,
            headers=forwarded_headers(request.headers, request.remote or "", routes.port),
            data=request.content if request.can_read_body else None,
            allow_redirects=False,
            skip_auto_headers=_OWN_HEADERS,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=routes.idle_seconds),
        )


async def passed_on(request: web.BaseRequest, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    """Pass an answer on, byte by byte as it comes; a small one of known length in one packet."""
    headers = without_hops(answer.headers)
    length = answer.content_length
    if request.method != "HEAD" and length is not None and length <= _SMALL_BODY_BYTES:
        try:
            body = await answer.read()
        except (aiohttp.ClientError, OSError):
            return error_page(502)
        headers.pop("Content-Length", None)
        return web.Response(status=answer.status, reason=answer.reason, headers=headers, body=body)
    response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=headers)
    await response.prepare(request)
    async for chunk in answer.content.iter_any():
        await response.write(chunk)
    await response.write_eof()
    return response


def without_hops(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """A copy of the headers that are meant for the other end: RFC 9110, section 7.6.1."""
    named = {name.strip().lower() for value in headers.getall("Connection", ()) for name in value.split(",")}
    dropped = _HOP_BY_HOP | named
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in dropped)


def forwarded_headers(headers: CIMultiDictProxy[str], client: str, port: int) -> CIMultiDict[str]:
    """The headers for the target: "HTTP headers and Application Load Balancers" of the guide."""
    sent = without_hops(headers)
    sent["X-Forwarded-For"] = ", ".join([*headers.getall("X-Forwarded-For", ()), client])
    sent["X-Forwarded-Proto"] = "http"
    sent["X-Forwarded-Port"] = str(port)
    sent.setdefault("X-Amzn-Trace-Id", f"Root=1-{uuid.uuid4().hex[:8]}-{uuid.uuid4().hex[:24]}")
    return sent


def error_page(status: int) -> web.Response:
    """The balancer's own answer when no target gave one."""
    title = f"{status} {_TITLES[status]}"
    page = f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
    headers = {"Content-Type": "text/html", "Server": "awselb/2.0"}
    return web.Response(status=status, body=f"{page}</body>\r\n</html>\r\n".encode(), headers=headers)


def location(parts: Mapping[str, str], asked: Asked, port: int) -> str:
    """Where a redirect leads, with #{protocol} and its like filled in."""
    host = asked.host.partition(":")[0]
    words = {"protocol": "http", "host": host, "port": str(port), "path": asked.path.lstrip("/"), "query": asked.query}

    def filled(name: str, default: str) -> str:
        return re.sub(r"#\{(\w+)\}", lambda word: words[word[1]], parts.get(name, default))

    place = f"{filled('Protocol', '#{protocol}').lower()}://{filled('Host', '#{host}')}:{filled('Port', '#{port}')}"
    query = filled("Query", "#{query}")
    return f"{place}{filled('Path', '/#{path}')}{'?' if query else ''}{query}"


def _target(request: web.BaseRequest) -> str:
    raw = str(request.message.path)
    return raw if raw.startswith("/") else urlsplit(raw)._replace(scheme="", netloc="").geturl() or "/"


def _asked(request: web.BaseRequest) -> Asked:
    path, _, query = _target(request).partition("?")
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Asked(request.method, headers.get("host", ""), path, query, headers, request.remote or "127.0.0.1")
