"""The registered targets: who they are, how they are, how many requests they hold."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from local_aws.elbv2.health import DEREGISTERING, DRAINING, HEALTHY, UNHEALTHY, Health, Reason
from local_aws.store import Store

KIND = "elbv2_target"
Key = tuple[str, str, int]


@dataclass(frozen=True)
class Target:
    """One (address, port) in a target group; `draining_until` is epoch seconds, 0 while it is registered."""

    group: str
    ip: str
    port: int
    health: Health = field(default_factory=Health)
    draining_until: float = 0.0

    @property
    def key(self) -> Key:
        """What tells it from every other target."""
        return self.group, self.ip, self.port


class Targets:
    """All targets, written through to the store.

    Changed by the balancer's event loop alone. Groups are tuples that are replaced, never edited: whoever took one
    has a snapshot, in any thread.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._groups: dict[str, tuple[Target, ...]] = {}
        self._turn: dict[str, int] = {}
        self._in_flight: dict[Key, int] = {}
        for document in store.all(KIND):
            self._place(_read(document))

    def of(self, group: str) -> tuple[Target, ...]:
        """A snapshot of a target group."""
        return self._groups.get(group, ())

    def all(self) -> list[Target]:
        """A snapshot of everything."""
        return [target for group in list(self._groups.values()) for target in group]

    def find(self, key: Key) -> Target | None:
        """The target as it is now."""
        return next((target for target in self.of(key[0]) if target.key == key), None)

    def put(self, target: Target) -> None:
        """Add a target, or replace it."""
        self._store.put(KIND, _name(target.key), asdict(target))
        self._place(target)

    def set_health(self, key: Key, health: Health) -> None:
        """Take over a new health; only a changed state is worth a write."""
        target = self.find(key)
        if target is None or target.health.state == DRAINING:
            return
        changed = replace(target, health=health)
        if health.state == target.health.state:
            self._place(changed)
        else:
            self.put(changed)

    def drain(self, key: Key, until: float) -> Target | None:
        """Give a target no new requests; returns it, None when it was not registered."""
        target = self.find(key)
        if target is None or target.health.state == DRAINING:
            return target
        self.put(replace(target, health=Health(DRAINING, DEREGISTERING), draining_until=until))
        return self.find(key)

    def remove(self, key: Key) -> None:
        """Forget a target."""
        self._store.delete(KIND, _name(key))
        self._groups[key[0]] = tuple(target for target in self.of(key[0]) if target.key != key)
        self._in_flight.pop(key, None)

    def pick(self, group: str) -> Target | None:
        """The next target for a request: a healthy one in turn; when all have failed, any of them as an ALB does."""
        snapshot = self.of(group)
        able = [target for target in snapshot if target.health.state == HEALTHY]
        able = able or [target for target in snapshot if target.health.state == UNHEALTHY]
        if not able:
            return None
        self._turn[group] = turn = self._turn.get(group, -1) + 1
        return able[turn % len(able)]

    def begin(self, target: Target) -> None:
        """Count a request in."""
        self._in_flight[target.key] = self._in_flight.get(target.key, 0) + 1

    def end(self, target: Target) -> None:
        """Count a request out."""
        if target.key in self._in_flight:
            self._in_flight[target.key] -= 1

    def idle(self, key: Key) -> bool:
        """Whether no request is under way to the target."""
        return not self._in_flight.get(key)

    def _place(self, target: Target) -> None:
        others = self.of(target.group)
        if any(other.key == target.key for other in others):
            placed = tuple(target if other.key == target.key else other for other in others)
        else:
            placed = (*others, target)
        self._groups[target.group] = placed


def states_of_all(store: Store) -> dict[Key, str]:
    """How all targets are, as DescribeTargetHealth tells: for who looks at hundreds of groups again and again."""
    return {target.key: target.health.state for target in map(_read, store.all(KIND))}


def _name(key: Key) -> str:
    return "|".join(map(str, key))


def _read(document: dict[str, Any]) -> Target:
    health = document["health"]
    reason = Reason(**health["reason"]) if health["reason"] else None
    return Target(**{**document, "health": Health(**{**health, "reason": reason})})
