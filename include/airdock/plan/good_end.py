"""When a deployment has ended so well that no worker has to see to its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airdock.plan.deployment_result import judge_deployment
from airdock.plan.service_deployment_result import judge_service_deployment


def good_end(kind: str, facts: Mapping[str, Any], options: Mapping[str, Any], released: str) -> str:
    """The sentence of a deployment that is live, "" for any other; `released`: what was to be deployed."""
    if kind == "deployment":
        result = judge_deployment(facts, options.get("success_at", "termination"))
    else:
        result = judge_service_deployment(facts, released)
    return result.sentence if result.live else ""
