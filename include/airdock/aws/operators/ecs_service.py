"""Bringing a service to a new task definition with ECS's own deployments: rolling, blue/green, linear, canary."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from airflow.sdk import Context

from airdock.aws.causes import Causes, Failure, causes_of
from airdock.aws.operators.deploy import DeployOperator
from airdock.aws.operators.memory import clear_number, memory
from airdock.aws.operators.traffic_steps import TrafficSteps, decisions, leave_decisions
from airdock.aws.production import described
from airdock.aws.service_deployments import begin_once, console_url, stop
from airdock.aws.watch import Facts, Subject
from airdock.aws.watch.service_deployment import keeps_failing
from airdock.plan.adoption import State
from airdock.plan.analysis import Answer
from airdock.plan.deployment_result import DeploymentResult
from airdock.plan.service_configuration import service_configuration
from airdock.plan.service_deployment_result import judge_service_deployment, service_deployment_state
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
        own = described(self.service).get("deploymentConfiguration")
        wanted = service_configuration(self._rollout, own, pauses=self.target.analysis is not None)
        self.log.info(wanted.sentence)
        arn, insist = self.released().arn, partial(self.lease.insist, context)
        return begin_once(self.service, arn, wanted.request, memory(context), clear_number(context), insist)

    def options(self) -> dict[str, Any]:
        return {"failed_starts": self._most_failed_starts(), "decides": self.target.analysis is not None}

    def good_end(self, facts: Facts) -> dict[str, Any] | None:
        """With an analysis, what was decided on the way is left by the worker that decided it."""
        return None if self.target.analysis else super().good_end(facts)

    def conclude(self, context: Context, facts: Facts) -> Any:
        """ECS's own circuit breaker is for rolling updates; for the others the count is kept here.

        A pause of the traffic is answered by what was measured since the last one.
        """
        if facts["waiting"] and self.target.analysis and service_deployment_state(facts["status"]) is State.RUNNING:
            return self._go_on(context, facts)
        if keeps_failing(facts, self._most_failed_starts()):
            times = facts["failed_starts"]
            return self.give_up(context, facts, f"the new version failed to start {times} times in a row")
        return super().conclude(context, facts)

    def judged(self, context: Context, facts: Facts, result: DeploymentResult) -> Any:
        leave_decisions(context, facts["id"])
        return super().judged(context, facts, result)

    def _go_on(self, context: Context, facts: Facts) -> Any:
        """Answer the pause and wait for what comes next, or measure again a while later."""
        assert self.target.analysis
        steps = TrafficSteps(self.service, self.target.analysis, context)
        answered = steps.answer(facts)
        # A pause that was answered a moment ago may still be told of as waiting.
        known = {"answered": [each.hook for each in decisions(context, facts["id"])]}
        subject = Subject(self.kind, facts["id"], self.account, {**self.options(), **known})
        if answered:
            return self.follow(context, subject)
        again_after = self.target.analysis.wait_seconds
        return self.hand_over(subject, facts, self.deadline(context, facts), first_look_seconds=again_after)

    def stop_reason(self, context: Context) -> str:
        """A step that was decided against is the reason, whatever ECS calls it."""
        steps = decisions(context, self.started_job(context))
        refused = next((each for each in steps if each.answer is Answer.ROLLBACK), None)
        if refused is None:
            return super().stop_reason(context)
        return (
            f"the analysis of step {refused.step}, at {refused.percent:g} % of the traffic, was bad: {refused.sentence}"
        )

    def judge(self, facts: Facts, causes: tuple[str, ...] = (), stopped_because: str = "") -> DeploymentResult:
        return judge_service_deployment(facts, self.released().arn, causes, stopped_because)

    def causes(self, facts: Facts) -> Causes:
        fired = tuple(facts["alarms"]["triggered"])
        since = datetime.fromisoformat(facts["started_at"])
        new = facts["revisions"]["new"]
        return causes_of(Failure(self.service, self.released().arn, since, alarms=fired, revision=new))

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
