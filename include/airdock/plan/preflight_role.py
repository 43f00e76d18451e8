"""Whether AWS's services may assume the roles that a release names, and whether a task's role may read what it must.

Rules: AWS IAM User Guide, "Policy evaluation logic"; IAM API Reference, SimulatePrincipalPolicy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from airdock.plan.preflight import Check, ok, refused, unknown

TASKS = "ecs-tasks.amazonaws.com"
ECS = "ecs.amazonaws.com"
CODEDEPLOY = "codedeploy.amazonaws.com"
READING = {"secret": "secretsmanager:GetSecretValue", "parameter": "ssm:GetParameters"}
"""What ECS calls with the execution role before a task starts."""


def check_role(name: str, role: str, service: str, policy: Mapping[str, Any] | None) -> Check:
    """`policy`: the role's trust policy, None where there is no such role; `service`: who is to assume it."""
    if policy is None:
        return refused(name, f"there is no role {role}: create it, or name another where it is named")
    if not trusts(policy, service):
        return refused(name, f"{role} does not trust {service}: allow it sts:AssumeRole in the role's trust policy")
    return ok(name, f"{role} exists, and {service} may assume it")


def check_access(kind: str, role: str, resource: str, told: Mapping[str, Any]) -> Check:
    """`kind`: secret or parameter; `told`: IAM's result of simulating that `role` reads it, by the role's policies."""
    name, action = f"access to {kind}", READING[kind]
    if told["EvalDecision"] == "allowed":
        return ok(name, f"{role} may read {resource}")
    if missing := told.get("MissingContextValues"):
        return unknown(name, f"whether {role} may read {resource} depends on {', '.join(missing)}")
    if told["EvalDecision"] == "implicitDeny" and kind == "secret":
        return unknown(name, f"{role} has no {action} on {resource}: only the secret's own policy may allow it still")
    return refused(name, f"{role} may not read {resource}: allow it {action}")


def trusts(policy: Mapping[str, Any], service: str) -> bool:
    """Whether a trust policy lets an AWS service, or its part in one region, assume the role.

    Conditions can't be judged, and count as met.
    """
    return any(
        statement.get("Effect") == "Allow"
        and {"sts:AssumeRole", "sts:*", "*"} & set(_several(statement.get("Action")))
        and any(_is(principal, service) for principal in _principals(statement.get("Principal")))
        for statement in _several(policy.get("Statement"))
    )


def _is(principal: str, service: str) -> bool:
    """`codedeploy.eu-west-1.amazonaws.com` is CodeDeploy as well."""
    named, _, domain = service.partition(".")
    return principal in ("*", service) or (principal.startswith(f"{named}.") and f".{domain}" in principal)


def _several(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else [value] if value is not None else []


def _principals(value: Any) -> Iterable[Any]:
    return _several(value.get("Service")) if isinstance(value, Mapping) else _several(value)
