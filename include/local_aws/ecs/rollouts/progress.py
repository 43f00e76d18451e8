"""What a service deployment was told to do (`Plan`) and how far it is (`Progress`): plain data, kept as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

BEFORE_TRAFFIC = ("PRE_SCALE_UP", "SCALE_UP", "POST_SCALE_UP")
TEST_SHIFT = ("TEST_TRAFFIC_SHIFT", "POST_TEST_TRAFFIC_SHIFT")
STEP = ("PRE_PRODUCTION_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT")
AFTER_TRAFFIC = ("POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME", "CLEAN_UP", "FINISH")
BACKWARD = ("RESTORE", "PRODUCTION_TRAFFIC_SHIFT", "TEST_TRAFFIC_SHIFT", "CLEAN_UP", "FINISH")
"""The stages of a rollback: production first, whatever else may go wrong after it."""
OWN_STAGES = frozenset({"", "START", "RESTORE", "FINISH"})
"""Stages that ECS has no name for."""
ENDED = frozenset({"SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"})


@dataclass(frozen=True)
class Breaker:
    """The circuit breaker; `kind` and `value` are its threshold configuration."""

    rolls_back: bool
    resets: bool = True
    kind: str = "BOUNDED_PERCENT"
    value: int = 50


@dataclass(frozen=True)
class Alarms:
    """The alarms that fail a deployment."""

    names: tuple[str, ...]
    rolls_back: bool


@dataclass(frozen=True)
class Early:
    """Early success: this percentage of healthy tasks is enough; `deferred`: the source's need not be gone."""

    healthy_percent: int
    deferred: bool


@dataclass(frozen=True)
class Hook:
    """A lifecycle hook as configured; the timeout is in real seconds."""

    number: int
    kind: str
    stages: tuple[str, ...]
    function: str = ""
    details: Any = None
    timeout_seconds: float = 0.0
    timeout_action: str = "ROLLBACK"


@dataclass(frozen=True)
class Routes:
    """Listener rules, "" for none, and the two target groups between which they move traffic."""

    production: str
    test: str
    source_group: str
    target_group: str


@dataclass(frozen=True)
class Plan:
    """Decided when the deployment was created; durations are real seconds, already scaled by the clock.

    `target` and `source` are ids of the service's deployments (`ecs-svc/...`), `source` "" when nothing was ever
    completed; `others` were begun and never completed: they have to go first. `schedule` holds the moves of
    production traffic as (percent, seconds until the next). `begins_wanted`: its tasks start at once.
    """

    arn: str
    service: str
    strategy: str
    target: str
    source: str = ""
    others: tuple[str, ...] = ()
    schedule: tuple[tuple[float, float], ...] = ()
    bake_seconds: float = 0.0
    breaker: Breaker | None = None
    alarms: Alarms | None = None
    early: Early | None = None
    hooks: tuple[Hook, ...] = ()
    routes: Routes | None = None
    reconciles: bool = False
    begins_wanted: bool = True
    scale_up_seconds: float = 4320.0
    alarm_poll_seconds: float = 0.5

    @property
    def rolling(self) -> bool:
        """Whether tasks replace tasks, instead of standing beside them."""
        return self.strategy == "ROLLING"

    @property
    def forward(self) -> tuple[str, ...]:
        """The stages of this deployment, in order; a step of production traffic is repeated for each move."""
        traffic = () if self.rolling else (*TEST_SHIFT, *STEP)
        after = AFTER_TRAFFIC[1:] if self.rolling else AFTER_TRAFFIC
        return ("START", *(("RECONCILE_SERVICE",) if self.reconciles else ()), *BEFORE_TRAFFIC, *traffic, *after)

    def hooks_at(self, stage: str) -> tuple[Hook, ...]:
        """The hooks that are configured for a stage."""
        return tuple(hook for hook in self.hooks if stage in hook.stages)


