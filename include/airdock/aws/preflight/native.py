"""Whether ECS can move this service's traffic by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from airdock.aws.preflight.balancers import rule_weights, target_groups
from airdock.aws.preflight.look import looked
from airdock.aws.production import Service
from airdock.plan.preflight import Check, Finding
from airdock.plan.preflight_service import check_idle
from airdock.plan.preflight_traffic import (
    ADVANCED,
    check_advanced,
    check_kind,
    check_rule,
    check_weights,
    target_group_name,
)

if TYPE_CHECKING:
    from airdock.spec.environment import Environment

UNDER_WAY = ["PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"]


def check_native(target: Environment, told: Mapping[str, Any]) -> Iterator[Check]:
    """`told`: the service. Raises Refused or Fault."""
    service = Service.of(target)
    yield looked("running deployment", "ecs:ListServiceDeployments", lambda: check_idle(_running(service)))
    if target.rollout.strategy != "ecs":
        return
    balancers = told.get("loadBalancers") or []
    advanced = check_advanced(balancers)
    yield advanced
    if advanced.finding is not Finding.OK:
        return
    for balancer in balancers:
        pair = balancer["targetGroupArn"], balancer[ADVANCED]["alternateTargetGroupArn"]
        rule = balancer[ADVANCED]["productionListenerRule"]
        at_once = target.rollout.traffic.type == "blue_green"
        yield looked(
            "kind of balancer", "elasticloadbalancing:DescribeTargetGroups", partial(_kind, service, pair, at_once)
        )
        yield looked("listener rule", "elasticloadbalancing:DescribeRules", partial(_rule, service, rule, pair))


def _running(service: Service) -> list[str]:
    ecs = service.account.client("ecs")
    found = ecs.list_service_deployments(cluster=service.cluster, service=service.name, status=UNDER_WAY)
    return [each["serviceDeploymentArn"] for each in found["serviceDeployments"]]


def _kind(service: Service, pair: tuple[str, str], at_once: bool) -> Check:
    return check_kind({each["Protocol"] for each in target_groups(service.account, arns=pair)}, at_once)


def _rule(service: Service, rule: str, pair: tuple[str, str]) -> Check:
    """A network balancer's listener has one target group at a time; an application balancer's rule names both."""
    weights = rule_weights(service.account, rule)
    named = {target_group_name(arn): weight for arn, weight in weights.items()}
    if ":listener-rule/" in rule and (both := check_rule(weights, pair)).finding is not Finding.OK:
        return both
    return check_weights(named, [target_group_name(arn) for arn in pair], busy=bool(_running(service)))
