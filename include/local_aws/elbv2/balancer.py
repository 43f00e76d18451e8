"""The balancer: one event loop in a thread, which owns listeners, targets, checks and counts."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from aiohttp import web

from local_aws.cloudwatch import put
from local_aws.elbv2.checks import Checks
from local_aws.elbv2.counts import Counts, put_host_counts
from local_aws.elbv2.groups import balancers_by_group, drain_seconds, group_of, listeners
from local_aws.elbv2.health import DRAINING
from local_aws.elbv2.proxy import Proxy, Upstreams
from local_aws.elbv2.routes import Routes, UnsupportedActionError, compiled
from local_aws.elbv2.targets import Key, Target, Targets
from local_aws.world import World

LOG = logging.getLogger("local_aws.elbv2")
FLUSH_SECONDS = 0.5
SHORTEST_DRAIN_SECONDS = 5.0
"""Requests are as slow as the machine, not as the clock: those under way are waited for at least so long."""
DRAIN_LOOK_SECONDS = 0.05
# How long a listener that closes waits for the answers under way.
LAST_ANSWER_SECONDS = 1.0
Result = TypeVar("Result")


class PortTakenError(Exception):
    """A listener's port is in use on this host."""


class Balancer:
    """All load balancers of a world. Public methods may be called from any thread, and return once it is done."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.targets = Targets(world.store)
        self._loop = asyncio.new_event_loop()
        self._routes: dict[str, Routes] = {}
        self._sites: dict[str, web.ServerRunner] = {}
        world.threads.spawn("balancer", self._run)
        self._wait_for(self._begin())

    def open(self, arn: str, port: int) -> None:
        """Listen for a listener whose rules follow with `refresh`.

        Raises PortTakenError.
        """
        self._wait_for(self._open(arn, port))

    def close(self, arn: str) -> None:
        """Stop listening."""
        self._wait_for(self._close(arn))

    def refresh(self) -> None:
        """Take over the rules as the control plane has them now."""
        self._wait_for(self._refresh())

    def register(self, targets: Iterable[Target]) -> None:
        """Add targets and begin to check them; one that drains comes back."""
        self._wait_for(self._register(list(targets)))

    def deregister(self, keys: Iterable[Key]) -> None:
        """Give targets no new requests, and forget each once its last request is answered."""
        self._wait_for(self._deregister(list(keys)))

    def forget_group(self, group: str) -> None:
        """Forget the targets of a deleted group."""
        self._wait_for(self._forget(group))

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.run_until_complete(self._end())

    def _wait_for(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=30)

    async def _begin(self) -> None:
        self._checks = Checks(self.targets, self._world.clock)
        self._counts = Counts()
        self._upstreams = Upstreams()
        # The loop keeps weak references only.
        self._drains: set[asyncio.Task[None]] = set()
        self._flushing = asyncio.create_task(self._flush_often())
        for target in self.targets.all():
            self._take_up(target)

    def _take_up(self, target: Target) -> None:
        if target.health.state != DRAINING:
            self._checks.watch(target)
            return
        task = asyncio.create_task(self._drain(target.key))
        self._drains.add(task)
        task.add_done_callback(self._drains.discard)

    async def _open(self, arn: str, port: int) -> None:
        bound = self._bound(port)
        proxy = Proxy(lambda: self._routes[arn], self.targets, self._counts, self._upstreams)
        runner = web.ServerRunner(
            web.Server(proxy.answer, access_log=None, keepalive_timeout=60.0), shutdown_timeout=LAST_ANSWER_SECONDS
        )
        await runner.setup()
        await web.SockSite(runner, bound, backlog=512).start()
        self._sites[arn] = runner

    def _bound(self, port: int) -> socket.socket:
        try:
            return socket.create_server((self._world.settings.bind, port), backlog=512)
        except OSError as error:
            bind = self._world.settings.bind
            raise PortTakenError(f"the local balancer cannot listen on {bind}:{port}: {error.strerror}") from error

    async def _close(self, arn: str) -> None:
        runner = self._sites.pop(arn, None)
        self._routes.pop(arn, None)
        if runner:
            await runner.cleanup()

    async def _refresh(self) -> None:
        for balancer, listener in listeners(self._world.settings.account):
            try:
                self._routes[listener.arn] = compiled(balancer, listener)
            except UnsupportedActionError:
                LOG.exception("the rules of %s stay as they were", listener.arn)

    async def _register(self, targets: list[Target]) -> None:
        for target in targets:
            known = self.targets.find(target.key)
            if known is None or known.health.state == DRAINING:
                self.targets.put(target)
                self._checks.forget(target.key)
                self._checks.watch(target)

    async def _deregister(self, keys: list[Key]) -> None:
        for key in keys:
            group = group_of(key[0])
            delay = max(self._world.clock.seconds(drain_seconds(group) if group else 0), SHORTEST_DRAIN_SECONDS)
            target = self.targets.drain(key, self._world.clock.now().timestamp() + delay)
            self._checks.forget(key)
            if target:
                self._take_up(target)

    async def _drain(self, key: Key) -> None:
        while (target := self.targets.find(key)) and target.health.state == DRAINING:
            if self.targets.idle(key) or self._world.clock.now().timestamp() >= target.draining_until:
                self.targets.remove(key)
                self._world.threads.wakeups.notify()
                return
            await asyncio.sleep(DRAIN_LOOK_SECONDS)

    async def _forget(self, group: str) -> None:
        for target in self.targets.of(group):
            self._checks.forget(target.key)
            self.targets.remove(target.key)

    async def _flush_often(self) -> None:
        while not self._world.threads.stopping.is_set():
            await asyncio.sleep(FLUSH_SECONDS)
            self._counts.flush(put)
            put_host_counts(put, balancers_by_group(self._world.settings.account), self.targets.all())
        self._loop.stop()

    async def _end(self) -> None:
        for runner in self._sites.values():
            await runner.cleanup()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._upstreams.close()


_by_world: WeakKeyDictionary[World, Balancer] = WeakKeyDictionary()
_beginning = threading.Lock()


def balancer_of(world: World) -> Balancer:
    """The balancer of a world, begun at the first use."""
    with _beginning:
        if world not in _by_world:
            _by_world[world] = Balancer(world)
        return _by_world[world]


def resume(world: World) -> None:
    """Listen again on every listener's port, and keep trying where a port is still taken."""
    balancer = balancer_of(world)
    waiting = {listener.arn: int(listener.port) for _, listener in listeners(world.settings.account)}
    balancer.refresh()
    while waiting and not world.threads.stopping.is_set():
        waiting = {arn: port for arn, port in waiting.items() if not _opened(balancer.open, arn, port)}
        if waiting:
            world.threads.wakeups.wait(1.0)


def _opened(open_port: Callable[[str, int], None], arn: str, port: int) -> bool:
    try:
        open_port(arn, port)
    except PortTakenError as taken:
        LOG.warning("%s; trying again", taken)
        return False
    return True
