"""The state of one target from its health checks; pure.

A fresh target becomes healthy with its first good check, as an Application Load Balancer's does; after that it takes
as many checks in a row as the target group's thresholds say.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

INITIAL, HEALTHY, UNHEALTHY, DRAINING = "initial", "healthy", "unhealthy", "draining"

REASONS = {
    INITIAL: ("Elb.InitialHealthChecking", "Initial health checks in progress"),
    DRAINING: ("Target.DeregistrationInProgress", "Target deregistration is in progress"),
}
FAILED = "Target.FailedHealthChecks"
WRONG_ANSWER = "Target.ResponseCodeMismatch"
TIMEOUT = "Target.Timeout"


@dataclass(frozen=True)
class Thresholds:
    """How many checks in a row change a target's state."""

    healthy: int
    unhealthy: int


@dataclass(frozen=True)
class Health:
    """A target's state, and how many checks in a row spoke against it."""

    state: str = INITIAL
    reason: str = REASONS[INITIAL][0]
    description: str = REASONS[INITIAL][1]
    against: int = 0

    def after(self, failure: tuple[str, str] | None, thresholds: Thresholds) -> Health:
        """The health after one more check; `failure` is its reason and description, None for a good one."""
        if self.state == DRAINING:
            return self
        good = failure is None
        if good == (self.state == HEALTHY) and self.state != INITIAL:
            return replace(self, against=0)
        needed = 1 if self.state == INITIAL and good else (thresholds.healthy if good else thresholds.unhealthy)
        if self.against + 1 < needed:
            return replace(self, against=self.against + 1)
        if failure is None:
            return Health(HEALTHY, "", "")
        return Health(UNHEALTHY, *failure)

    def draining(self) -> Health:
        return Health(DRAINING, *REASONS[DRAINING])
