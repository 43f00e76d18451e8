"""What health checks make of a target: "Health checks for Application Load Balancer target groups" of the guide."""

from __future__ import annotations

from dataclasses import dataclass

INITIAL = "initial"
HEALTHY = "healthy"
UNHEALTHY = "unhealthy"
DRAINING = "draining"
UNUSED = "unused"


@dataclass(frozen=True)
class Reason:
    """A reason code and its text, as DescribeTargetHealth gives them."""

    code: str
    text: str


REGISTERING = Reason("Elb.RegistrationInProgress", "Target registration is in progress")
FIRST_CHECKS = Reason("Elb.InitialHealthChecking", "Initial health checks in progress")
DEREGISTERING = Reason("Target.DeregistrationInProgress", "Target deregistration is in progress")
NOT_REGISTERED = Reason("Target.NotRegistered", "Target is not registered to the target group")
TIMED_OUT = Reason("Target.Timeout", "Request timed out")
UNREACHABLE = Reason("Target.FailedHealthChecks", "Health checks failed")


def wrong_status(status: int) -> Reason:
    """The reason for an answer that the matcher does not accept."""
    return Reason("Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{status}]")


@dataclass(frozen=True)
class Thresholds:
    """How many checks in a row turn a target over."""

    healthy: int
    unhealthy: int


@dataclass(frozen=True)
class Health:
    """The state of a target, and how many checks in a row spoke against it."""

    state: str = INITIAL
    reason: Reason | None = REGISTERING
    against: int = 0


def after_check(health: Health, failure: Reason | None, thresholds: Thresholds) -> Health:
    """The health after one more check; `failure` is None when it passed.

    A new target needs one passed check, an unhealthy one as many as the healthy threshold.
    """
    if health.state == DRAINING:
        return health
    if failure is None:
        return _after_pass(health, thresholds)
    return _after_failure(health, failure, thresholds)


def _after_pass(health: Health, thresholds: Thresholds) -> Health:
    passed = health.against + 1
    if health.state == UNHEALTHY and passed < thresholds.healthy:
        return Health(UNHEALTHY, health.reason, passed)
    return Health(HEALTHY, None)


def _after_failure(health: Health, failure: Reason, thresholds: Thresholds) -> Health:
    failed = health.against + 1
    if health.state == UNHEALTHY or failed >= thresholds.unhealthy:
        return Health(UNHEALTHY, failure)
    return Health(health.state, FIRST_CHECKS if health.state == INITIAL else None, failed)


def accepts(matcher: str, status: int) -> bool:
    """Whether a matcher such as `200,202` or `200-299` accepts an HTTP status."""
    ranges = (part.partition("-") for part in matcher.split(","))
    return any(int(low) <= status <= int(high or low) for low, _, high in ranges)
