"""Shifting traffic to a new task definition with CodeDeploy, and staying until it is known where production stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk import Context

from airdock.aws.appspecs import made_for
from airdock.aws.causes import Causes, Failure, causes_of
from airdock.aws.deployments import Group, Order, adopt_or_create, console_url, ensure_config, run_since, stop
from airdock.aws.operators.job import JobOperator, clear_number, memory
from airdock.aws.production import Service, described, primary_task_definition
from airdock.aws.watch import Facts, Subject
from airdock.errors import Refused
from airdock.names import marker
from airdock.plan.adoption import State
from airdock.plan.appspec import AppSpec, from_file
from airdock.plan.deployment_result import DeploymentResult, deployment_state, judge_deployment
from airdock.plan.traffic import traffic_configuration
from airdock.release import Deployment, Source, TaskDefinition

if TYPE_CHECKING:
    from airdock.spec.environment import Environment

ROLLBACK_MINUTES = 30
"""How long the rollback of a deployment that was stopped at its deadline is waited for."""


class CodeDeployCreateDeploymentOperator(JobOperator):
    """Deploys one task definition with CodeDeploy blue/green, exactly once per delivery.

    Args:
        application, environment: whose deployment it is; they and the run are in its marker.
        target: where it goes, and how traffic moves there.
        source: the record of the source, for the repository's AppSpec.
        task_definition: the record of what is deployed, with what ran before.

    Record: a Deployment. XComs besides: `deployment`, the facts of how it ended, and `deployment_outcome`. What does
    not end well is refused, with the cause that AWS names.
    """

    kind = "deployment"
    template_fields = ("source", "task_definition")

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
        group = Group.of(target)
        kwargs.setdefault("deadline_minutes", target.rollout.deadline_minutes)
        super().__init__(account=group.account, **kwargs)
        self.application = application
        self.environment = environment
        self.target = target
        self.source = source
        self.task_definition = task_definition
        self.service = Service.of(target)
        self.group = group

    def options(self) -> dict[str, Any]:
        return {"success_at": self.target.rollout.success_at}

    def console_url(self, job_id: str) -> str:
        return console_url(self.group, job_id)

    def adopt_or_start(self, context: Context) -> str:
        released, run = self._released(), context["dag_run"]
        appspec = self._appspec(released.arn)
        self.log.info(appspec.sentence)
        config = ensure_config(self.account, traffic_configuration(self.target.rollout.traffic))
        mark = marker(self.application, self.environment, run.run_id, clear_number(context))
        runs_now = primary_task_definition(described(self.service))
        return adopt_or_create(self.group, Order(released.arn, appspec, config, mark), run_since(context), runs_now)

    def conclude(self, context: Context, facts: Facts) -> Any:
        return self._judged(context, facts, self.target.rollout.success_at)

    def _judged(self, context: Context, facts: Facts, success_at: Literal["traffic_shift", "termination"]) -> Any:
        context["ti"].xcom_push(key="deployment", value=facts)
        result = judge_deployment(facts, success_at)
        if not result.live:
            result = self._explained(context, facts)
        context["ti"].xcom_push(key="deployment_outcome", value=str(result.outcome))
        if not result.live:
            raise Refused(result.sentence)
        self.log.info(result.sentence)
        return self._record(facts).to_json()

    def overdue(self, context: Context, facts: Facts | None) -> Any:
        """Stop with rollback, and wait until the rollback has ended too; unless only the old tasks still wait."""
        if facts and facts["terminating"] and deployment_state(facts["status"]) is State.RUNNING:
            # A release that has all the traffic is good: its group's termination wait is longer than the deadline.
            self.log.warning("After %g minutes only the old tasks have not ended yet", self.deadline_minutes)
            return self._judged(context, facts, "traffic_shift")
        deployment_id = self.started_job(context)
        self.log.warning("Not over after %g minutes: stopping it with rollback", self.deadline_minutes)
        if not self._stop_reason(context):
            # Asked before the stop: the new tasks, and what they suffer from, are gone afterwards.
            causes = self._causes(facts).sentences if facts else ()
            memory(context).set("overdue", {"id": deployment_id, "causes": list(causes)})
        stop(self.account, deployment_id)
        # To the very end now: what would have been enough before the stop is not any more.
        subject = Subject(self.kind, deployment_id, self.account)
        deadline = datetime.now(UTC) + timedelta(minutes=ROLLBACK_MINUTES)
        return self.follow(context, subject, deadline, "resume_stopped")

    def resume_stopped(self, context: Context, event: dict[str, Any]) -> Any:
        """Where the wait for the rollback comes back to; the name is stored with waiting tasks, keep it."""
        return self._spoken(context, lambda: self._stopped(context, event))

    def _stopped(self, context: Context, event: dict[str, Any]) -> Any:
        if event["status"] == "finished":
            return self.conclude(context, event["facts"])
        raise Refused(
            f"the deployment was stopped after {self.deadline_minutes:g} minutes, "
            f"and {ROLLBACK_MINUTES} minutes later its rollback had not ended: {event['reason']}"
        )

    def _released(self) -> TaskDefinition:
        return TaskDefinition.from_json(self.task_definition)

    def _appspec(self, task_definition: str) -> AppSpec:
        if self.target.appspec is None:
            return made_for(self.service, task_definition, self.target.container_port)
        source = Source.from_json(self.source)
        if (text := source.files.get(self.target.appspec)) is None:
            raise Refused(f"the repository has no {self.target.appspec} at {source.commit.short}")
        return from_file(text, task_definition, self.target.appspec)

    def _explained(self, context: Context, facts: Facts) -> DeploymentResult:
        """A failure judged again, with what the services around the deployment tell of its cause."""
        causes = self._causes(facts)
        return judge_deployment(facts, causes=causes.sentences, stopped_because=self._stop_reason(context))

    def _causes(self, facts: Facts) -> Causes:
        since = datetime.fromisoformat(facts["started_at"])
        green = tuple(each["target_group"] for each in facts["task_sets"] if each["label"] == "green")
        arn, error = self._released().arn, facts["error"] or {}
        causes = causes_of(Failure(self.service, self.group, arn, error, since, green))
        for line in [*causes.sentences, *(f"| {line}" for line in causes.log)]:
            self.log.error(line)
        return causes

    def _stop_reason(self, context: Context) -> str:
        """Why this task itself stopped the deployment, or "" if it did not."""
        overdue = memory(context).get("overdue")
        if not overdue or overdue["id"] != self.started_job(context):
            return ""
        told = "".join(f" ({cause})" for cause in overdue["causes"][:1])
        return f"it was not over after {self.deadline_minutes:g} minutes{told}, so Airdock stopped it"

    def _record(self, facts: Facts) -> Deployment:
        released, rollback = self._released(), facts["rollback"] or {}
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
