"""What deployments have in common, whoever moves the traffic: their end is judged, and their deadline is kept."""

from __future__ import annotations

from abc import abstractmethod
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context

from airdock.aws.causes import Causes
from airdock.aws.hooks import Account
from airdock.aws.operators.job import JobOperator
from airdock.aws.operators.lease_in_run import LeaseInRun
from airdock.aws.operators.memory import memory, waits_since
from airdock.aws.production import Service
from airdock.aws.watch import Facts, Subject
from airdock.errors import Refused
from airdock.plan.deployment_result import DeploymentResult
from airdock.release import Deployment, TaskDefinition

if TYPE_CHECKING:
    from airdock.spec.environment import Environment

ROLLBACK_MINUTES = 30
"""How long the rollback of a deployment that was stopped at its deadline is waited for."""


class DeployOperator(JobOperator):
    """Deploys one task definition, exactly once per delivery, and stays until it is known where production stands.

    Args:
        application, environment: whose deployment it is.
        target: where it goes, and how traffic moves there.
        source: the record of the source, for the repository's AppSpec.
        task_definition: the record of what is deployed, with what ran before.

    Record: a Deployment. XComs besides: `deployment`, the facts of how it ended, and `deployment_outcome` where it did
    not end well; that is refused, with the cause that AWS names.
    """

    template_fields = ("source", "task_definition")
    first_pause_seconds = 3.0
    moves_traffic = True

    def __init__(
        self,
        *,
        application: str,
        environment: str,
        target: Environment,
        source: Any,
        task_definition: Any,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("deadline_minutes", target.rollout.deadline_minutes)
        super().__init__(account=Account(target.aws_connection, target.region), **kwargs)
        self.application = application
        self.environment = environment
        self.target = target
        self.source = source
        self.task_definition = task_definition
        self.service = Service.of(target)
        self.lease = LeaseInRun.on(application, environment, target)

    @abstractmethod
    def judge(self, facts: Facts, causes: tuple[str, ...] = (), stopped_because: str = "") -> DeploymentResult:
        """What the deployment came to."""

    @abstractmethod
    def causes(self, facts: Facts) -> Causes:
        """What the services around a failed deployment tell of it."""

    @abstractmethod
    def record(self, facts: Facts) -> Deployment:
        """The record of a deployment that is live."""

    @abstractmethod
    def stop(self, deployment_id: str) -> None:
        """Stop it with rollback; nothing if it is over."""

    def good_end(self, facts: Facts) -> dict[str, Any] | None:
        """A deployment that is live leaves nothing to find out: the triggerer ends the task."""
        return self.record(facts).to_json()

    def conclude(self, context: Context, facts: Facts) -> Any:
        return self.judged(context, facts, self.judge(facts))

    def judged(self, context: Context, facts: Facts, result: DeploymentResult) -> Any:
        """The record if the result is live; else it is judged again with what can be learnt of its cause."""
        context["ti"].xcom_push(key="deployment", value=facts)
        if not result.live:
            result = self.judge(facts, self._told(facts).sentences, self.stop_reason(context))
        if not result.live:
            context["ti"].xcom_push(key="deployment_outcome", value=str(result.outcome))
            raise Refused(result.sentence)
        self.log.info(result.sentence)
        return self.record(facts).to_json()

    def overdue(self, context: Context, facts: Facts | None) -> Any:
        """Stop with rollback, and wait until the rollback has ended too."""
        return self.give_up(context, facts, f"it was not over after {self.deadline_minutes:g} minutes")

    def give_up(self, context: Context, facts: Facts | None, because: str) -> Any:
        """Stop with rollback for this reason, and wait until the rollback has ended too."""
        deployment_id = self.started_job(context)
        self.log.warning("Stopping it with rollback: %s", because)
        if not self.stop_reason(context):
            # Asked before the stop: the new tasks, and what they suffer from, are gone afterwards.
            causes = self._told(facts).sentences if facts else ()
            why = because + "".join(f" ({cause})" for cause in causes[:1])
            memory(context).set("given_up", {"id": deployment_id, "why": why})
        self.stop(deployment_id)
        # To the very end now: what would have been enough before the stop is not any more.
        subject = Subject(self.kind, deployment_id, self.account)
        deadline = waits_since(context, f"the rollback of {deployment_id}") + timedelta(minutes=ROLLBACK_MINUTES)
        return self.follow(context, subject, deadline, "resume_stopped")

    def resume_stopped(self, context: Context, event: dict[str, Any]) -> Any:
        """Where the wait for the rollback comes back to; the name is stored with waiting tasks, keep it."""
        return self._spoken(context, lambda: self._stopped(context, event))

    def released(self) -> TaskDefinition:
        return TaskDefinition.from_json(self.task_definition)

    def _stopped(self, context: Context, event: dict[str, Any]) -> Any:
        self.keep_shares(context, event["facts"])
        if event["status"] == "finished":
            return self.conclude(context, event["facts"])
        raise Refused(
            f"the deployment was stopped because {self.stop_reason(context) or 'it took too long'}, "
            f"and {ROLLBACK_MINUTES} minutes later its rollback had not ended: {event['reason']}"
        )

    def _told(self, facts: Facts) -> Causes:
        causes = self.causes(facts)
        for line in [*causes.sentences, *(f"| {line}" for line in causes.log)]:
            self.log.error(line)
        return causes

    def stop_reason(self, context: Context) -> str:
        """Why this task itself stopped the deployment, or "" if it did not."""
        given_up = memory(context).get("given_up")
        if not given_up or given_up["id"] != self.started_job(context):
            return ""
        return f"{given_up['why']}, so Airdock stopped it"
