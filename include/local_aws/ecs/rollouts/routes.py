"""Where a listener rule sends its requests: which share of them goes to each of a service's two target groups.

ECS rewrites the weights of the rule's forward action, and nothing else of the rule.
"""

from __future__ import annotations

from typing import Any

from local_aws.ecs.rollouts.progress import Routes

NOT_ASSOCIATED = (
    "Both targetGroup and alternateTargetGroup must be associated with the productionListenerRule or testListenerRule."
)
Weights = dict[str, int]


class NotAssociatedError(Exception):
    """A rule that does not forward to both target groups."""


def survey(elbv2: Any, routes: Routes) -> None:
    """See whether every rule forwards to both target groups.

    Raises NotAssociatedError, and botocore's ClientError.
    """
    for rule_arn in filter(None, (routes.production, routes.test)):
        if not {routes.source_group, routes.target_group} <= _weights(_rule(elbv2, rule_arn)).keys():
            raise NotAssociatedError(NOT_ASSOCIATED)


def route(elbv2: Any, rule_arn: str, routes: Routes, percent: float) -> bool:
    """Have this share of a rule's requests go to the target's group; whether anything had to change."""
    rule = _rule(elbv2, rule_arn)
    wanted = weights_of(routes, percent)
    if _shares(_weights(rule)) == _shares(wanted):
        return False
    _rewrite(elbv2, rule, [_weighted(action, wanted) for action in rule["Actions"]])
    return True


def weights_of(routes: Routes, percent: float) -> Weights:
    """Weight by target group; weights are whole numbers up to 999, so that tenths of a percent can be told."""
    share, whole = (round(percent), 100) if percent == round(percent) else (round(percent * 10), 1000)
    return {routes.source_group: whole - share, routes.target_group: share}


def _rule(elbv2: Any, rule_arn: str) -> dict[str, Any]:
    (rule,) = elbv2.describe_rules(RuleArns=[rule_arn])["Rules"]
    return dict(rule)


def _weights(rule: dict[str, Any]) -> Weights:
    for action in rule["Actions"]:
        if action["Type"] == "forward":
            groups = action.get("ForwardConfig", {}).get("TargetGroups") or [action]
            return {group["TargetGroupArn"]: int(group.get("Weight", 1)) for group in groups}
    return {}


def _shares(weights: Weights) -> dict[str, float]:
    total = sum(weights.values()) or 1
    return {group: weight / total for group, weight in weights.items() if weight}


def _weighted(action: dict[str, Any], weights: Weights) -> dict[str, Any]:
    if action["Type"] != "forward":
        return action
    groups = [{"TargetGroupArn": group, "Weight": weight} for group, weight in weights.items()]
    kept = {name: value for name, value in action.items() if name != "TargetGroupArn"}
    return {**kept, "ForwardConfig": {**action.get("ForwardConfig", {}), "TargetGroups": groups}}


def _rewrite(elbv2: Any, rule: dict[str, Any], actions: list[dict[str, Any]]) -> None:
    """A default rule can't be modified: it is its listener's."""
    if not rule["IsDefault"]:
        elbv2.modify_rule(RuleArn=rule["RuleArn"], Actions=actions)
        return
    listener = rule["RuleArn"].replace(":listener-rule/", ":listener/").rpartition("/")[0]
    elbv2.modify_listener(ListenerArn=listener, DefaultActions=actions)
