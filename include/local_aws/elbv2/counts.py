"""Counts answers by target group, and hands the sums to CloudWatch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Protocol

from local_aws.elbv2.groups import dimension
from local_aws.elbv2.health import HEALTHY, UNHEALTHY
from local_aws.elbv2.targets import Target

NAMESPACE = "AWS/ApplicationELB"
Dimensions = tuple[tuple[str, str], ...]


class Put(Protocol):
    """Writes a value of a metric at this moment, measured so often."""

    def __call__(
        self, namespace: str, metric: str, dimensions: Mapping[str, str], value: float, count: int = 1, /
    ) -> None: ...


class Counts:
    """Sums since the last flush: "CloudWatch metrics for your Application Load Balancer" of the guide."""

    def __init__(self) -> None:
        self._sums: Counter[tuple[str, Dimensions]] = Counter()
        self._times: Counter[tuple[float, Dimensions]] = Counter()

    def answered(self, balancer: str, group: str, status: int, seconds: float) -> None:
        """A target answered with this HTTP status, and it took so long until its answer began."""
        for place in (_both(balancer, group), _balancer(balancer)):
            self._times[round(seconds, 3), place] += 1
            self._sums["RequestCount", place] += 1
            self._sums[f"HTTPCode_Target_{status // 100}XX_Count", place] += 1

    def failed(self, balancer: str, group: str, status: int) -> None:
        """The balancer had to answer itself because the chosen target did not."""
        for place in (_both(balancer, group), _balancer(balancer)):
            self._sums["RequestCount", place] += 1
        self.refused(balancer, status)

    def refused(self, balancer: str, status: int) -> None:
        """The balancer answered an error of its own."""
        self._sums[f"HTTPCode_ELB_{status // 100}XX_Count", _balancer(balancer)] += 1

    def flush(self, put: Put) -> None:
        """Write the sums as datapoints of this moment, and begin anew."""
        sums, self._sums = self._sums, Counter()
        for (metric, place), value in sums.items():
            put(NAMESPACE, metric, dict(place), float(value))
        times, self._times = self._times, Counter()
        for (seconds, place), count in times.items():
            put(NAMESPACE, "TargetResponseTime", dict(place), seconds, count)


def put_host_counts(put: Put, balancers: Mapping[str, Iterable[str]], targets: list[Target]) -> None:
    """Write how many targets are healthy and unhealthy, for each target group behind a balancer."""
    states = Counter((target.group, target.health.state) for target in targets)
    for group, names in balancers.items():
        for name in names:
            place = dict(_both(name, group))
            put(NAMESPACE, "HealthyHostCount", place, float(states[group, HEALTHY]))
            put(NAMESPACE, "UnHealthyHostCount", place, float(states[group, UNHEALTHY]))


def _both(balancer: str, group: str) -> Dimensions:
    return ("LoadBalancer", balancer), ("TargetGroup", dimension(group))


def _balancer(balancer: str) -> Dimensions:
    return (("LoadBalancer", balancer),)
