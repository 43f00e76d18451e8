"""Whether ECS can move this service's traffic by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from airdock.aws.preflight.balancers import no_listener, rule_weights, target_groups
from airdock.aws.preflight.look import looked
from airdock.aws.preflight.roles import role_for
from airdock.aws.production import Service
from airdock.plan.preflight import Check, Finding, branch
from airdock.plan.preflight_role import ECS
from airdock.plan.preflight_service import check_idle
from airdock.plan.preflight_traffic import (
    ADVANCED,
    check_advanced,
    check_behind,
    check_kind,
    check_rule,
    check_test_rule,
    check_weights,
    target_group_name,
)

if TYPE_CHECKING:
    from airdock.spec.environment import Environment

UNDER_WAY = ["PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"]


def check_native(target: Environment, told: Mapping[str, Any]) -> Iterator[Check]:
    """`told`: the service. Raises Refused or Fault."""
    service = Service.of(target)
    under_way = looked("running deployment", "ecs:ListServiceDeployments", partial(_running, service))
    yield under_way if isinstance(under_way, Check) else check_idle(under_way)
    balancers = told.get("loadBalancers") or []
    if target.rollout.strategy == "ecs":
        busy = not isinstance(under_way, Check) and bool(under_way)
        at_once = target.rollout.traffic.type == "blue_green"
        yield from _shifts(service, balancers, at_once, busy)
        stages = [stage for hook in target.rollout.hooks or () for stage in hook.stages]
        checks = target.analysis.before_traffic if target.analysis else ()
        yield from check_test_rule(balancers, stages, [check.name for check in checks])
    else:
        yield from _behind(service, balancers)


def _shifts(service: Service, balancers: Sequence[Mapping[str, Any]], at_once: bool, busy: bool) -> Iterator[Check]:
    advanced = check_advanced(balancers)
    yield advanced
    for each in balancers if advanced.finding is Finding.OK else ():
        pair = each["targetGroupArn"], each[ADVANCED]["alternateTargetGroupArn"]
        rule = each[ADVANCED]["productionListenerRule"]
        groups = "elasticloadbalancing:DescribeTargetGroups"
        yield role_for(service.account, "balancer's role", each[ADVANCED]["roleArn"], ECS)
        yield looked("kind of balancer", groups, partial(_kind, service, pair, at_once))
        yield looked("listener rule", "elasticloadbalancing:DescribeRules", partial(_rule, service, rule, pair, busy))


def _behind(service: Service, balancers: Sequence[Mapping[str, Any]]) -> Iterator[Check]:
    if arns := [str(each["targetGroupArn"]) for each in balancers if each.get("targetGroupArn")]:
        yield looked("target groups", "elasticloadbalancing:DescribeTargetGroups", partial(_groups, service, arns))


def _groups(service: Service, arns: Sequence[str]) -> Check:
    found = target_groups(service.account, TargetGroupArns=arns)
    return found if isinstance(found, Check) else check_behind(found)


def _running(service: Service) -> list[str]:
    ecs = service.account.client("ecs")
    found = ecs.list_service_deployments(cluster=service.cluster, service=service.name, status=UNDER_WAY)
    return [each["serviceDeploymentArn"] for each in found["serviceDeployments"]]


def _kind(service: Service, pair: tuple[str, str], at_once: bool) -> Check:
    found = target_groups(service.account, TargetGroupArns=pair)
    return found if isinstance(found, Check) else check_kind({each["Protocol"] for each in found}, at_once)


def _rule(service: Service, rule: str, pair: tuple[str, str], busy: bool) -> Check:
    """A network balancer's listener has one target group at a time; an application balancer's rule names both."""
    weights = rule_weights(service.account, rule)
    if weights is None:
        return no_listener("listener rule", rule)
    named = {target_group_name(arn): weight for arn, weight in weights.items()}
    traffic = check_weights(named, [target_group_name(arn) for arn in pair], busy)
    both = [check_rule(weights, pair)] if ":listener-rule/" in rule else []
    return branch("production", [*both, traffic])
