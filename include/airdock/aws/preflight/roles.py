"""Roles as IAM tells of them: whether they are there, who may assume them, and what they may read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import unquote

from airdock.aws.hooks import Account
from airdock.aws.preflight.look import looked, present
from airdock.plan.preflight import Check, unknown
from airdock.plan.preflight_role import READING, check_access, check_role


def role_for(account: Account, name: str, role: str, service: str) -> Check:
    """Whether `role`, an ARN or a name, is there for the AWS service. Raises Refused or Fault."""
    return looked(name, "iam:GetRole", partial(_role, account, name, role, service))


def access(account: Account, kind: str, role: str, resource: str) -> Check:
    """Whether a role may read a secret or a parameter, both by ARN. No value is read. Raises Refused or Fault."""
    if not role.startswith("arn:"):
        return unknown(f"access to {kind}", f"name the execution role by its ARN, not {role}, to have it checked")
    return looked(f"access to {kind}", "iam:SimulatePrincipalPolicy", partial(_access, account, kind, role, resource))


def _role(account: Account, name: str, role: str, service: str) -> Check:
    asked = partial(account.client("iam").get_role, RoleName=role.rpartition("/")[2])
    found = present(asked, ("NoSuchEntity", "NoSuchEntityException"))
    return check_role(name, role, service, _policy(found["Role"]["AssumeRolePolicyDocument"]) if found else None)


def _policy(document: Any) -> dict[str, Any]:
    """botocore decodes the document, which travels URL-encoded; older ones leave it as it is."""
    return dict(json.loads(unquote(document)) if isinstance(document, str) else document)


def _access(account: Account, kind: str, role: str, resource: str) -> Check:
    told: Mapping[str, Any] = account.client("iam").simulate_principal_policy(
        PolicySourceArn=role, ActionNames=[READING[kind]], ResourceArns=[resource]
    )
    return check_access(kind, role, resource, told["EvaluationResults"][0])
