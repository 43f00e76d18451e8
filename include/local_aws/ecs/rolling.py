"""How many tasks a rolling deployment may start and stop: "Deploy Amazon ECS services by replacing tasks"."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Side:
    """The tasks of the new or of the old deployments: those not stopping, and how many of them are healthy."""

    alive: int
    ready: int


@dataclass(frozen=True)
class Limits:
    """The deployment configuration; percentages of the desired count."""

    minimum_healthy_percent: int = 100
    maximum_percent: int = 200

    def fewest(self, desired: int) -> int:
        """How many healthy tasks must stay; rounded up."""
        return math.ceil(desired * self.minimum_healthy_percent / 100)

    def most(self, desired: int) -> int:
        """How many tasks there may be; rounded down."""
        return math.floor(desired * self.maximum_percent / 100)


def step(desired: int, limits: Limits, new: Side, old: Side) -> tuple[int, int]:
    """How many new tasks to start, and how many old ones to stop, now."""
    start = max(0, min(desired - new.alive, limits.most(desired) - new.alive - old.alive))
    # Old tasks that are not healthy serve nobody: stopping them takes nothing away.
    spare = max(0, new.ready + old.ready - limits.fewest(desired))
    stop = min(old.alive, (old.alive - old.ready) + spare)
    return start, stop
