"""Target groups, listeners and rules as they are now; None or nothing for those that are gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from airdock.aws.hooks import Account
from airdock.aws.preflight.look import present
from airdock.plan.preflight import Check, refused
from airdock.plan.preflight_traffic import weights_of

GONE = ("TargetGroupNotFound", "ListenerNotFound", "RuleNotFound")


def target_groups(account: Account, **asked: Sequence[str]) -> list[dict[str, Any]] | Check:
    """DescribeTargetGroups by `Names` or `TargetGroupArns`; refused if one is not there. Raises ClientError."""
    found = present(partial(account.client("elbv2").describe_target_groups, **asked), GONE)
    [names] = asked.values()
    if found is None:
        told = f"{' or '.join(names)} does not exist (any more): create it, or name another where it is named"
        return refused("target groups", told)
    return list(found["TargetGroups"])


def rule_weights(account: Account, rule: str) -> dict[str, int] | None:
    """Weight by target group's ARN in a listener's rule, or in the default action of a listener."""
    client = account.client("elbv2")
    if ":listener-rule/" in rule:
        found = present(partial(client.describe_rules, RuleArns=[rule]), GONE)
        return weights_of(found["Rules"][0]["Actions"]) if found else None
    found = present(partial(client.describe_listeners, ListenerArns=[rule]), GONE)
    return weights_of(found["Listeners"][0]["DefaultActions"]) if found else None


def listener_weights(account: Account, listener: str, among: Mapping[str, str]) -> dict[str, int] | None:
    """The same of the listener's rule that sends to one `among` the target groups, which CodeDeploy moves."""
    found = present(partial(account.client("elbv2").describe_rules, ListenerArn=listener), GONE)
    if found is None:
        return None
    told = [weights_of(rule["Actions"]) for rule in found["Rules"]]
    return next((weights for weights in told if set(weights) & set(among)), told[-1] if told else {})


def no_listener(name: str, arn: str) -> Check:
    return refused(name, f"there is no {arn} (any more): name the listener or rule that production has now")
