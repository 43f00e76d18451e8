"""Shifting traffic to a new task definition with CodeDeploy, and staying until it is known where production stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from airflow.sdk import Context

from airdock.aws.appspecs import made_for
from airdock.aws.causes import Causes, Failure, causes_of
from airdock.aws.deployments import Group, Order, adopt_or_create, console_url, ensure_config, run_since, stop
from airdock.aws.operators.deploy import DeployOperator
from airdock.aws.operators.memory import clear_number
from airdock.aws.production import described, primary_task_definition
from airdock.aws.watch import Facts
from airdock.errors import Refused
from airdock.names import marker
from airdock.plan.adoption import State
from airdock.plan.appspec import AppSpec, from_file
from airdock.plan.deployment_result import DeploymentResult, deployment_state, judge_deployment
from airdock.plan.traffic import traffic_configuration
from airdock.release import Deployment, Source
from airdock.spec.codedeploy_rollout import Canary, Linear

if TYPE_CHECKING:
    from airdock.spec.codedeploy_rollout import CodeDeployRollout


class CodeDeployCreateDeploymentOperator(DeployOperator):
    """Deploys with CodeDeploy blue/green. The delivery's marker is in the deployment's description."""

    kind = "deployment"

    def __init__(self, **kwargs: Any) -> None:
        # No event tells that the traffic has moved: a deployment goes on until the old tasks have ended.
        super().__init__(**{"poll_seconds": 1, **kwargs})
        self.group = Group.of(self.target)
        self.rollout = cast("CodeDeployRollout", self.target.rollout)

    def options(self) -> dict[str, Any]:
        traffic = self.rollout.traffic
        shift = {"shift_minutes": traffic.minutes} if isinstance(traffic, Canary | Linear) else {}
        return {"success_at": self.rollout.success_at, **shift}

    def console_url(self, job_id: str) -> str:
        return console_url(self.group, job_id)

    def adopt_or_start(self, context: Context) -> str:
        released, run = self.released(), context["dag_run"]
        told = described(self.service)
        appspec = self._appspec(released.arn, told)
        self.log.info(appspec.sentence)
        config = ensure_config(self.account, traffic_configuration(self.rollout.traffic))
        mark = marker(self.application, self.environment, (run.dag_id, run.run_id), clear_number(context))
        order = Order(released.arn, appspec, config, mark, tuple(self.rollout.alarms))
        runs_now, insist = primary_task_definition(told), partial(self.lease.insist, context)
        return adopt_or_create(self.group, order, run_since(context), runs_now, insist)

    def judge(self, facts: Facts, causes: tuple[str, ...] = (), stopped_because: str = "") -> DeploymentResult:
        return judge_deployment(facts, self.rollout.success_at, causes, stopped_because)

    def overdue(self, context: Context, facts: Facts | None) -> Any:
        """Stop with rollback; unless only the old tasks still wait."""
        if facts and facts["terminating"] and deployment_state(facts["status"]) is State.RUNNING:
            # A release that has all the traffic is good: its group's termination wait is longer than the deadline.
            self.log.warning("After %g minutes only the old tasks have not ended yet", self.deadline_minutes)
            return self.judged(context, facts, judge_deployment(facts, "traffic_shift"))
        return super().overdue(context, facts)

    def causes(self, facts: Facts) -> Causes:
        since = datetime.fromisoformat(facts["started_at"])
        green = tuple(each["target_group"] for each in facts["task_sets"] if each["label"] == "green")
        error, arn = facts["error"] or {}, self.released().arn
        fired = [name for name in self.rollout.alarms if name in error.get("message", "")]
        return causes_of(Failure(self.service, arn, since, green, error, self.group, tuple(fired)))

    def stop(self, deployment_id: str) -> None:
        stop(self.account, deployment_id)

    def record(self, facts: Facts) -> Deployment:
        released, rollback = self.released(), facts["rollback"] or {}
        return Deployment(
            id=facts["id"],
            application=self.group.application,
            group=self.group.name,
            status=facts["status"],
            task_definition=released.arn,
            previous_task_definition=released.previous_arn,
            previous_image=released.previous_image,
            rollback_id=rollback.get("id", ""),
        )

    def _appspec(self, task_definition: str, told: Mapping[str, Any]) -> AppSpec:
        if self.target.appspec is None:
            return made_for(self.service, told, task_definition, self.target.container_port)
        source = Source.from_json(self.source)
        if (text := source.files.get(self.target.appspec)) is None:
            raise Refused(f"the repository has no {self.target.appspec} at {source.commit.short}")
        return from_file(text, task_definition, told, self.target.appspec)
