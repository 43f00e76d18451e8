"""Bringing a service to a new task definition with ECS's own deployments: rolling, blue/green, linear, canary."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from airflow.sdk import Context

from airdock.aws.causes import Causes, Failure, causes_of
from airdock.aws.operators.deploy import DeployOperator
from airdock.aws.operators.job import clear_number, memory
from airdock.aws.service_deployments import begin_once, console_url, stop
from airdock.aws.watch import Facts
from airdock.aws.watch.service_deployment import keeps_failing
from airdock.plan.deployment_result import DeploymentResult
from airdock.plan.service_configuration import service_configuration
from airdock.plan.service_deployment_result import judge_service_deployment
from airdock.release import Deployment

if TYPE_CHECKING:
    from airdock.spec.ecs_rollout import EcsRollout, RollingRollout

FAILED_STARTS = 3
"""The least that ECS's own circuit breaker allows."""


class EcsDeployServiceOperator(DeployOperator):
    """Deploys with UpdateService. ECS rolls back by itself; the number of tasks is never written."""

    kind = "service_deployment"

    def console_url(self, job_id: str) -> str:
        return console_url(self.service, job_id)

    def adopt_or_start(self, context: Context) -> str:
        wanted = service_configuration(self._rollout)
        self.log.info(wanted.sentence)
        arn = self.released().arn
        return begin_once(self.service, arn, wanted.request, memory(context), clear_number(context))

    def options(self) -> dict[str, Any]:
        return {"failed_starts": self._most_failed_starts()}

    def conclude(self, context: Context, facts: Facts) -> Any:
        """ECS's own circuit breaker is for rolling updates; for the others the count is kept here."""
        if keeps_failing(facts, self._most_failed_starts()):
            times = facts["failed_starts"]
            return self.give_up(context, facts, f"the new version failed to start {times} times in a row")
        return super().conclude(context, facts)

    def judge(self, facts: Facts, causes: tuple[str, ...] = (), stopped_because: str = "") -> DeploymentResult:
        return judge_service_deployment(facts, self.released().arn, causes, stopped_because)

    def causes(self, facts: Facts) -> Causes:
        fired = tuple(facts["alarms"]["triggered"])
        since = datetime.fromisoformat(facts["started_at"])
        return causes_of(Failure(self.service, self.released().arn, since, alarms=fired))

    def stop(self, deployment_id: str) -> None:
        stop(self.service, deployment_id)

    def record(self, facts: Facts) -> Deployment:
        released = self.released()
        return Deployment(
            id=facts["id"],
            application=self.service.cluster,
            group=self.service.name,
            status=facts["status"],
            task_definition=released.arn,
            previous_task_definition=released.previous_arn,
            previous_image=released.previous_image,
        )

    def _most_failed_starts(self) -> int | None:
        breaker, by_ecs = self._rollout.circuit_breaker, self._rollout.strategy == "rolling"
        return None if by_ecs or not breaker.enabled else breaker.threshold or FAILED_STARTS

    @property
    def _rollout(self) -> EcsRollout | RollingRollout:
        return cast("EcsRollout | RollingRollout", self.target.rollout)
