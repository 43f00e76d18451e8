"""The Lambda functions that ECS will ask during a deployment, and the roles with which it calls them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from airdock.aws.hooks import Account
from airdock.aws.preflight.look import looked, present
from airdock.aws.preflight.roles import role_for
from airdock.plan.preflight import Check
from airdock.plan.preflight_role import ECS
from airdock.plan.preflight_service import check_function


def check_hooks(account: Account, configuration: Mapping[str, Any]) -> Iterator[Check]:
    """`configuration`: what the deployment will be asked with. Raises Refused or Fault."""
    for hook in configuration.get("lifecycleHooks", ()):
        if function := hook.get("hookTargetArn"):
            yield looked("hook", "lambda:GetFunctionConfiguration", partial(_function, account, function))
        if role := hook.get("roleArn"):
            yield role_for(account, "hook's role", role, ECS)


def _function(account: Account, function: str) -> Check:
    asked = partial(account.client("lambda").get_function_configuration, FunctionName=function)
    return check_function(function, present(asked, ("ResourceNotFoundException",)) is not None)
