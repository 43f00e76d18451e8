"""One listener: takes a request, picks a target group by weight and a target by turn, and passes the answer back."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from aiohttp import ClientConnectionError, ClientSession, ClientTimeout, web
from multidict import CIMultiDict

from local_aws.elbv2.meter import Meter
from local_aws.elbv2.routing import Fixed, Forward
from local_aws.elbv2.targets import Target, Targets
from local_aws.elbv2.weights import SmoothWheel

HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
MOST_TRIES = 3
TIMEOUT = ClientTimeout(total=None, sock_connect=10, sock_read=60)
"""Seconds: an Application Load Balancer connects within 10 and closes an idle connection after 60."""

Decide = Callable[[str, str], Forward | Fixed]


class Listener:
    """The web application behind one listener port."""

    def __init__(self, decide: Decide, targets: Targets, meter: Meter, session: ClientSession) -> None:
        self._decide = decide
        self._targets = targets
        self._meter = meter
        self._session = session
        self._wheel = SmoothWheel()
        self._turn = count()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request as an Application Load Balancer does."""
        decided = self._decide(request.headers.get("Host", ""), request.path)
        if isinstance(decided, Fixed):
            return web.Response(status=decided.status, text=decided.body, content_type=decided.content_type)
        group = self._wheel.pick(decided.weights)
        healthy = self._targets.healthy(group) if group else []
        if group is None or not healthy:
            return _own(503, "Service Temporarily Unavailable")
        begin = next(self._turn) % len(healthy)
        ordered = (healthy[begin:] + healthy[:begin])[:MOST_TRIES]
        answer = await self._forward(request, ordered)
        self._meter.answered(group, answer.status)
        return answer

    async def _forward(self, request: web.Request, ordered: list[Target]) -> web.StreamResponse:
        """Try one target after the other while none has taken the request: a refused connection changed nothing."""
        body = request.content if request.body_exists else None
        for target in ordered:
            self._targets.opened(target, +1)
            try:
                return await self._passed_on(request, target, body)
            except TimeoutError:
                return _own(504, "Gateway Time-out")
            except ClientConnectionError:
                if body is not None:
                    break  # a body can be read but once
            finally:
                self._targets.opened(target, -1)
        return _own(502, "Bad Gateway")

    async def _passed_on(self, request: web.Request, target: Target, body: object) -> web.StreamResponse:
        url = f"http://{target.id}:{target.port}{request.raw_path}"
        sent = self._session.request(
            request.method, url, headers=_onwards(request), data=body, allow_redirects=False, timeout=TIMEOUT
        )
        async with sent as upstream:
            headers = CIMultiDict((name, value) for name, value in upstream.headers.items() if _travels(name))
            answer = web.StreamResponse(status=upstream.status, reason=upstream.reason, headers=headers)
            first = await upstream.content.readany()  # an early end is still somebody else's to try
            await answer.prepare(request)
            while first:
                await answer.write(first)
                first = await upstream.content.readany()
            await answer.write_eof()
            return answer


def _travels(name: str) -> bool:
    return name.lower() not in HOP_BY_HOP


def _onwards(request: web.Request) -> CIMultiDict[str]:
    headers = CIMultiDict((name, value) for name, value in request.headers.items() if _travels(name))
    peer = request.remote or ""
    before = request.headers.get("X-Forwarded-For")
    headers["X-Forwarded-For"] = f"{before}, {peer}" if before else peer
    headers["X-Forwarded-Proto"] = "http"
    headers["X-Forwarded-Port"] = str(request.url.port or 80)
    return headers


def _own(status: int, reason: str) -> web.Response:
    """The page that an Application Load Balancer shows when it has no answer to pass on."""
    heading = f"{status} {reason}"
    page = f"<html><head><title>{heading}</title></head><body><center><h1>{heading}</h1></center></body></html>"
    return web.Response(status=status, text=page, content_type="text/html")
