"""Where a listener sends its requests: which share of them goes to each of two target groups.

A traffic route is the ARN of a listener or of one of its rules. Of a listener, every rule that forwards to one of
the two target groups is rewritten, as CodeDeploy does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


class NotBehindListenerError(Exception):
    """No rule of the listener forwards to the task sets' target groups."""


@dataclass(frozen=True)
class Split:
    """The wanted shares: target group ARNs and the percentage of the second."""

    blue_arn: str
    green_arn: str
    green_percent: int

    @property
    def weights(self) -> dict[str, int]:
        """Weight by target group ARN."""
        return {self.blue_arn: 100 - self.green_percent, self.green_arn: self.green_percent}


def route(elbv2: Any, route_arn: str, split: Split) -> bool:
    """Have a traffic route split as wanted; whether anything had to change.

    Raises NotBehindListenerError, and botocore's ClientError.
    """
    rules = [rule for rule in _rules(elbv2, route_arn) if _weights(rule["Actions"]).keys() & split.weights.keys()]
    if not rules:
        raise NotBehindListenerError(route_arn)
    changes = [rule for rule in rules if not _same(_weights(rule["Actions"]), split.weights)]
    for rule in changes:
        _rewrite(elbv2, route_arn, rule, _split_actions(rule["Actions"], split))
    return bool(changes)


def _rules(elbv2: Any, route_arn: str) -> Iterator[dict[str, Any]]:
    if ":listener-rule/" in route_arn:
        yield from elbv2.describe_rules(RuleArns=[route_arn])["Rules"]
        return
    (listener,) = elbv2.describe_listeners(ListenerArns=[route_arn])["Listeners"]
    yield {"RuleArn": "", "Actions": listener["DefaultActions"]}
    rules = elbv2.describe_rules(ListenerArn=route_arn)["Rules"]
    yield from (rule for rule in rules if not rule["IsDefault"])


def _weights(actions: list[dict[str, Any]]) -> dict[str, int]:
    for action in actions:
        if action["Type"] == "forward":
            groups = action.get("ForwardConfig", {}).get("TargetGroups") or [action]
            return {group["TargetGroupArn"]: int(group.get("Weight", 1)) for group in groups}
    return {}


def _same(current: dict[str, int], wanted: dict[str, int]) -> bool:
    """Whether two splits send the same shares, however they say it."""
    return _shares(current) == _shares(wanted)


def _shares(weights: dict[str, int]) -> dict[str, float]:
    total = sum(weights.values()) or 1
    return {arn: 100 * weight / total for arn, weight in weights.items() if weight}


def _split_actions(actions: list[dict[str, Any]], split: Split) -> list[dict[str, Any]]:
    groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in split.weights.items()]
    return [_forward(action, groups) if action["Type"] == "forward" else action for action in actions]


def _forward(action: dict[str, Any], groups: list[dict[str, Any]]) -> dict[str, Any]:
    config = {**action.get("ForwardConfig", {}), "TargetGroups": groups}
    return {**{key: value for key, value in action.items() if key != "TargetGroupArn"}, "ForwardConfig": config}


def _rewrite(elbv2: Any, listener_arn: str, rule: dict[str, Any], actions: list[dict[str, Any]]) -> None:
    if rule["RuleArn"]:
        elbv2.modify_rule(RuleArn=rule["RuleArn"], Actions=actions)
    else:
        elbv2.modify_listener(ListenerArn=listener_arn, DefaultActions=actions)
