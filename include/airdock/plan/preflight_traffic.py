"""Whether traffic can move as the environment asks for, by what balancer, CodeDeploy and ECS tell of themselves.

Rules: AWS CodeDeploy User Guide, "Deployments on an Amazon ECS compute platform"; Amazon ECS Developer Guide, "Amazon
ECS blue/green deployments" and "Application Load Balancer resources for blue/green deployments".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from airdock.plan.preflight import Check, ok, refused, unknown

NETWORK_PROTOCOLS = frozenset({"TCP", "UDP", "TLS", "TCP_UDP", "QUIC", "TCP_QUIC"})
ADVANCED = "advancedConfiguration"
TEST_STAGES = ("TEST_TRAFFIC_SHIFT", "POST_TEST_TRAFFIC_SHIFT")
NEEDED = ("alternateTargetGroupArn", "productionListenerRule", "roleArn")


def check_group(group: Mapping[str, Any], cluster: str, service: str) -> Check:
    """Whether a CodeDeploy deployment group is this service's, with the one pair of target groups that it may have."""
    name = "deployment group"
    found = [(each.get("clusterName"), each.get("serviceName")) for each in group.get("ecsServices", ())]
    if (cluster.rpartition("/")[2], service) not in [(str(of).rpartition("/")[2], it) for of, it in found]:
        has = ", ".join(f"{of}/{it}" for of, it in found) or "no ECS service"
        return refused(name, f"it deploys {has}, not {cluster}/{service}: name another group, or change this one")
    pairs = (group.get("loadBalancerInfo") or {}).get("targetGroupPairInfoList") or []
    if len(pairs) != 1 or len(pairs[0].get("targetGroups", ())) != 2:
        return refused(name, "it has no single pair of target groups, which CodeDeploy needs for ECS: set two of them")
    if not (pairs[0].get("prodTrafficRoute") or {}).get("listenerArns"):
        return refused(name, "it names no production listener: set prodTrafficRoute")
    return ok(name, f"it deploys {cluster}/{service} between {' and '.join(group_names(group))}")


def group_names(group: Mapping[str, Any]) -> list[str]:
    """The names of a deployment group's target groups."""
    pairs = (group.get("loadBalancerInfo") or {}).get("targetGroupPairInfoList") or [{}]
    return [str(each["name"]) for each in pairs[0].get("targetGroups", ())]


def check_one_target_group(balancers: Collection[Mapping[str, Any]]) -> Check:
    if len(balancers) <= 1:
        return ok("balancers", "the service is behind one target group")
    told = f"the service is behind {len(balancers)} target groups, and CodeDeploy moves one only: use the strategy ecs"
    return refused("balancers", told)


def check_kind(protocols: Collection[str], all_at_once: bool) -> Check:
    """A network load balancer moves all its traffic at once."""
    network = sorted(NETWORK_PROTOCOLS & set(protocols))
    if network and not all_at_once:
        told = f"a network load balancer ({network[0]}) moves all traffic at once, and has no canary or linear shift"
        return refused("kind of balancer", f"{told}: change `traffic`, or use an application load balancer")
    return ok("kind of balancer", f"{', '.join(sorted(protocols))} can move as asked")


def check_weights(weights: Mapping[str, int], expected: Collection[str], busy: bool = False) -> Check:
    """What the production listener's rule does now: one of the `expected` target groups has all, the other nothing.

    Both by name. `busy`: whether a deployment is under way, which moves them.
    """
    name, live = "traffic", {group: weight for group, weight in weights.items() if weight}
    told = ", ".join(f"{group} {weight}" for group, weight in weights.items()) or "no target group"
    if strange := sorted(set(live) - set(expected)):
        wanted = " or ".join(expected)
        return refused(name, f"the listener sends to {', '.join(strange)}, not to {wanted}: point it to the live one")
    if len(live) == 1:
        return ok(name, f"{next(iter(live))} has all of it")
    if busy:
        return unknown(name, f"it is on its way ({told}), for a deployment is under way")
    return refused(name, f"no single target group has all of it ({told}): give the live one everything first")


def weights_of(actions: Collection[Mapping[str, Any]]) -> dict[str, int]:
    """The weight of each target group, by its ARN, in the forward action of a listener or rule."""
    for action in actions:
        if action.get("Type") == "forward":
            groups = (action.get("ForwardConfig") or {}).get("TargetGroups") or []
            if groups:
                return {each["TargetGroupArn"]: int(each.get("Weight", 1)) for each in groups}
            return {action["TargetGroupArn"]: 1} if action.get("TargetGroupArn") else {}
    return {}


def check_behind(groups: Collection[Mapping[str, Any]]) -> Check:
    """Whether a balancer sends to the target groups that a rolling update's tasks go into, as ELB describes them."""
    alone = [str(each["TargetGroupName"]) for each in groups if not each.get("LoadBalancerArns")]
    if alone:
        told = f"no balancer sends to {' and '.join(alone)}: new tasks get no traffic, and nobody asks for their health"
        return unknown("target groups", told)
    named = " and ".join(str(each["TargetGroupName"]) for each in groups)
    return ok("target groups", f"a balancer sends to {named}")


def check_advanced(balancers: Collection[Mapping[str, Any]]) -> Check:
    """What ECS needs to know of the balancer for its own blue/green."""
    name = "balancer settings"
    if not balancers:
        return refused(name, "the service has no balancer, and ECS's blue/green needs one: add loadBalancers to it")
    for each in balancers:
        missing = [key for key in NEEDED if not (each.get(ADVANCED) or {}).get(key)]
        if missing:
            told = f"{each.get('targetGroupArn', 'a target group')} has no {', '.join(missing)}"
            return refused(name, f"{told}: set loadBalancers[].{ADVANCED} with UpdateService")
    return ok(name, "the service names both target groups, the listener's rule and the role")


def check_test_rule(
    balancers: Collection[Mapping[str, Any]], stages: Iterable[str], checks: Iterable[str]
) -> list[Check]:
    """Whether there is test traffic, where a hook's stage or a check, by its name, counts on it."""
    name, at = "test listener", [f"the hook at {stage}" for stage in stages if stage in TEST_STAGES]
    needs = next(iter([*at, *(f"the check {check}" for check in checks)]), "")
    if not needs:
        return []
    if all((each.get(ADVANCED) or {}).get("testListenerRule") for each in balancers):
        return [ok(name, f"the service has a rule for the test traffic that {needs} needs")]
    told = f"{needs} needs test traffic, and the service has no testListenerRule"
    return [refused(name, f"{told}: set loadBalancers[].{ADVANCED} with UpdateService")]


def check_rule(weights: Mapping[str, int], pair: Collection[str]) -> Check:
    """Whether the production rule names both target groups, by ARN; without, ECS rolls the deployment back."""
    missing = [arn for arn in pair if arn not in weights]
    if missing:
        told = f"it does not name {' and '.join(target_group_name(arn) for arn in missing)}"
        return refused("listener rule", f"{told}: forward to both, with weights 1 and 0")
    return ok("listener rule", "it names both target groups")


def target_group_name(arn: str) -> str:
    """`greeter-blue` of `arn:...:targetgroup/greeter-blue/6d0ecf831eec9f09`."""
    return arn.split("/")[1] if arn.count("/") > 1 else arn
