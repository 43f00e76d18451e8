"""Target group settings as the balancer needs them, read from the control plane that moto keeps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from moto.elbv2.models import FakeListener, FakeLoadBalancer, FakeTargetGroup, elbv2_backends

from local_aws.elbv2.health import Thresholds
from local_aws.elbv2.routes import weights_of


@dataclass(frozen=True)
class HealthCheck:
    """How a group's targets are checked; durations are AWS seconds."""

    enabled: bool
    path: str
    port: str
    matcher: str
    interval_seconds: int
    timeout_seconds: int
    thresholds: Thresholds


def group_of(arn: str) -> FakeTargetGroup | None:
    """The target group, None when it was deleted."""
    account, region = arn.split(":")[4], arn.split(":")[3]
    return elbv2_backends[account][region].target_groups.get(arn)


def health_check(group: FakeTargetGroup) -> HealthCheck:
    """A group's health check, with AWS's defaults."""
    return HealthCheck(
        enabled=bool(group.health_check_enabled),
        path=group.health_check_path or "/",
        port=str(group.health_check_port or "traffic-port"),
        matcher=(group.matcher or {}).get("HttpCode") or "200",
        interval_seconds=int(group.health_check_interval_seconds),
        timeout_seconds=int(group.health_check_timeout_seconds),
        thresholds=Thresholds(int(group.healthy_threshold_count), int(group.unhealthy_threshold_count)),
    )


def drain_seconds(group: FakeTargetGroup) -> float:
    """The deregistration delay in AWS seconds."""
    return float(str(group.attributes["deregistration_delay.timeout_seconds"]))


def listeners(account: str) -> Iterator[tuple[FakeLoadBalancer, FakeListener]]:
    """Every listener of every region, with its load balancer."""
    for backend in list(elbv2_backends[account].values()):
        for balancer in list(backend.load_balancers.values()):
            for listener in list(balancer.listeners.values()):
                yield balancer, listener


def dimension(arn: str) -> str:
    """A target group's CloudWatch dimension, `targetgroup/name/id`."""
    return arn.rpartition(":")[2]


def balancers_by_group(account: str) -> dict[str, set[str]]:
    """The load balancers, by CloudWatch dimension, that send to each target group."""
    found: dict[str, set[str]] = {}
    for balancer, listener in listeners(account):
        for rule in listener.rules.values():
            for action in rule.actions:
                if action.type == "forward":
                    for group in weights_of(action.data):
                        found.setdefault(group, set()).add(balancer.arn.partition(":loadbalancer/")[2])
    return found
