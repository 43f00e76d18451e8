"""A listener's rules as the proxy reads them, compiled anew at every change so that new weights act at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from moto.elbv2.models import FakeListener, FakeLoadBalancer

from local_aws.elbv2.conditions import Asked, meets
from local_aws.elbv2.turns import Turns


@dataclass(frozen=True)
class Forward:
    """Send the request to the target group whose turn it is."""

    groups: Turns[str]


@dataclass(frozen=True)
class FixedResponse:
    """Answer without asking anybody."""

    status: int
    content_type: str
    body: str


@dataclass(frozen=True)
class Redirect:
    """Send the client elsewhere; the parts may hold #{host} and its like."""

    status: int
    parts: Mapping[str, str]


Action = Forward | FixedResponse | Redirect


class UnsupportedActionError(Exception):
    """An action that this balancer does not perform."""


@dataclass(frozen=True)
class Rule:
    """One rule: the first whose conditions are met decides."""

    conditions: list[dict[str, Any]]
    action: Action


@dataclass(frozen=True)
class Routes:
    """All that one listener needs to know."""

    arn: str
    port: int
    load_balancer: str
    idle_seconds: float
    rules: tuple[Rule, ...]

    def action(self, asked: Asked) -> Action:
        """What to do with a request; the last rule is the default and meets every one."""
        return next(rule.action for rule in self.rules if meets(rule.conditions, asked))


def compiled(balancer: FakeLoadBalancer, listener: FakeListener) -> Routes:
    """The routes of one listener.

    Raises UnsupportedActionError.
    """
    ordered = sorted(listener.rules.values(), key=lambda rule: (rule.is_default, rule.priority))
    return Routes(
        arn=listener.arn,
        port=int(listener.port),
        load_balancer=balancer.arn.partition(":loadbalancer/")[2],
        idle_seconds=float(balancer.attrs.get("idle_timeout.timeout_seconds", 60)),
        rules=tuple(Rule(rule.conditions, action_of([act.data for act in rule.actions])) for rule in ordered),
    )


def action_of(actions: Iterable[dict[str, Any]]) -> Action:
    """The action that ends a rule's list of actions.

    Raises UnsupportedActionError.
    """
    last = max(actions, key=lambda action: int(action.get("Order") or 0))
    match last["Type"]:
        case "forward":
            return Forward(Turns(weights_of(last).items()))
        case "fixed-response":
            config = last["FixedResponseConfig"]
            kind = config.get("ContentType") or "text/plain"
            return FixedResponse(int(config["StatusCode"]), kind, config.get("MessageBody") or "")
        case "redirect":
            config = last["RedirectConfig"]
            return Redirect(int(config["StatusCode"].removeprefix("HTTP_")), config)
        case other:
            raise UnsupportedActionError(f"the local balancer performs no {other} actions")


def weights_of(action: Mapping[str, Any]) -> dict[str, int]:
    """Weight by target group ARN of a forward action, in either of its two spellings."""
    groups = action.get("ForwardConfig", {}).get("TargetGroups")
    if groups:
        return {group["TargetGroupArn"]: int(group.get("Weight", 1)) for group in groups}
    return {action["TargetGroupArn"]: 1}
