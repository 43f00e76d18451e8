"""Which target groups a request goes to: a listener's rules in their order, else its default; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any


@dataclass(frozen=True)
class Forward:
    """The weights of the target groups that share a rule's requests."""

    weights: Mapping[str, int]


@dataclass(frozen=True)
class Fixed:
    """An answer that the balancer gives itself."""

    status: int
    content_type: str
    body: str


def decide(rules: Sequence[Any], host: str, path: str) -> Forward | Fixed:
    """What the first rule that matches says; `rules` are moto's, with `priority`, `conditions` and `actions`."""
    ordered = sorted(rules, key=lambda rule: (rule.is_default, 0 if rule.is_default else int(rule.priority)))
    matching = (rule for rule in ordered if rule.is_default or _matches(rule.conditions, host, path))
    actions = next(matching).actions
    return _action(actions[-1].data)


def _matches(conditions: Sequence[Mapping[str, Any]], host: str, path: str) -> bool:
    told = {"host-header": host.partition(":")[0].lower(), "path-pattern": path}
    return all(_matches_one(condition, told.get(str(condition.get("Field")))) for condition in conditions)


def _matches_one(condition: Mapping[str, Any], value: str | None) -> bool:
    """A condition on something the local balancer does not look at never matches."""
    configs = ("HostHeaderConfig", "PathPatternConfig")
    patterns = [
        *condition.get("Values", []),
        *(p for name in configs for p in condition.get(name, {}).get("Values", [])),
    ]
    return value is not None and any(fnmatchcase(value, pattern) for pattern in patterns)


def _action(action: Mapping[str, Any]) -> Forward | Fixed:
    if action["Type"] == "forward":
        groups = action.get("ForwardConfig", {}).get("TargetGroups")
        groups = groups or [{"TargetGroupArn": action["TargetGroupArn"], "Weight": 1}]
        return Forward({group["TargetGroupArn"]: int(group.get("Weight", 1)) for group in groups})
    if action["Type"] == "fixed-response":
        answer = action["FixedResponseConfig"]
        content_type = answer.get("ContentType", "text/plain")
        return Fixed(int(answer["StatusCode"]), content_type, answer.get("MessageBody", ""))
    return Fixed(501, "text/plain", f"not implemented by the local AWS: the action {action['Type']}")
