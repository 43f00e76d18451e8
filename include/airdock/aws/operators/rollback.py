"""The way back: from a delivery that failed after it began to deploy, to what production ran before it."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

from airdock.aws.hooks import Account
from airdock.aws.operators.job import JobOperator
from airdock.aws.operators.lease_in_run import LeaseInRun
from airdock.aws.operators.memory import waits_since
from airdock.aws.production import Service, standing
from airdock.aws.watch import Facts
from airdock.errors import Fault, Refused
from airdock.plan.adoption import State
from airdock.plan.way_back import Way, choose_way_back
from airdock.release import Outcome, TaskDefinition

if TYPE_CHECKING:
    from airdock.spec.environment import Environment

NEVER_RAN = frozenset({None, "removed", "skipped", "upstream_failed"})


@dataclass(frozen=True, slots=True)
class Deployed:
    """The run's own deployment: what it came to, and whether AWS will do nothing more of its own accord."""

    facts: Facts
    state: State
    over: bool


class RollBackOperator(JobOperator):
    """Brings production back to what it ran before this run, and confirms that it is there.

    AWS usually has rolled back by itself; a deployment that is still active is stopped with rollback; one that
    succeeded is followed by a deployment of the previous task definition, exactly once. What somebody else has
    deployed since is left alone. Skipped when this run has deployed nothing.

    Record: `{"deployment", "task_definition", "image", "digest", "sentence"}`.
    """

    moves_traffic = True

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
        kwargs.setdefault("trigger_rule", "one_failed")
        kwargs.setdefault("deadline_minutes", target.rollout.deadline_minutes)
        super().__init__(account=Account(target.aws_connection, target.region), **kwargs)
        self.application = application
        self.environment = environment
        self.target = target
        self.service = Service.of(target)
        self.lease = LeaseInRun.on(application, environment, target)
        self.register_task = register_task
        self.deploy_task = deploy_task

    @abstractmethod
    def deployed(self, context: Context, deploy_state: str) -> Deployed | None:
        """The run's own deployment, None when it did not come to one; `deploy_state` is the deploy task's."""

    @abstractmethod
    def stop(self, deployment_id: str) -> bool:
        """Stop it with rollback; False when it is over."""

    @abstractmethod
    def redeploy(self, context: Context, before: str, runs_now: str) -> str:
        """Deploy the previous task definition, exactly once; the deployment's id."""

    @abstractmethod
    def is_way_back(self, context: Context, facts: Facts) -> bool:
        """Whether this is the deployment that `redeploy` has made."""

    def deadline(self, context: Context, facts: Facts) -> datetime:
        """Counted from the first look at it: the failed deployment's own start is long ago."""
        return waits_since(context, facts["id"]) + timedelta(minutes=self.deadline_minutes)

    def adopt_or_start(self, context: Context) -> str:
        """The deployment whose end is the way back: the run's own that AWS takes back, or a new one."""
        state = self._deploy_state(context)
        ours = None if state in NEVER_RAN else self.deployed(context, str(state))
        if ours is None:
            raise AirflowSkipException("This run has deployed nothing, so there is nothing to roll back")
        released, runs_now = self.released(context), standing(self.service).task_definition
        before, facts = released.previous_arn, ours.facts
        chosen = choose_way_back(
            facts, ours.state, over=ours.over, runs_now=runs_now, delivered=released.arn, ran_before=before
        )
        self.log.info("The way back: %s", chosen.sentence)
        if chosen.way is Way.LEAVE:
            context["ti"].xcom_push(key="deployment_outcome", value=str(Outcome.SUPERSEDED))
            raise Refused(chosen.sentence)
        if chosen.way is Way.REDEPLOY:
            return self.redeploy(context, before, runs_now)
        if chosen.way is Way.STOP and not self.stop(facts["id"]):
            raise Fault(f"the deployment {facts['id']} ended when it was to be stopped; the next try looks again")
        return str(facts["id"])

    def conclude(self, context: Context, facts: Facts) -> Any:
        before, now = self.released(context).previous_arn, standing(self.service)
        if now.task_definition == before:
            sentence = f"production is back on {now.task_definition} ({now.digest or now.image})"
            self.log.info(sentence)
            return {**now.to_json(), "deployment": facts["id"], "sentence": sentence}
        sentence = f"the deployment {facts['id']} has ended and production runs {now.task_definition}, not {before}"
        if self.is_way_back(context, facts):
            raise Refused(f"the rollback failed: {sentence}")
        self.forget_job(context)
        raise Fault(f"{sentence}; the next try deploys it again")

    def released(self, context: Context) -> TaskDefinition:
        record = context["ti"].xcom_pull(task_ids=self.register_task)
        if not record:
            raise Refused(f"the task {self.register_task} left no word of what ran before: nothing to go back to")
        return TaskDefinition.from_json(record)

    def _deploy_state(self, context: Context) -> str | None:
        run = context["dag_run"]
        told = context["ti"].get_task_states(dag_id=run.dag_id, task_ids=[self.deploy_task], run_ids=[run.run_id])
        state: str | None = told.get(run.run_id, {}).get(self.deploy_task)
        return state
