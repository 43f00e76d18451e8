"""The tasks of a delivery that deploy with ECS itself and take it back, against the local AWS."""

from __future__ import annotations

from typing import Any

from airdock.aws.operators.ecs_rollback import EcsRollBackOperator
from airdock.aws.operators.ecs_service import EcsDeployServiceOperator
from tests.delivery import a_release, a_source, a_target
from tests.fakes import FakeStore, a_context, run_task
from tests.native_service import NativeService

NAMES: dict[str, Any] = {"application": "greeter", "environment": "production"}
QUICK: dict[str, Any] = {"poll_seconds": 0.5, "handoff_seconds": 1}


class Run:
    """One delivery: register has happened, deploy and roll_back are to come."""

    def __init__(self, stage: NativeService, rollout: dict[str, Any], version: str = "v2", **target: Any) -> None:
        self.before = str(stage.service()["taskDefinition"])
        variables = target.pop("variables", {})
        self.record = a_release(stage.task_definition(version, **variables), before=self.before, image=stage.image)
        self.target = a_target(rollout={"deadline_minutes": 6000, **rollout}, **target)
        self.xcoms: dict[tuple[str, str], Any] = {("production.register", "return_value"): self.record}
        self.target_of: dict[str, Any] = {**NAMES, "target": self.target, **QUICK}

    def deploy(self) -> Any:
        operator = EcsDeployServiceOperator(
            task_id="deploy", source=a_source(), task_definition=self.record, **self.target_of
        )
        return run_task(operator, a_context("production.deploy", store=FakeStore(), xcoms=self.xcoms))

    def roll_back(self) -> Any:
        tasks = {"register_task": "production.register", "deploy_task": "production.deploy"}
        operator = EcsRollBackOperator(task_id="roll_back", **tasks, **self.target_of)
        states = {"production.deploy": "success"}
        return run_task(operator, a_context("production.roll_back", store=FakeStore(), xcoms=self.xcoms, states=states))
