"""Which shares of the traffic a rollout plans."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from airdock.plan.traffic_share import planned_shares
from airdock.spec import Environment

CODEDEPLOY = {"strategy": "codedeploy", "application": "a", "deployment_group": "g"}


@pytest.mark.parametrize(
    ("rollout", "planned"),
    [
        ({**CODEDEPLOY, "traffic": {"type": "canary", "percent": 5}}, [5, 100]),
        ({**CODEDEPLOY, "traffic": {"type": "linear", "percent": 30}}, [30, 60, 90, 100]),
        (CODEDEPLOY, [100]),
        ({**CODEDEPLOY, "traffic": {"configuration": "CodeDeployDefault.ECSCanary10Percent5Minutes"}}, []),
        ({"strategy": "ecs", "traffic": {"type": "linear", "percent": 25.0}}, [25, 50, 75, 100]),
        ({"strategy": "rolling"}, []),
    ],
)
def test_shares_are_those_of_the_rollout_in_the_pipeline(rollout: dict[str, Any], planned: list[float]) -> None:
    target = TypeAdapter(Environment).validate_python({"cluster": "c", "service": "s", "rollout": rollout})
    assert planned_shares(target.rollout) == planned
