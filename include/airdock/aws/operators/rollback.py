"""The way back: from a delivery that failed after it began to deploy, to what production ran before it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

from airdock.aws.appspecs import made_for
from airdock.aws.deployments import (
    Group,
    Order,
    adopt_or_create,
    console_url,
    ensure_config,
    of_delivery,
    run_since,
    stop,
)
from airdock.aws.operators.job import JobOperator, clear_number
from airdock.aws.production import Service, standing
from airdock.aws.watch import Facts, Subject
from airdock.aws.watch.deployment import DeploymentWatch
from airdock.aws.watch.subject import look
from airdock.errors import Fault, Refused
from airdock.names import Marker, marker, parse_marker
from airdock.plan.adoption import State
from airdock.plan.deployment_result import deployment_state
from airdock.plan.traffic import traffic_configuration
from airdock.plan.way_back import Way, choose_way_back
from airdock.release import Outcome, TaskDefinition
from airdock.spec.rollout import AllAtOnce

if TYPE_CHECKING:
    from airdock.spec.environment import Environment

NEVER_RAN = frozenset({None, "removed", "skipped", "upstream_failed"})


class RollBackOperator(JobOperator):
    """Brings production back to what it ran before this run, and confirms that it is there.

    CodeDeploy usually has rolled back by itself; a deployment that is still active is stopped with rollback; one that
    succeeded is followed by a deployment of the previous task definition, exactly once. What somebody else has
    deployed since is left alone. Skipped when this run has deployed nothing.

    Record: `{"deployment", "task_definition", "image", "digest", "sentence"}`.
    """

    kind = "deployment"

    def __init__(
        self,
        *,
        application: str,
        environment: str,
        target: Environment,
        register_task: str,
        deploy_task: str,
        **kwargs: Any,
    ) -> None:
        group = Group.of(target)
        kwargs.setdefault("trigger_rule", "one_failed")
        kwargs.setdefault("deadline_minutes", target.rollout.deadline_minutes)
        super().__init__(account=group.account, **kwargs)
        self.application = application
        self.environment = environment
        self.service = Service.of(target)
        self.port = target.container_port
        self.group = group
        self.register_task = register_task
        self.deploy_task = deploy_task

    def console_url(self, job_id: str) -> str:
        return console_url(self.group, job_id)

    def deadline(self, facts: Facts) -> datetime:  # noqa: ARG002 - the failed deployment's own start is long ago
        return datetime.now(UTC) + timedelta(minutes=self.deadline_minutes)

    def adopt_or_start(self, context: Context) -> str:
        """The deployment whose end is the way back: the run's own that CodeDeploy takes back, or a new one."""
        ours = self._deployed(context)
        if ours is None:
            raise AirflowSkipException("This run has deployed nothing, so there is nothing to roll back")
        runs_now, released = standing(self.service).task_definition, self._released(context)
        over, before = DeploymentWatch().finished(ours, {}), released.previous_arn
        chosen = choose_way_back(ours, over=over, runs_now=runs_now, delivered=released.arn, ran_before=before)
        self.log.info("The way back: %s", chosen.sentence)
        if chosen.way is Way.LEAVE:
            context["ti"].xcom_push(key="deployment_outcome", value=str(Outcome.SUPERSEDED))
            raise Refused(chosen.sentence)
        if chosen.way is Way.REDEPLOY:
            return self._redeploy(context, before, runs_now)
        if chosen.way is Way.STOP and not stop(self.account, ours["id"]):
            raise Fault(f"the deployment {ours['id']} ended when it was to be stopped; the next try looks again")
        return str(ours["id"])

    def conclude(self, context: Context, facts: Facts) -> Any:
        before, now = self._released(context).previous_arn, standing(self.service)
        if now.task_definition == before:
            sentence = f"production is back on {now.task_definition} ({now.digest or now.image})"
            self.log.info(sentence)
            return {**now.to_json(), "deployment": facts["id"], "sentence": sentence}
        sentence = f"the deployment {facts['id']} has ended and production runs {now.task_definition}, not {before}"
        if parse_marker(facts["description"]) == self._mark(context).rollback():
            raise Refused(f"the rollback failed: {sentence}")
        self.forget_job(context)
        raise Fault(f"{sentence}; the next try deploys it again")

    def overdue(self, context: Context, facts: Facts | None) -> Any:
        """Judge it by what production runs, where all traffic has moved and only replaced tasks have not ended."""
        return self.conclude(context, facts) if facts and facts["terminating"] else super().overdue(context, facts)

    def _deployed(self, context: Context) -> Facts | None:
        """The facts of the run's own deployment, None when it did not come to one in this attempt."""
        state, mark = self._deploy_state(context), self._mark(context)
        if state in NEVER_RAN:
            return None
        deployment_id = of_delivery(self.group, mark.base, run_since(context))
        if not deployment_id:
            return None
        ours = look(DeploymentWatch(), Subject(self.kind, deployment_id, self.account))
        # A success of an attempt before the clear is what was live then; a deploy task that failed has not touched it.
        untouched = state != "success" and deployment_state(ours["status"]) is State.SUCCEEDED
        return None if untouched and parse_marker(ours["description"]) != mark else ours

    def _deploy_state(self, context: Context) -> str | None:
        run = context["dag_run"]
        told = context["ti"].get_task_states(dag_id=run.dag_id, task_ids=[self.deploy_task], run_ids=[run.run_id])
        state: str | None = told.get(run.run_id, {}).get(self.deploy_task)
        return state

    def _redeploy(self, context: Context, before: str, runs_now: str) -> str:
        config = ensure_config(self.account, traffic_configuration(AllAtOnce()))
        order = Order(before, made_for(self.service, before, self.port), config, self._mark(context).rollback())
        return adopt_or_create(self.group, order, run_since(context), runs_now)

    def _released(self, context: Context) -> TaskDefinition:
        record = context["ti"].xcom_pull(task_ids=self.register_task)
        if not record:
            raise Refused(f"the task {self.register_task} left no word of what ran before: nothing to go back to")
        return TaskDefinition.from_json(record)

    def _mark(self, context: Context) -> Marker:
        return marker(self.application, self.environment, context["dag_run"].run_id, clear_number(context))
