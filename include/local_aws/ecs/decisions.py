"""What a service needs next, decided from what is: no side effects here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from local_aws.ecs.rolling import Limits, Side, step


@dataclass(frozen=True)
class Seen:
    """One task of a service that is not stopped. `failing` is why it must be replaced, None when nothing speaks so."""

    arn: str
    owner: str
    ready: bool
    stopping: bool = False
    failing: str | None = None

    @property
    def alive(self) -> bool:
        """Whether it counts: neither on its way out nor to be replaced."""
        return not self.stopping and self.failing is None


@dataclass(frozen=True)
class Owner:
    """A deployment or a task set: it wants this many tasks of its task definition."""

    id: str
    desired: int
    noun: str = "deployment"

    @property
    def scaling_reason(self) -> str:
        """ECS's reason for a task stopped because fewer are wanted."""
        return f"Scaling activity initiated by ({self.noun} {self.id})"


@dataclass(frozen=True)
class Moves:
    """How many tasks to start for whom, and which to stop for what reason."""

    start: Mapping[str, int]
    stop: Mapping[str, str]


def scaled(desired: int, percent: float) -> int:
    """A task set's computed desired count, rounded up."""
    return math.ceil(desired * percent / 100)


def steady(owner: Owner, tasks: Sequence[Seen]) -> bool:
    """Whether an owner has exactly the tasks it wants, all of them healthy."""
    own = [task for task in tasks if task.owner == owner.id]
    return len(own) == owner.desired and all(task.ready and task.alive for task in own)


def side_by_side(owners: Sequence[Owner], tasks: Sequence[Seen]) -> Moves:
    """Each owner has its own scale; tasks of an owner that is gone are stopped."""
    start: dict[str, int] = {}
    stop = _replaced(tasks)
    for owner in owners:
        alive = [task for task in tasks if task.owner == owner.id and task.alive]
        start[owner.id] = max(0, owner.desired - len(alive))
        stop |= dict.fromkeys(_surplus(alive, len(alive) - owner.desired), owner.scaling_reason)
    known = {owner.id for owner in owners}
    orphans = [task.arn for task in tasks if task.owner not in known and not task.stopping]
    return Moves(start, stop | dict.fromkeys(orphans, "Task set was deleted"))


def one_after_the_other(owners: Sequence[Owner], tasks: Sequence[Seen], limits: Limits) -> Moves:
    """For a rolling deployment: the first owner replaces the others."""
    newest = owners[0]
    new = [task for task in tasks if task.owner == newest.id and task.alive]
    old = [task for task in tasks if task.owner != newest.id and task.alive]
    start, count = step(newest.desired, limits, _side(new), _side(old))
    gone = [*_surplus(new, len(new) - newest.desired), *_surplus(old, count)]
    return Moves({newest.id: start}, _replaced(tasks) | dict.fromkeys(gone, newest.scaling_reason))


def only_replacing(tasks: Sequence[Seen]) -> Moves:
    """For a deployment that has failed: nothing is started, and nothing that serves is stopped."""
    return Moves({}, _replaced(tasks))


def _replaced(tasks: Sequence[Seen]) -> dict[str, str]:
    return {task.arn: task.failing for task in tasks if task.failing is not None and not task.stopping}


def _side(tasks: Sequence[Seen]) -> Side:
    return Side(len(tasks), sum(task.ready for task in tasks))


def _surplus(tasks: Sequence[Seen], count: int) -> list[str]:
    """Which to stop: those that serve nobody first, then the oldest; tasks come oldest first."""
    return [task.arn for task in sorted(tasks, key=lambda task: task.ready)[: max(0, count)]]


def pause_seconds(failures: int) -> float:
    """AWS seconds before the next start, after this many tasks failed in a row; ECS throttles up to 15 minutes."""
    return 0.0 if failures <= 1 else min(900.0, 10.0 * 2 ** (failures - 2))
