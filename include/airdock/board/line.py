"""Where a delivery is on its line, by the states of its tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from airdock.plan.lease import THAWED
from airdock.release import Commit

ACTIVE = (
    "running",
    "restarting",
    "deferred",
    "awaiting_input",
    "up_for_retry",
    "up_for_reschedule",
    "queued",
    "scheduled",
)
"""States of a task that something happens in or is about to, the most telling first."""
HELD = "held"
"""What the board calls a task that waits, in Airflow's word deferred, until a stopped line runs again."""
ENDED = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})


@dataclass(frozen=True, slots=True)
class Stage:
    """A task of a run: `state` in Airflow's word, "" before it has one; times ISO 8601, "" where unknown.

    `next_method`: what it goes on with after its wait.
    """

    task_id: str
    state: str
    started_at: str = ""
    ended_at: str = ""
    try_number: int = 1
    next_method: str = ""

    @property
    def shown(self) -> str:
        """Its state, in Airflow's word where that tells what it waits for."""
        return HELD if self.state == "deferred" and self.next_method == THAWED else self.state

    @property
    def environment(self) -> str:
        """The environment whose part of the line it is, "" before the first."""
        return self.task_id.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A run of a `deliver_` or `deploy_` dag; `commit` is None until its source is known.

    `until`: how far it goes, "" where its parameters don't say. `shares`: the new version's percent of the traffic by
    the task that moves it.
    """

    dag_id: str
    run_id: str
    state: str
    queued_at: str
    started_at: str
    stages: Sequence[Stage] = ()
    commit: Commit | None = None
    until: str = ""
    shares: Mapping[str, float] = field(default_factory=dict)

    def stage(self) -> Stage | None:
        """Where it is now: what is at work, or what ended last."""
        at_work = [each for each in self.stages if each.state in ACTIVE]
        if at_work:
            return min(at_work, key=lambda each: ACTIVE.index(each.state))
        return max((each for each in self.stages if each.ended_at), key=lambda each: each.ended_at, default=None)

    def share(self, environment: str) -> float | None:
        """The new version's percent of the traffic there; all, seen or not, once its deployment has ended well."""
        task_id = f"{environment}.deploy"
        seen = self.shares.get(task_id)
        arrived = any(each.task_id == task_id and each.state == "success" for each in self.stages)
        return 100.0 if arrived and seen is not None else seen

    def is_in(self, environment: str) -> bool:
        """Whether it is at work there."""
        stage = self.stage()
        over = stage is not None and stage.task_id.endswith(".verdict") and stage.state in ENDED
        return stage is not None and stage.environment == environment and not over

    def is_before(self, environment: str, environments: Sequence[str]) -> bool:
        """Whether it is still to come there, in the order of the `environments`."""
        if environment not in self._way(environments) or self.is_in(environment):
            return False
        verdict = next((each for each in self.stages if each.task_id == f"{environment}.verdict"), None)
        return verdict is None or verdict.state not in ENDED

    def _way(self, environments: Sequence[str]) -> Sequence[str]:
        """Which environments it comes to: a promotion only the one, a delivery all until its last."""
        if self.dag_id.startswith("deploy_"):
            return [self.until or environments[-1]]
        last = environments.index(self.until) if self.until in environments else len(environments) - 1
        return environments[: last + 1]
