"""A command that the new version runs once, beside the service: a migration before traffic, a cache warmed after it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context

from airdock.aws import one_off_tasks
from airdock.aws.operators.job import JobOperator
from airdock.aws.operators.lease_in_run import LeaseInRun
from airdock.aws.operators.memory import clear_number, memory, waits_since
from airdock.aws.production import Service, container_of, described
from airdock.aws.task_definitions import definition
from airdock.aws.watch import Facts, Subject
from airdock.aws.watch.task import console_url
from airdock.errors import Fault, Refused
from airdock.names import Marker, marker
from airdock.plan.adoption import Adopt, Candidate, Start, State, choose
from airdock.plan.one_off_task import MISSING, STOPPED, judge_task, run_request, task_state
from airdock.release import TaskDefinition, TaskRun

if TYPE_CHECKING:
    from airdock.spec.environment import Environment
    from airdock.spec.one_off_task import OneOffTask

UNHEARD_MINUTES = 5
"""How long a task that ECS does not tell of is waited for: DescribeTasks may lag behind RunTask."""


class EcsRunTaskOperator(JobOperator):
    """Runs a one-off task with the new revision, exactly once for each delivery and revision.

    It runs in the service's network, on its launch type or capacity providers; the service itself is not touched.

    Args:
        application, environment: whose task it is.
        target: the service beside which the task runs.
        task: what to run.
        task_definition: the record of the new revision.
        again: "True" where the release has been live before: what it needed has been done then.

    Record: a TaskRun. Any other end than exit code 0 is refused, with the last lines of the log.
    """

    kind = "task"
    template_fields = ("task_definition", "again")

    def __init__(
        self,
        *,
        application: str,
        environment: str,
        target: Environment,
        task: OneOffTask,
        task_definition: Any,
        again: str = "",
        **kwargs: Any,
    ) -> None:
        self.service = Service.of(target)
        super().__init__(account=self.service.account, deadline_minutes=task.timeout_minutes, **kwargs)
        self.application = application
        self.environment = environment
        self.lease = LeaseInRun.on(application, environment, target)
        self.task = task
        self.task_definition = task_definition
        self.again = again

    def console_url(self, job_id: str) -> str:
        return console_url(job_id)

    def options(self) -> dict[str, Any]:
        return {"container": self._container}

    def deliver(self, context: Context) -> Any:
        """ECS forgets stopped tasks after an hour; the task's store does not, whatever is cleared."""
        if self.again == "True":
            self.log.info("%s has run when this release was delivered: it is not run again", self.task.name)
            return None
        ended = memory(context).get("ended_well") or {}
        if ended.get("of") == self._mark(context).base:
            self.log.info("%s has ended well in this delivery, as %s", self.task.name, ended["record"]["task"])
            return ended["record"]
        return super().deliver(context)

    def adopt_or_start(self, context: Context) -> str:
        mark = self._mark(context)
        choice = self._choice(mark)
        self.log.info(choice.reason)
        if isinstance(choice, Adopt):
            return choice.id
        self.lease.insist(context)
        try:
            return self._run(context, mark)
        except one_off_tasks.NoRoom:
            raise
        except Fault as fault:
            return self._started_unheard(mark, fault)

    def conclude(self, context: Context, facts: Facts) -> Any:
        result = judge_task(facts, self._container, self.task.name)
        self._show_log(facts["id"])
        if facts["status"] != STOPPED:
            one_off_tasks.stop(self.account, facts["id"], f"{self.task.name} has ended")
        if result.state is not State.SUCCEEDED:
            raise Refused(result.sentence)
        self.log.info(result.sentence)
        record = TaskRun(facts["id"], result.exit_code or 0, facts["seconds"]).to_json()
        memory(context).set("ended_well", {"of": self._mark(context).base, "record": record})
        return record

    def deadline(self, context: Context, facts: Facts) -> datetime:
        if facts["status"] == MISSING:
            return waits_since(context, facts["id"]) + timedelta(minutes=UNHEARD_MINUTES)
        return super().deadline(context, facts)

    def overdue(self, context: Context, facts: Facts | None) -> Any:
        arn = self.started_job(context)
        if facts and facts["status"] == MISSING:
            raise Refused(
                f"ECS does not tell of the task {arn} (any more): whether {self.task.name} ended well is not known. "
                "Look into its log; clearing this task runs it again"
            )
        if facts and self.deadline(context, facts) > datetime.now(UTC):  # ECS told of it late
            return self.follow(context, Subject(self.kind, arn, self.account, self.options()))
        one_off_tasks.stop(self.account, arn, f"not ended after {self.deadline_minutes:g} minutes")
        self._show_log(arn)
        raise Refused(f"{self.task.name} had not ended after {self.deadline_minutes:g} minutes and is stopped: {arn}")

    def _mark(self, context: Context) -> Marker:
        """Of the delivery and the revision: a run that is cleared may come to another one, which needs its own run."""
        whose = context["dag_run"].dag_id, f"{context['run_id']} {self._release.arn}"
        return marker(self.application, self.environment, whose, clear_number(context)).task(self.task.name)

    def _choice(self, mark: Marker) -> Adopt | Start:
        family, started_by = self._release.family, mark.started_by
        tasks = one_off_tasks.known(self.account, self.service.cluster, family, started_by)
        return choose(mark, [Candidate(task["id"], task["mark"], task_state(task, self._container)) for task in tasks])

    def _run(self, context: Context, mark: Marker) -> str:
        store, service = memory(context), described(self.service)
        unplaced = int(store.get("unplaced") or 0)
        request = run_request(self.task, self._container, self._release.arn, service, mark, unplaced)
        try:
            arn = one_off_tasks.run(self.account, self.service.cluster, request)
        except one_off_tasks.NoRoom:
            store.set("unplaced", unplaced + 1)
            raise
        self.log.info("Running %s as %s: %s", self.task.name, arn, " ".join(self.task.command))
        return arn

    def _started_unheard(self, mark: Marker, fault: Fault) -> str:
        """The task that was started although its reply was lost; raises the fault when there is none."""
        choice = self._choice(mark)
        if isinstance(choice, Start):
            raise fault
        self.log.warning("%s; but %s", fault.sentence, choice.reason)
        return choice.id

    def _show_log(self, arn: str) -> None:
        for line in one_off_tasks.log_tail(self.account, self._definition, self._container, arn):
            self.log.info("| %s", line)

    @property
    def _release(self) -> TaskDefinition:
        return TaskDefinition.from_json(self.task_definition)

    @cached_property
    def _definition(self) -> Mapping[str, Any]:
        return definition(self.account, self._release.arn)

    @property
    def _container(self) -> str:
        """The container that runs the command. Raises Refused: none of that name, or none named and several there."""
        name = self.task.container or self.service.container
        found = container_of(self._definition["containerDefinitions"], name)
        if found is None:
            wanted = f"no container {name!r}" if name else "several containers; name one under `container`"
            raise Refused(f"{self._release.arn} has {wanted}")
        return str(found["name"])
