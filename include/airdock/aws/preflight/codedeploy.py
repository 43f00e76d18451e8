"""Whether CodeDeploy can move this service's traffic: its application, its group, the listener, the shift."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from airdock.aws.deployments import Group
from airdock.aws.preflight.balancers import listener_weights, no_listener, target_groups
from airdock.aws.preflight.look import looked, present
from airdock.aws.preflight.roles import role_for
from airdock.plan.preflight import Check, Finding, refused
from airdock.plan.preflight_role import CODEDEPLOY
from airdock.plan.preflight_service import check_idle
from airdock.plan.preflight_traffic import (
    check_group,
    check_kind,
    check_one_target_group,
    check_weights,
    group_names,
    target_group_name,
)
from airdock.plan.preflight_waits import (
    check_hooks,
    check_ready_wait,
    check_shift_time,
    check_termination_wait,
    shift_minutes,
)
from airdock.plan.traffic import TrafficConfiguration, traffic_configuration

if TYPE_CHECKING:
    from airdock.spec.codedeploy_rollout import CodeDeployRollout
    from airdock.spec.environment import Environment

ABSENT = ("ApplicationDoesNotExistException", "DeploymentGroupDoesNotExistException")
UNDER_WAY = ["Created", "Queued", "InProgress", "Baking", "Ready"]
ALL_AT_ONCE = "AllAtOnce"


def deployment_group(group: Group) -> dict[str, Any] | None:
    """GetDeploymentGroup, or None where there is no such application or group. Raises botocore's ClientError."""
    names = {"applicationName": group.application, "deploymentGroupName": group.name}
    found = present(partial(group.account.client("codedeploy").get_deployment_group, **names), ABSENT)
    return found["deploymentGroupInfo"] if found else None


def check_codedeploy(
    target: Environment, told: Mapping[str, Any], found: Mapping[str, Any] | None, hooks: Collection[str] = ()
) -> Iterator[Check]:
    """`told`: the service; `found`: its deployment group, None where there is none; `hooks`: the AppSpec's events.

    Raises Refused or Fault.
    """
    group, rollout = Group.of(target), cast("CodeDeployRollout", target.rollout)
    if found is None:
        name = f"there is no deployment group {group}: create it, or name another under `rollout`"
        yield refused("deployment group", name)
        return
    of_service = check_group(found, target.cluster, target.service)
    yield of_service
    if of_service.finding is not Finding.OK:
        return
    yield role_for(group.account, "service role", str(found["serviceRoleArn"]), CODEDEPLOY)
    yield check_one_target_group(told.get("loadBalancers") or _balancers_of_task_set(told))
    yield check_hooks(hooks, found)
    wanted = traffic_configuration(rollout.traffic)
    moves = looked("shift", "codedeploy:GetDeploymentConfig", partial(_configuration, group, wanted))
    yield from _times(rollout, wanted, found, moves)
    under_way = looked("running deployment", "codedeploy:ListDeployments", partial(running, group))
    yield under_way if isinstance(under_way, Check) else check_idle(*under_way)
    busy = not isinstance(under_way, Check) and bool(under_way[0])
    ask = partial(target_groups, group.account, Names=group_names(found))
    groups = looked("target groups", "elasticloadbalancing:DescribeTargetGroups", ask)
    if isinstance(groups, Check):
        yield groups
        return
    yield looked("traffic", "elasticloadbalancing:DescribeRules", partial(_weights, group, found, groups, busy))
    protocols = {each["Protocol"] for each in groups}
    if not isinstance(moves, Check):
        yield check_kind(protocols, (moves.get("trafficRoutingConfig") or {}).get("type", ALL_AT_ONCE) == ALL_AT_ONCE)


def running(group: Group) -> tuple[list[str], str]:
    """The deployments of the group that are under way, and what the first one's description says of its maker."""
    client = group.account.client("codedeploy")
    names = {"applicationName": group.application, "deploymentGroupName": group.name}
    ids = list(client.list_deployments(**names, includeOnlyStatuses=UNDER_WAY)["deployments"])
    told = client.get_deployment(deploymentId=ids[0])["deploymentInfo"] if ids else {}
    return ids, str(told.get("description") or told.get("creator") or "")


def _weights(group: Group, found: Mapping[str, Any], groups: Sequence[Mapping[str, Any]], busy: bool) -> Check:
    listener = found["loadBalancerInfo"]["targetGroupPairInfoList"][0]["prodTrafficRoute"]["listenerArns"][0]
    named = {str(each["TargetGroupArn"]): str(each["TargetGroupName"]) for each in groups}
    weights = listener_weights(group.account, listener, named)
    if weights is None:
        return no_listener("traffic", listener)
    by_name = {named.get(arn, target_group_name(arn)): weight for arn, weight in weights.items()}
    return check_weights(by_name, list(named.values()), busy)


def _configuration(group: Group, wanted: TrafficConfiguration) -> Mapping[str, Any] | Check:
    """How the traffic is to move, which must be there unless it is our own."""
    asked = partial(group.account.client("codedeploy").get_deployment_config, deploymentConfigName=wanted.name)
    found = wanted.definition or present(asked, ("DeploymentConfigDoesNotExistException",))
    if found is None:
        return refused("shift", f"there is no deployment configuration {wanted.name}: create it, or name another")
    told: Mapping[str, Any] = found.get("deploymentConfigInfo", found)
    return told


def _times(
    rollout: CodeDeployRollout, wanted: TrafficConfiguration, group: Mapping[str, Any], moves: Mapping[str, Any] | Check
) -> Iterator[Check]:
    """Whether the shift and the group's own waits fit the deadline."""
    minutes = 0 if isinstance(moves, Check) else shift_minutes(moves)
    yield moves if isinstance(moves, Check) else check_shift_time(minutes, rollout, wanted.sentence)
    yield check_ready_wait(group, minutes, rollout)
    yield check_termination_wait(group, minutes, rollout)


def _balancers_of_task_set(told: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    primary = [each for each in told.get("taskSets", ()) if each.get("status") == "PRIMARY"]
    return list(primary[0].get("loadBalancers", ())) if primary else []
