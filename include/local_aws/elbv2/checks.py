"""The health checks: one coroutine per target, for as long as it is registered."""

from __future__ import annotations

import asyncio
import logging

import aiohttp
from yarl import URL

from local_aws.clock import Clock
from local_aws.elbv2.groups import HealthCheck, group_of, health_check
from local_aws.elbv2.health import DRAINING, TIMED_OUT, UNREACHABLE, Reason, accepts, after_check, wrong_status
from local_aws.elbv2.targets import Key, Target, Targets

LOG = logging.getLogger("local_aws.elbv2")
SHORTEST_INTERVAL_SECONDS = 0.3
# A check's time is spent by a real program, so it is not scaled down with the clock as the pauses are.
LONGEST_TIMEOUT_SECONDS = 3.0


class Checks:
    """Checks every target and tells `targets` what it found."""

    def __init__(self, targets: Targets, clock: Clock) -> None:
        self._targets = targets
        self._clock = clock
        self._running: dict[Key, asyncio.Task[None]] = {}

    def watch(self, target: Target) -> None:
        """Begin to check a target, if it is not checked yet."""
        task = self._running.get(target.key)
        if task is None or task.done():
            self._running[target.key] = asyncio.create_task(self._check_often(target.key))

    def forget(self, key: Key) -> None:
        """Check a target no longer."""
        task = self._running.pop(key, None)
        if task:
            task.cancel()

    async def _check_often(self, key: Key) -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
            while (group := group_of(key[0])) and (target := self._targets.find(key)):
                if target.health.state == DRAINING:
                    return
                check = health_check(group)
                if check.enabled:
                    self._take(key, await failure(session, target, check), check)
                await asyncio.sleep(self._clock.seconds(check.interval_seconds, SHORTEST_INTERVAL_SECONDS))

    def _take(self, key: Key, found: Reason | None, check: HealthCheck) -> None:
        target = self._targets.find(key)
        if target is None:
            return
        health = after_check(target.health, found, check.thresholds)
        if health.state != target.health.state:
            LOG.info("target %s:%s is %s%s", target.ip, target.port, health.state, f" ({found.text})" if found else "")
        self._targets.set_health(key, health)


async def failure(session: aiohttp.ClientSession, target: Target, check: HealthCheck) -> Reason | None:
    """Check once: why the target failed, None when it passed."""
    port = target.port if check.port == "traffic-port" else int(check.port)
    url = URL(f"http://{target.ip}:{port}{check.path}", encoded=True)
    timeout = aiohttp.ClientTimeout(total=min(check.timeout_seconds, LONGEST_TIMEOUT_SECONDS))
    headers = {"User-Agent": "ELB-HealthChecker/2.0"}
    try:
        async with session.get(url, timeout=timeout, headers=headers, allow_redirects=False) as answer:
            return None if accepts(check.matcher, answer.status) else wrong_status(answer.status)
    except TimeoutError:
        return TIMED_OUT
    except (aiohttp.ClientError, OSError):
        return UNREACHABLE
