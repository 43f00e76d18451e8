"""What the engine asks of the world, one act at a time, and what may come back.

Every act may be done twice (the process can die between an act and its commit), so each is phrased as a wish for a
state, not as a change.
"""

from __future__ import annotations

from dataclasses import dataclass

from local_aws.codedeploy.progress import Label, TaskSet


@dataclass(frozen=True)
class Survey:
    """Find the original task set and the target group of the replacement. Answer: `Sides`."""


@dataclass(frozen=True)
class CreateGreen:
    """Have the replacement task set. Answer: `TaskSet`."""


@dataclass(frozen=True)
class WatchGreen:
    """Look at the replacement. Answer: `Health`."""


@dataclass(frozen=True)
class InvokeHook:
    """Start the Lambda function of a lifecycle event. Answer: None."""

    event: str
    function: str
    execution_id: str


@dataclass(frozen=True)
class Route:
    """Have this share of production traffic on the replacement. Answer: whether anything had to change."""

    percent: int


@dataclass(frozen=True)
class RouteTest:
    """Have all test traffic on one side. Answer: whether anything had to change."""

    label: Label


@dataclass(frozen=True)
class Promote:
    """Have this side's task set as the service's primary one. Answer: None."""

    label: Label


@dataclass(frozen=True)
class Remove:
    """Have this side's task set drained and deleted. Answer: whether it is gone."""

    label: Label


@dataclass(frozen=True)
class PollAlarms:
    """Ask for the alarms. Answer: the names of those in ALARM."""


@dataclass(frozen=True)
class BeginRollback:
    """Have the second deployment which undoes this one. Answer: None."""


@dataclass(frozen=True)
class WatchRollback:
    """Look at that deployment. Answer: its status."""


@dataclass(frozen=True)
class Rest:
    """Nothing to do for so many real seconds."""

    seconds: float = 0.2


Act = (
    Survey | CreateGreen | WatchGreen | InvokeHook | Route | RouteTest | Promote | Remove | PollAlarms
    | BeginRollback | WatchRollback | Rest
)  # fmt: skip


@dataclass(frozen=True)
class Sides:
    """The task sets as they stand before anything was done; the replacement has its target group only."""

    blue: TaskSet
    green: TaskSet


@dataclass(frozen=True)
class Health:
    """The replacement as seen; `steady`: all its tasks run and are healthy behind the balancer."""

    task_set: TaskSet
    steady: bool


@dataclass(frozen=True)
class Fault:
    """The act failed; `passing` when trying again may help. `code` is one of CodeDeploy's ErrorCode."""

    code: str
    message: str
    passing: bool = False


Answer = Sides | TaskSet | Health | Fault | tuple[str, ...] | bool | str | None
