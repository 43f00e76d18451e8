"""Whether the demonstration showed what it promises: pure, from what was measured and what AWS says."""

from __future__ import annotations

from collections.abc import Sequence

from demo.delivery import Delivery

PROMISED = ("live", "live", "rolled_back")
CANARY_PERCENT, TOLERATED_POINTS = 10, 3
"""What dags/pipelines/greeter.yaml gives the new version first, and how far off the measured share may be."""


def complaints(deliveries: Sequence[Delivery]) -> list[str]:
    """What is not as promised, a sentence each; none when all is well."""
    if len(deliveries) != len(PROMISED):
        return [f"{len(deliveries)} of {len(PROMISED)} deliveries ran"]
    told = [
        complaint
        for delivery, promised in zip(deliveries, PROMISED, strict=True)
        for complaint in _outcome(delivery, promised)
    ]
    return told + _production(deliveries) + _requests(deliveries[1]) + _share(deliveries[1])


def _outcome(delivery: Delivery, promised: str) -> list[str]:
    """The verdict and the state of the DAG run, which must say the same."""
    version, told = delivery.change.version, []
    if delivery.outcome != promised:
        told.append(f"{version} ended {delivery.outcome} and not {promised}: {delivery.sentence}")
    if delivery.run_state != ("success" if promised == "live" else "failed"):
        told.append(f"the DAG run of {version} ended {delivery.run_state}, which is not what {promised} means")
    return told


def _production(deliveries: Sequence[Delivery]) -> list[str]:
    """After a delivery production runs its image; after the one that was rolled back, the one before."""
    first, second, third = deliveries
    told = []
    for delivery, expected in ((first, first), (second, second), (third, second)):
        running, wanted = delivery.facts.in_production, expected.facts.built
        if not wanted or running != wanted:
            told.append(
                f"after {delivery.change.version} production runs {running or 'nothing'}, "
                f"not {expected.change.version} ({wanted or 'which was never built'})"
            )
    return told


def _requests(delivery: Delivery) -> list[str]:
    if not delivery.answers:
        return [f"no request was sent while {delivery.change.version} was delivered"]
    failed = [answer for answer in delivery.answers if answer.failed]
    if not failed:
        return []
    why = failed[0].problem or f"status {failed[0].status}"
    return [f"{len(failed)} of {len(delivery.answers)} requests failed during the canary, the first with {why}"]


def _share(delivery: Delivery) -> list[str]:
    version, first = delivery.change.version, next(iter(delivery.shares), None)
    if first is None or first.percent != CANARY_PERCENT:
        return [f"{version} was no canary: its first step was not {CANARY_PERCENT} % of the traffic"]
    measured = first.measured(version)
    if abs(measured - CANARY_PERCENT) <= TOLERATED_POINTS:
        return []
    return [f"{version} answered {measured:.1f} % of the requests during its canary, not {CANARY_PERCENT} %"]
