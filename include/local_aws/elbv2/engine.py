"""The balancer's thread: one event loop with a server for each listener, the health checks, and the metrics."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, web
from moto.elbv2.models import elbv2_backends

from local_aws.elbv2.health import DRAINING, FAILED, TIMEOUT, WRONG_ANSWER, Thresholds
from local_aws.elbv2.meter import Meter, dimension
from local_aws.elbv2.proxy import Listener
from local_aws.elbv2.routing import Fixed, Forward, decide
from local_aws.elbv2.targets import Target, Targets, targets
from local_aws.world import World

TICK_SECONDS = 0.1
FLUSH_SECONDS = 0.5
FASTEST_CHECK_SECONDS = 0.3
QUIET_SECONDS = 0.3
"""A draining target with no open request goes after this long; a balancer does not wait out its whole delay for it."""


def start(world: World) -> None:
    """Open the ports of all listeners, now and as they come and go."""
    balancer = Balancer(world, targets(world))
    world.threads.spawn("elbv2", lambda: asyncio.run(balancer.run()))


class Balancer:
    """All listeners of the local AWS."""

    def __init__(self, world: World, known: Targets) -> None:
        self._world = world
        self._targets = known
        self._servers: dict[str, web.AppRunner] = {}
        self._meters: dict[str, Meter] = {}
        self._due: dict[str, float] = {}
        self._checks: set[asyncio.Task[None]] = set()
        self._flushed = 0.0

    async def run(self) -> None:
        # A fresh connection for each request: a kept one may be closed by its target at the very moment of use.
        async with ClientSession(connector=TCPConnector(limit=0, force_close=True), auto_decompress=False) as session:
            while not self._world.threads.stopping.is_set():
                await self._open_and_close(session)
                self._check(session)
                self._finish_drained()
                self._flush()
                await asyncio.sleep(TICK_SECONDS)
            for server in self._servers.values():
                await server.cleanup()

    async def _open_and_close(self, session: ClientSession) -> None:
        wanted = _listeners(self._world)
        for arn in self._servers.keys() - wanted.keys():
            await self._servers.pop(arn).cleanup()
        for arn in wanted.keys() - self._servers.keys():
            self._servers[arn] = await self._opened(arn, wanted[arn], session)

    async def _opened(self, arn: str, listener: Any, session: ClientSession) -> web.AppRunner:
        meter = self._meters.setdefault(listener.load_balancer_arn, Meter(dimension(listener.load_balancer_arn)))
        application = web.Application(client_max_size=0)
        behaviour = Listener(self._decider(arn), self._targets, meter, session)
        application.router.add_route("*", "/{path:.*}", behaviour.answer)
        runner = web.AppRunner(application, access_log=None, keepalive_timeout=60)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._world.settings.bind, int(listener.port)).start()
        except OSError as error:
            self._world.log.error("the listener %s can't open port %s: %s", arn, listener.port, error)
        return runner

    def _decider(self, arn: str) -> Any:
        """Reads the listener anew for each request: changed weights count from the next one on."""

        def decided(host: str, path: str) -> Forward | Fixed:
            listener = _listeners(self._world).get(arn)
            if listener is None:
                return Fixed(503, "text/plain", "the listener is gone")
            return decide(list(listener.rules.values()), host, path)

        return decided

    def _check(self, session: ClientSession) -> None:
        now, groups = time.monotonic(), _groups(self._world)
        for target in self._targets.all():
            group = groups.get(target.group)
            if group is None or target.health.state == DRAINING or self._due.get(target.key, 0) > now:
                continue
            interval = float(group.health_check_interval_seconds)
            self._due[target.key] = now + self._world.clock.seconds(interval, FASTEST_CHECK_SECONDS)
            check = asyncio.create_task(self._checked(session, group, target))
            self._checks.add(check)
            check.add_done_callback(self._checks.discard)

    async def _checked(self, session: ClientSession, group: Any, target: Target) -> None:
        thresholds = Thresholds(int(group.healthy_threshold_count), int(group.unhealthy_threshold_count))
        failure = await _failure(session, group, target)
        self._targets.checked(target, target.health.after(failure, thresholds))

    def _finish_drained(self) -> None:
        groups = _groups(self._world)
        for target in self._targets.all():
            if target.health.state == DRAINING and self._drained(target, groups.get(target.group)):
                self._targets.finish(target)
                self._world.effects.record(
                    "elbv2", "target_drained", "elbv2", {"targetGroup": target.group, "target": target.id}
                )

    def _drained(self, target: Target, group: Any) -> bool:
        if group is None:
            return True
        delay = float(group.attributes["deregistration_delay.timeout_seconds"])
        waited = time.time() - target.since
        idle = waited >= QUIET_SECONDS and not self._targets.is_busy(target)
        return idle or waited >= self._world.clock.seconds(delay, QUIET_SECONDS)

    def _flush(self) -> None:
        if time.monotonic() - self._flushed >= FLUSH_SECONDS:
            self._flushed = time.monotonic()
            for meter in self._meters.values():
                meter.flush()


async def _failure(session: ClientSession, group: Any, target: Target) -> tuple[str, str] | None:
    """Why a health check failed, in the balancer's words; None when it was good."""
    asked = group.health_check_port
    port = target.port if asked in (None, "traffic-port") else int(asked)
    timeout = ClientTimeout(total=float(group.health_check_timeout_seconds))
    url = f"http://{target.id}:{port}{group.health_check_path or '/'}"
    try:
        async with session.get(url, timeout=timeout, allow_redirects=False) as answer:
            status = answer.status
    except TimeoutError:
        return TIMEOUT, "Request timed out"
    except (ClientError, OSError):
        return FAILED, "Health checks failed"
    if _matches(str((group.matcher or {}).get("HttpCode", "200")), status):
        return None
    return WRONG_ANSWER, f"Health checks failed with these codes: [{status}]"


def _matches(matcher: str, status: int) -> bool:
    """`200`, `200,204` or `200-299`."""
    ranges = (part.partition("-") for part in matcher.split(","))
    return any(int(low) <= status <= int(high or low) for low, _, high in ranges)


def _backends(world: World) -> list[Any]:
    return list(elbv2_backends[world.settings.account].values())


def _listeners(world: World) -> dict[str, Any]:
    return {
        arn: listener
        for backend in _backends(world)
        for balancer in list(backend.load_balancers.values())
        for arn, listener in list(balancer.listeners.items())
    }


def _groups(world: World) -> dict[str, Any]:
    return {arn: group for backend in _backends(world) for arn, group in list(backend.target_groups.items())}
