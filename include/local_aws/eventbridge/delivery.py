"""Brings what rules owe to their targets, again and again until it arrives or is given up."""

from __future__ import annotations

import json
import threading
from typing import Any

from local_aws.eventbridge.targets import CannotDeliverError, deliver, send_to_queue
from local_aws.events import OWED
from local_aws.world import World

Owed = dict[str, Any]

# EventBridge goes on for 24 hours, up to 185 times; nobody who tries something out waits for that.
_MOST_ATTEMPTS = 8
_FIRST_PAUSE_SECONDS = 0.25


def start(world: World) -> None:
    """Deliver for ever, beginning with what an earlier life of the process left owed."""
    world.threads.spawn("event delivery", Deliveries(world).run)


class Deliveries:
    """One thread per delivery under way, so that a slow endpoint holds up nobody else."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._under_way: set[str] = set()
        self._lock = threading.Lock()

    def run(self) -> None:
        """Start what is owed and not under way, whenever something changes."""
        stopping = self._world.threads.stopping
        while not stopping.is_set():
            for owed in self._waiting():
                self._begin(owed)
            self._world.clock.wait(1.0, until=lambda: bool(self._waiting()))

    def _waiting(self) -> list[Owed]:
        with self._lock:
            return [owed for owed in self._world.store.all(OWED) if owed["key"] not in self._under_way]

    def _begin(self, owed: Owed) -> None:
        with self._lock:
            self._under_way.add(owed["key"])
        if ":api-destination/" in owed["target"]["Arn"]:
            self._world.threads.spawn("event to HTTP endpoint", self._bring, owed)
        else:
            self._bring(owed)

    def _bring(self, owed: Owed) -> None:
        pause_seconds = _FIRST_PAUSE_SECONDS
        while not self._world.threads.stopping.is_set():
            try:
                deliver(self._world, owed["target"], owed["event"])
                break
            except CannotDeliverError as refused:
                owed["attempts"] += 1
                if refused.final or owed["attempts"] >= _most_attempts(owed):
                    self._give_up(owed, str(refused))
                    break
                self._world.store.put(OWED, owed["key"], owed)
                self._world.clock.wait(pause_seconds)
                pause_seconds *= 2
        else:
            return
        self._world.store.delete(OWED, owed["key"])
        with self._lock:
            self._under_way.discard(owed["key"])

    def _give_up(self, owed: Owed, reason: str) -> None:
        target = owed["target"]
        dead_letters = target.get("DeadLetterConfig", {}).get("Arn")
        if dead_letters:
            send_to_queue(self._world, dead_letters, json.dumps(owed["event"]), "events")
        params = {"rule": owed["rule"], "target": target["Arn"], "event": owed["event"]}
        self._world.effects.record("events", "event_given_up", "events", params, error=reason)


def _most_attempts(owed: Owed) -> int:
    asked = owed["target"].get("RetryPolicy", {}).get("MaximumRetryAttempts")
    return _MOST_ATTEMPTS if asked is None else min(_MOST_ATTEMPTS, int(asked) + 1)
