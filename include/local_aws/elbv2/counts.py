"""Counts answers by target group, and hands the sums to CloudWatch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from local_aws.elbv2.groups import dimension
from local_aws.elbv2.health import HEALTHY, UNHEALTHY
from local_aws.elbv2.targets import Target

NAMESPACE = "AWS/ApplicationELB"
Dimensions = tuple[tuple[str, str], ...]
Put = Callable[[str, str, Mapping[str, str], float], None]


class Counts:
    """Sums since the last flush: "CloudWatch metrics for your Application Load Balancer" of the guide."""

    def __init__(self) -> None:
        self._sums: Counter[tuple[str, Dimensions]] = Counter()

    def answered(self, balancer: str, group: str, status: int) -> None:
        """A target answered with this HTTP status."""
        for place in (_both(balancer, group), _balancer(balancer)):
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
