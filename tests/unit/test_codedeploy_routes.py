"""Listeners and rules rewritten to the wanted shares, and left alone when they have them."""

from typing import Any

import pytest

from local_aws.codedeploy.routes import NotBehindListenerError, Split, route

BLUE, GREEN, OTHER = "arn:tg/blue", "arn:tg/green", "arn:tg/other"
LISTENER = "arn:aws:elasticloadbalancing:eu-west-1:1:listener/app/demo/1/2"


def forward(**weights: int) -> list[dict[str, Any]]:
    groups = [{"TargetGroupArn": f"arn:tg/{name}", "Weight": weight} for name, weight in weights.items()]
    return [{"Type": "forward", "Order": 1, "ForwardConfig": {"TargetGroups": groups}}]


class FakeBalancer:
    """A listener with a default action and rules; it keeps what it is told."""

    def __init__(self, default: list[dict[str, Any]], rules: dict[str, list[dict[str, Any]]] | None = None) -> None:
        self.default = default
        self.rules = rules or {}
        self.changes = 0

    def describe_listeners(self, ListenerArns: list[str]) -> dict[str, Any]:
        return {"Listeners": [{"DefaultActions": self.default}]}

    def describe_rules(self, **_: Any) -> dict[str, Any]:
        rules = [{"RuleArn": arn, "Actions": actions, "IsDefault": False} for arn, actions in self.rules.items()]
        return {"Rules": [*rules, {"RuleArn": "default", "Actions": self.default, "IsDefault": True}]}

    def modify_listener(self, ListenerArn: str, DefaultActions: list[dict[str, Any]]) -> None:
        self.default, self.changes = DefaultActions, self.changes + 1

    def modify_rule(self, RuleArn: str, Actions: list[dict[str, Any]]) -> None:
        self.rules[RuleArn], self.changes = Actions, self.changes + 1


def test_shift_writes_both_target_groups_and_does_it_once() -> None:
    balancer = FakeBalancer([{"Type": "forward", "TargetGroupArn": BLUE, "Order": 1}])
    assert route(balancer, LISTENER, Split(BLUE, GREEN, 10)) is True
    assert balancer.default == forward(blue=90, green=10)
    assert route(balancer, LISTENER, Split(BLUE, GREEN, 10)) is False
    assert balancer.changes == 1


def test_listener_that_sends_all_to_blue_already_is_left_alone() -> None:
    balancer = FakeBalancer([{"Type": "forward", "TargetGroupArn": BLUE}])
    assert route(balancer, LISTENER, Split(BLUE, GREEN, 0)) is False


def test_rules_that_forward_to_the_pair_move_with_the_listener_and_others_stay() -> None:
    balancer = FakeBalancer(forward(blue=1), {"mine": forward(blue=1), "theirs": forward(other=1)})
    route(balancer, LISTENER, Split(BLUE, GREEN, 100))
    assert balancer.rules == {"mine": forward(blue=0, green=100), "theirs": forward(other=1)}


def test_other_actions_of_a_rule_and_its_stickiness_are_kept() -> None:
    sign_in = {"Type": "authenticate-oidc", "Order": 1}
    actions = [sign_in, {**forward(blue=1)[0], "Order": 2}]
    actions[1]["ForwardConfig"]["TargetGroupStickinessConfig"] = {"Enabled": False}
    balancer = FakeBalancer(actions)
    route(balancer, LISTENER, Split(BLUE, GREEN, 50))
    assert balancer.default[0] == sign_in
    assert balancer.default[1]["ForwardConfig"]["TargetGroupStickinessConfig"] == {"Enabled": False}


def test_listener_without_the_pair_is_an_error() -> None:
    with pytest.raises(NotBehindListenerError):
        route(FakeBalancer(forward(other=1)), LISTENER, Split(BLUE, GREEN, 10))
