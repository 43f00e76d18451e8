"""The end of every delivery: one outcome, one sentence, and a run whose state says the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from airdock.aws.leases import Leases
from airdock.aws.operators.job import DeliveryOperator
from airdock.aws.operators.recording import recorded
from airdock.aws.production import Service, standing
from airdock.aws.release_records import Records
from airdock.errors import AirdockError, Fault
from airdock.plan.delivery import ENTRY, Step, StepEnd, judge_delivery
from airdock.release import Outcome, OutcomeReport, Source

if TYPE_CHECKING:
    from airdock.spec.environment import Environment


class VerdictOperator(DeliveryOperator):
    """Names the outcome of the run by how its tasks ended and what production runs now; fails unless it is live.

    Args:
        tasks: the id of each step's task: `{"deploy": "production.deploy", ...}`, in the line's order; where a step
            may have several, its name follows: `"before_traffic migrate"`.
        source: task id and XCom key of the source's record.
        earlier: the ids of the verdicts on the environments before this one.

    The OutcomeReport lies under the XCom keys `outcome` and `return_value`, whether the task fails or not, and the
    release's record in SSM. A run that ends before this environment skips the verdict, as it has skipped the rest.
    """

    def __init__(
        self,
        *,
        application: str,
        environment: str,
        target: Environment,
        tasks: Mapping[str, str],
        source: tuple[str, str] = ("clone_source", "return_value"),
        earlier: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("trigger_rule", "all_done")
        super().__init__(**kwargs)
        self.application = application
        self.environment = environment
        self.service = Service.of(target)
        self.leases = Leases(self.service.account, application, environment)
        self.records = Records(self.service.account, application, environment)
        self.appspec = target.appspec
        self.tasks = dict(tasks)
        self.source = source
        self.earlier = list(earlier)

    def deliver(self, context: Context) -> Any:
        ends = self._ends(context)
        if any(end.step is ENTRY and end.state == "skipped" for end in ends):
            raise AirflowSkipException(f"This run ends before {self.environment}")
        report = judge_delivery(self._subject(context), ends, self._stands(), self._not_passed(context))
        record = report.to_json()
        for key in ("outcome", "return_value"):
            context["ti"].xcom_push(key=key, value=record)
        self._tell(report)
        self._keep(context, report)
        self._give_back(context)
        if report.outcome is not Outcome.LIVE:
            raise AirflowFailException(report.sentence)
        return record

    def _tell(self, report: OutcomeReport) -> None:
        for line in report.details:
            self.log.info(line)
        self.log.info("%s: %s", str(report.outcome).upper(), report.sentence)

    def _keep(self, context: Context, report: OutcomeReport) -> None:
        """Keep the release's record. A fault is tried again with this task; at last the outcome counts more."""
        record = recorded(
            context,
            report,
            application=self.application,
            environment=self.environment,
            source=self._source(context),
            tasks=self.tasks,
            appspec=self.appspec,
        )
        try:
            self.records.write(record)
            self.records.tidy()
        except AirdockError as error:
            if isinstance(error, Fault) and context["ti"].try_number <= (self.retries or 0):
                raise
            self.log.warning("The release record can't be kept: %s", error.sentence)

    def _give_back(self, context: Context) -> None:
        """Let the next delivery in; at last the outcome counts more, and the lease of an ended run is taken over."""
        run = context["dag_run"]
        try:
            self.leases.give_back((run.dag_id, run.run_id))
        except AirdockError as error:
            if isinstance(error, Fault) and context["ti"].try_number <= (self.retries or 0):
                raise
            self.log.warning("The environment can't be given back: %s", error.sentence)

    def _subject(self, context: Context) -> str:
        told = self._source(context)
        commit = f" {Source.from_json(told).commit.short}" if told else ""
        return f"{self.application}{commit} to {self.environment}"

    def _source(self, context: Context) -> Any:
        task_id, key = self.source
        return context["ti"].xcom_pull(task_ids=task_id, key=key)

    def _not_passed(self, context: Context) -> str:
        """The sentence of the environment before this one in which the release ended; "" where it passed them all."""
        told = [context["ti"].xcom_pull(task_ids=task_id, key="outcome") for task_id in self.earlier]
        reports = [OutcomeReport.from_json(report) for report in told if report]
        return next((report.sentence for report in reports if report.outcome is not Outcome.LIVE), "")

    def _ends(self, context: Context) -> list[StepEnd]:
        run, ids = context["dag_run"], list(self.tasks.values())
        told = context["ti"].get_task_states(dag_id=run.dag_id, task_ids=ids, run_ids=[run.run_id])
        states = told.get(run.run_id, {})
        return [self._end(context, name, str(states.get(task_id) or "")) for name, task_id in self.tasks.items()]

    def _end(self, context: Context, name: str, state: str) -> StepEnd:
        def left(key: str) -> Any:
            return context["ti"].xcom_pull(task_ids=self.tasks[name], key=key)

        step, _, task = name.partition(" ")
        outcome = left("deployment_outcome")
        ended = Outcome(outcome) if outcome else None
        return StepEnd(Step(step), state, left("reason") or "", bool(left("faulted")), ended, task)

    def _stands(self) -> str:
        """What production runs, in words; the verdict does not depend on being able to ask."""
        try:
            now = standing(self.service)
        except AirdockError as error:
            self.log.warning("What production runs can't be told: %s", error.sentence)
            return ""
        return f"{self.environment} runs {now.digest or now.image} ({now.task_definition.rpartition('/')[2]})"
