"""What a deployment was told to do (`Plan`) and how far it is (`Progress`): plain data, kept as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

Label = Literal["blue", "green"]

EVENTS = (
    "BeforeInstall",
    "Install",
    "AfterInstall",
    "AllowTestTraffic",
    "AfterAllowTestTraffic",
    "BeforeAllowTraffic",
    "AllowTraffic",
    "AfterAllowTraffic",
)
FORWARD = ("Start", *EVENTS[:5], "ReadyWait", *EVENTS[5:], "TerminationWait", "RemoveOriginal", "Finish")
"""The stages of a deployment that a user created; those named after a lifecycle event are that event."""
BACKWARD = ("Start", "AllowTraffic", "RemoveReplacement", "Finish")
"""The stages of a rollback."""
ENDED = frozenset({"Succeeded", "Failed", "Stopped"})


@dataclass(frozen=True)
class Plan:
    """Decided when the deployment was created; durations are real seconds, already scaled by the clock.

    `schedule` holds the moves as (percent, seconds until the next); `ready_seconds` is None when traffic moves
    without waiting for ContinueDeployment; `termination_seconds` is None when the original task set is kept.
    `rolls_back` names the deployment which this one undoes, None for a deployment of a user's.
    """

    deployment_id: str
    schedule: tuple[tuple[int, float], ...]
    hooks: dict[str, str] = field(default_factory=dict)
    has_test_route: bool = False
    ready_seconds: float | None = None
    ready_minutes: int = 0
    termination_seconds: float | None = 0.0
    alarms: tuple[str, ...] = ()
    ignores_alarm_failures: bool = False
    rollback_on: tuple[str, ...] = ()
    alarm_poll_seconds: float = 0.5
    green_timeout_seconds: float = 30.0
    green_timeout_minutes: float = 10.0
    hook_timeout_seconds: float = 180.0
    rolls_back: str | None = None

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages of this deployment, in order."""
        return BACKWARD if self.rolls_back else FORWARD

    @property
    def green_owner(self) -> str:
        """The deployment whose replacement task set this one works on (the task set's `externalId`)."""
        return self.rolls_back or self.deployment_id


@dataclass(frozen=True)
class Event:
    """A lifecycle event; times in epoch seconds."""

    status: str = "Pending"
    started: float | None = None
    ended: float | None = None
    message: str = ""


@dataclass(frozen=True)
class TaskSet:
    """One of the two task sets, as last seen."""

    target_group: str = ""
    target_group_arn: str = ""
    id: str = ""
    status: str = ""
    desired: int = 0
    pending: int = 0
    running: int = 0


@dataclass(frozen=True)
class End:
    """How the deployment is to end, once everything else is done."""

    status: str
    code: str = ""
    message: str = ""


@dataclass(frozen=True)
class Progress:
    """How far a deployment is; times in epoch seconds.

    `begun`: the act which opens the current stage was done. `moves` and `test_moves` count the changes of the
    two routes, `shifts` how many moves of the schedule were made, the last one at `shifted`. `looked`: when the
    last act was answered.
    """

    stage: str = "Start"
    entered: float = 0.0
    begun: bool = False
    status: str = "Created"
    events: dict[str, Event] = field(default_factory=lambda: dict.fromkeys(EVENTS, Event()))
    blue: TaskSet = TaskSet()
    green: TaskSet = TaskSet()
    green_weight: int = 0
    test_on_green: bool = False
    promoted: bool = False
    moves: int = 0
    test_moves: int = 0
    shifts: int = 0
    shifted: float = 0.0
    alarms_polled: float = 0.0
    looked: float = 0.0
    faults: int = 0
    end: End | None = None
    rollback_id: str | None = None
    started: float | None = None
    completed: float | None = None

    @property
    def over(self) -> bool:
        """Whether the deployment has its final status."""
        return self.status in ENDED

    def side(self, label: Label) -> TaskSet:
        """The task set of one side."""
        return self.blue if label == "blue" else self.green

    def with_side(self, label: Label, task_set: TaskSet) -> Progress:
        """The same with one task set changed."""
        return replace(self, blue=task_set) if label == "blue" else replace(self, green=task_set)

    def with_event(self, name: str, **changes: Any) -> Progress:
        """The same with one lifecycle event changed."""
        return replace(self, events={**self.events, name: replace(self.events[name], **changes)})


@dataclass(frozen=True)
class Inbox:
    """What callers asked of a deployment while it ran.

    `rollback` is the stopping caller's word, None when it said nothing; `go_on` names the waits that were cut
    short; `hooks` holds the status reported for each hook execution id.
    """

    stopped: bool = False
    rollback: bool | None = None
    go_on: tuple[str, ...] = ()
    hooks: dict[str, str] = field(default_factory=dict)


def plan_from(document: dict[str, Any]) -> Plan:
    """A plan from its JSON document."""
    lists = {"schedule": tuple((percent, hold) for percent, hold in document["schedule"])}
    lists |= {key: tuple(document[key]) for key in ("alarms", "rollback_on")}
    return Plan(**{**document, **lists})


def progress_from(document: dict[str, Any]) -> Progress:
    """A progress from its JSON document."""
    end = document["end"]
    return Progress(
        **{
            **document,
            "events": {name: Event(**event) for name, event in document["events"].items()},
            "blue": TaskSet(**document["blue"]),
            "green": TaskSet(**document["green"]),
            "end": End(**end) if end else None,
        }
    )


def inbox_from(document: dict[str, Any]) -> Inbox:
    """An inbox from its JSON document, {} for an empty one."""
    return Inbox(**{**document, "go_on": tuple(document.get("go_on", ()))})


def as_document(value: Plan | Progress) -> dict[str, Any]:
    """The JSON document of a plan or a progress."""
    return asdict(value)
