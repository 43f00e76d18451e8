"""What the engine asks of the world, one act at a time, and what may come back.

Every act may be done twice (the process can die between an act and its commit), so each is phrased as a wish for a
state, not as a change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from local_aws.ecs.rollouts.progress import HookRun


@dataclass(frozen=True)
class Survey:
    """See whether traffic can be moved at all. Answer: None."""


@dataclass(frozen=True)
class Want:
    """Have tasks of these deployments, by id, and none of the others. Answer: None."""

    ids: tuple[str, ...]
    proven: str = ""


@dataclass(frozen=True)
class Restore:
    """Have the source as the service's primary deployment again. Answer: None."""

    reason: str
    cause: str
    beside: bool


@dataclass(frozen=True)
class Route:
    """Have this share of a route's traffic, `production` or `test`, on the target. Answer: whether anything changed."""

    route: str
    percent: float


@dataclass(frozen=True)
class Invoke:
    """Call the function of a Lambda hook. Answer: `HookAnswer`."""

    run: HookRun


@dataclass(frozen=True)
class PollAlarms:
    """Ask for the alarms. Answer: the names of those in ALARM."""


@dataclass(frozen=True)
class Settle:
    """Have the service's deployments say how it ended: completed, rolled_back, halted or left. Answer: None."""

    end: str
    reason: str
    cause: str


@dataclass(frozen=True)
class Rest:
    """Nothing to do for so many real seconds."""

    seconds: float = 0.2


Act = Survey | Want | Restore | Route | Invoke | PollAlarms | Settle | Rest


@dataclass(frozen=True)
class HookAnswer:
    """What a function said; `wait_seconds` are real seconds until it is asked again."""

    status: str
    wait_seconds: float = 0.0
    details: Any = None


@dataclass(frozen=True)
class Fault:
    """The act failed; `passing` when trying again may help."""

    message: str
    passing: bool = False


Answer = HookAnswer | Fault | tuple[str, ...] | bool | None


@dataclass(frozen=True)
class Side:
    """The tasks of one deployment of the service; failures as the circuit breaker counts them."""

    desired: int = 0
    tasks: int = 0
    healthy: int = 0
    failures_in_a_row: int = 0
    failures: int = 0

    @property
    def steady(self) -> bool:
        """Whether exactly the wanted tasks are there, all of them healthy."""
        return self.desired == self.tasks == self.healthy


@dataclass(frozen=True)
class Sight:
    """How the service stands. `others`: tasks of neither side. `waits`: an earlier deployment is not over."""

    target: Side | None
    source: Side
    desired: int
    others: int = 0
    waits: bool = False
