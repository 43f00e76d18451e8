"""Counts answers by target group, and hands the counts to CloudWatch twice a second."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from local_aws import cloudwatch

NAMESPACE = "AWS/ApplicationELB"


class Meter:
    """Of one listener's balancer. `balancer` is the CloudWatch dimension, `app/name/id`."""

    def __init__(self, balancer: str) -> None:
        self._balancer = balancer
        self._counts: Counter[tuple[str, str]] = Counter()

    def answered(self, group: str, status: int) -> None:
        """One request that went to a target group; its targets' answers are counted by class."""
        self._counts[group, "RequestCount"] += 1
        self._counts[group, f"HTTPCode_Target_{status // 100}XX_Count"] += 1

    def flush(self, put: Callable[[str, str, dict[str, str], float], None] = cloudwatch.put) -> None:
        """Write what was counted since the last flush."""
        counts, self._counts = self._counts, Counter()
        for (group, metric), value in counts.items():
            dimensions = {"TargetGroup": dimension(group), "LoadBalancer": self._balancer}
            put(NAMESPACE, metric, dimensions, float(value))


def dimension(arn: str) -> str:
    """The part of an ARN by which CloudWatch knows a target group or balancer."""
    name = arn.rpartition(":")[2]
    return name.removeprefix("loadbalancer/")
