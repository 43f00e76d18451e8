"""Target groups, listeners and rules as they are now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airdock.aws.hooks import Account
from airdock.plan.preflight_traffic import weights_of


def target_groups(account: Account, *, names: Sequence[str] = (), arns: Sequence[str] = ()) -> list[dict[str, Any]]:
    """DescribeTargetGroups. Raises botocore's ClientError: TargetGroupNotFound for any that is not there."""
    asked = {"Names": list(names)} if names else {"TargetGroupArns": list(arns)}
    return list(account.client("elbv2").describe_target_groups(**asked)["TargetGroups"])


def rule_weights(account: Account, rule: str) -> dict[str, int]:
    """Weight by target group's ARN in a listener's rule, or in the default action of a listener."""
    client = account.client("elbv2")
    if ":listener-rule/" in rule:
        return weights_of(client.describe_rules(RuleArns=[rule])["Rules"][0]["Actions"])
    return weights_of(client.describe_listeners(ListenerArns=[rule])["Listeners"][0]["DefaultActions"])


def listener_weights(account: Account, listener: str, among: Sequence[str]) -> dict[str, int]:
    """The same of the listener's rule that sends to one `among` the target groups; CodeDeploy moves any of them."""
    rules = account.client("elbv2").describe_rules(ListenerArn=listener)["Rules"]
    told = [weights_of(rule["Actions"]) for rule in rules]
    return next((weights for weights in told if set(weights) & set(among)), told[-1] if told else {})