@dataclass(frozen=True)
class HookRun:
    """One execution of a hook; times in epoch seconds, `due` is when a function is asked (again)."""

    id: str
    number: int
    kind: str
    stage: str
    status: str
    expires: float
    due: float = 0.0
    action: str = ""
    details: Any = None

    @property
    def open(self) -> bool:
        """Whether the deployment waits for it."""
        return self.status in ("AWAITING_ACTION", "IN_PROGRESS")


@dataclass(frozen=True)
class Progress:
    """How far a deployment is; times in epoch seconds.

    `begun`: the act which opens the current stage was done. `step` is the number of the move of production traffic.
    `production` and `test` are the target's shares in percent, `moves` counts their changes; `moved`: when
    production was last moved. `ignored` are the alarms that fired before it began, None before the first look.
    `visits` names the stages whose hooks were begun, `hooks` are those of the last one.
    """

    status: str = "PENDING"
    stage: str = "START"
    entered: float = 0.0
    begun: bool = False
    step: int = 0
    created: float = 0.0
    started: float | None = None
    updated: float = 0.0
    finished: float | None = None
    stopped: float | None = None
    reason: str = ""
    cause: str = ""
    rollback_reason: str = ""
    rollback_started: float | None = None
    end: str = ""
    ignored: tuple[str, ...] | None = None
    triggered: tuple[str, ...] = ()
    alarms_polled: float = 0.0
    production: float = 0.0
    test: float = 0.0
    moves: int = 0
    test_moves: int = 0
    moved: float = 0.0
    failures: int = 0
    hooks: tuple[HookRun, ...] = ()
    visits: tuple[str, ...] = ()
    looked: float = 0.0
    faults: int = 0

    @property
    def over(self) -> bool:
        """Whether the deployment has its final status."""
        return self.status in ENDED

    @property
    def backward(self) -> bool:
        """Whether it is rolling back."""
        return self.rollback_started is not None

    @property
    def visit(self) -> str:
        """Names the current passage through a stage: the same after a restart."""
        return f"{'backward' if self.backward else 'forward'}/{self.stage}/{self.step}"

    def with_hook(self, run: HookRun, **changes: Any) -> Progress:
        """The same with one hook's execution changed."""
        after = replace(run, **changes)
        return replace(self, hooks=tuple(after if each.id == run.id else each for each in self.hooks))


@dataclass(frozen=True)
class Inbox:
    """What callers asked of a deployment while it ran: `stop` is ABORT or ROLLBACK, `actions` are by hook id."""

    stop: str = ""
    superseded: bool = False
    actions: Mapping[str, str] = field(default_factory=dict)


def plan_from(document: dict[str, Any]) -> Plan:
    """A plan from its JSON document."""
    breaker, alarms, routes = document["breaker"], document["alarms"], document["routes"]
    parts = {
        "breaker": Breaker(**breaker) if breaker else None,
        "alarms": Alarms(tuple(alarms["names"]), alarms["rolls_back"]) if alarms else None,
        "routes": Routes(**routes) if routes else None,
        "early": Early(**document["early"]) if document["early"] else None,
        "hooks": tuple(Hook(**{**hook, "stages": tuple(hook["stages"])}) for hook in document["hooks"]),
        "schedule": tuple((percent, hold) for percent, hold in document["schedule"]),
        "others": tuple(document["others"]),
    }
    return Plan(**{**document, **parts})


def progress_from(document: dict[str, Any]) -> Progress:
    """A progress from its JSON document."""
    ignored = document["ignored"]
    parts = {
        "ignored": None if ignored is None else tuple(ignored),
        "triggered": tuple(document["triggered"]),
        "visits": tuple(document["visits"]),
        "hooks": tuple(HookRun(**run) for run in document["hooks"]),
    }
    return Progress(**{**document, **parts})


def as_document(value: Plan | Progress) -> dict[str, Any]:
    """The JSON document of a plan or a progress."""
    return asdict(value)
