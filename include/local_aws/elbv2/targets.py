"""The registered targets and their health: in memory for the balancer, written through to the store."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from weakref import WeakKeyDictionary

from local_aws.elbv2.health import DRAINING, HEALTHY, Health
from local_aws.world import World, world

KIND = "elbv2.target"


@dataclass(frozen=True)
class Target:
    """One address behind a target group; `since` is when it began to drain, in epoch seconds."""

    group: str
    id: str
    port: int
    health: Health = field(default_factory=Health)
    since: float = 0.0

    @property
    def key(self) -> str:
        return f"{self.group}|{self.id}|{self.port}"

    @classmethod
    def of(cls, document: dict[str, Any]) -> Target:
        return cls(**{**document, "health": Health(**document["health"])})


class Targets:
    """All targets of a world; the methods may be called from any thread."""

    def __init__(self, of: World) -> None:
        self._world = of
        self._lock = threading.Lock()
        self._known = {target.key: target for target in map(Target.of, of.store.all(KIND))}
        self._open: dict[str, int] = {}

    def register(self, group: str, target_id: str, port: int) -> None:
        """Add a target, or bring one back that drains."""
        with self._lock:
            target = Target(group, target_id, port)
            known = self._known.get(target.key)
            if known is None or known.health.state == DRAINING:
                self._write(target)

    def drain(self, group: str, target_id: str, port: int) -> None:
        """Send it nothing new; `finish` takes it away once its open requests have ended."""
        with self._lock:
            known = self._known.get(Target(group, target_id, port).key)
            if known and known.health.state != DRAINING:
                self._write(replace(known, health=known.health.draining(), since=time.time()))

    def finish(self, target: Target) -> None:
        with self._lock:
            self._known.pop(target.key, None)
            self._world.store.delete(KIND, target.key)

    def checked(self, target: Target, health: Health) -> None:
        """Keep what a health check found, unless the target drains or is gone meanwhile."""
        with self._lock:
            known = self._known.get(target.key)
            if known and known.health.state != DRAINING and known.health != health:
                self._write(replace(known, health=health))

    def all(self) -> list[Target]:
        with self._lock:
            return list(self._known.values())

    def of_group(self, group: str) -> list[Target]:
        return [target for target in self.all() if target.group == group]

    def healthy(self, group: str) -> list[Target]:
        return [target for target in self.of_group(group) if target.health.state == HEALTHY]

    def opened(self, target: Target, change: int) -> None:
        """Count a request that begins (+1) or ends (-1)."""
        with self._lock:
            self._open[target.key] = self._open.get(target.key, 0) + change

    def is_busy(self, target: Target) -> bool:
        with self._lock:
            return self._open.get(target.key, 0) > 0

    def _write(self, target: Target) -> None:
        self._world.store.put(KIND, target.key, asdict(target))
        self._known[target.key] = target


_by_world: WeakKeyDictionary[World, Targets] = WeakKeyDictionary()
_opening = threading.Lock()


def targets(of: World | None = None) -> Targets:
    """The targets of a world, read from its store at the first use."""
    current = of or world()
    with _opening:
        if current not in _by_world:
            _by_world[current] = Targets(current)
        return _by_world[current]
