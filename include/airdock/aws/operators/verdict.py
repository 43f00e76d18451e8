"""The end of every delivery: one outcome, one sentence, and a run whose state says the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from airdock.aws.leases import Leases
from airdock.aws.operators.announcing import Announcement
from airdock.aws.operators.job import DeliveryOperator
from airdock.aws.operators.recording import Left, left_by_tasks, recorded
from airdock.aws.production import Service, Standing, digest_in, stamp, standing
from airdock.aws.release_records import Records
from airdock.errors import AirdockError, Fault
from airdock.plan.delivery import ENTRY, STOPPED, Production, Step, StepEnd, came_to, judge_delivery, passed
from airdock.plan.ledger_entry import KEY, ledger_entry
from airdock.plan.release_record import ReleaseRecord
from airdock.release import Outcome, OutcomeReport, TaskDefinition

if TYPE_CHECKING:
    from airdock.spec.environment import Environment


LONGEST_WORD = 200
"""Characters of what was said as a task was stopped: anybody who may edit the dag can write it."""


class VerdictOperator(DeliveryOperator):
    """Names the outcome of the run by how its tasks ended and what production runs now; fails unless it is live.

    Args:
        tasks: the id of each step's task: `{"deploy": "production.deploy", ...}`, in the line's order; where a step
            may have several, its name follows: `"before_traffic migrate"`.
        source: task id and XCom key of the source's record.
        earlier: the ids of the verdicts on the environments before this one.
        announcement: who hears of it.

    The OutcomeReport lies under the XCom keys `outcome` and `return_value`, whether the task fails or not, the
    release's record in SSM and, for the board, under the key `ledger_entry`. The task's outlets, assets, get an event
    only when the release is live. A run that ends before this environment skips the verdict, as it did the rest.
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
        announcement: Announcement | None = None,
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
        self.anyones_revision = target.task_definition.type == "infrastructure"
        self.tasks = dict(tasks)
        self.source = source
        self.earlier = list(earlier)
        self.announcement = announcement

    def deliver(self, context: Context) -> Any:
        ends = self._ends(context)
        if any(end.step is ENTRY and end.state == "skipped" for end in ends):
            raise AirflowSkipException(f"This run ends before {self.environment}")
        now, left = self._looked(context)
        production = self._production(context, now, left)
        if passed(ends) and production.seen and not production.release and self._looks_again(context):
            raise Fault(f"all has gone well, but {production.words}, says ECS")
        report = judge_delivery(self._subject(left), ends, production, self._not_passed(left))
        self._tell(context, report)
        kept = self._record(context, report, left)
        self._enter(context, kept, left)
        self._settle(context, kept, now, partial(self._tell_others, context, report, came_to(ends), left))
        if report.outcome is not Outcome.LIVE:
            raise AirflowFailException(report.sentence)
        self._announce(context, kept)
        return report.to_json()

    def _looked(self, context: Context) -> tuple[Standing | None, Left]:
        """What production runs, and what the tasks have left: neither AWS nor Airflow waits for the other's answers."""
        with ThreadPoolExecutor() as beside:
            now = beside.submit(self._standing)
            left = left_by_tasks(context, self.source, self.tasks, self.earlier)
        return now.result(), left

    def _tell(self, context: Context, report: OutcomeReport) -> None:
        """Leave the outcome; what a task returns Airflow keeps as its `return_value`, but nothing of one that fails."""
        keys = ("outcome",) if report.outcome is Outcome.LIVE else ("outcome", "return_value")
        for key in keys:
            context["ti"].xcom_push(key=key, value=report.to_json())
        for line in report.details:
            self.log.info(line)
        self.log.info("%s: %s", str(report.outcome).upper(), report.sentence)

    def _enter(self, context: Context, kept: ReleaseRecord, left: Left) -> None:
        """Leave for the board what became of the release; it asks Airflow alone."""
        committed_at = left.source.commit.committed_at if left.source else ""
        context["ti"].xcom_push(key=KEY, value=ledger_entry(kept, left.checked, committed_at).to_json())

    def _settle(self, context: Context, kept: ReleaseRecord, now: Standing | None, tell: Callable[[], None]) -> None:
        """Leave the environment to the next delivery, and then tell of it.

        Who takes the lease next asks what is live: the record comes first. Nobody waits for the service's tags, nor for
        old records to go.
        """
        run = context["dag_run"]
        with ThreadPoolExecutor() as beside:
            tagged = beside.submit(self._tag, context, kept, now)
            self._wanted(context, "the release record can't be kept", lambda: self.records.keep(kept))
            tidied = beside.submit(self._tidy)
            # The lease of a run that is over is taken over, should this fail to the end.
            back = partial(self.leases.give_back, (run.dag_id, run.run_id))
            self._wanted(context, "the lease can't be given back", back)
            tell()
        tagged.result()
        tidied.result()

    def _tag(self, context: Context, kept: ReleaseRecord, now: Standing | None) -> None:
        if kept.live:
            arn = now.service if now else ""
            self._wanted(context, "the service can't be tagged", lambda: stamp(self.service, arn, kept.tags()))

    def _tidy(self) -> None:
        """What is left over goes with the next delivery."""
        try:
            self.records.tidy()
        except AirdockError as error:
            self.log.warning("Old release records can't be removed: %s", error.sentence)

    def _tell_others(self, context: Context, report: OutcomeReport, begun: bool, left: Left) -> None:
        if self.announcement:
            self.announcement.end(context, report, begun, left.source, left.earlier)

    def _wanted(self, context: Context, complaint: str, act: Callable[[], None]) -> None:
        """Do what the outcome does not depend on: a fault is tried again with this task, and at last let be."""
        try:
            act()
        except AirdockError as error:
            if isinstance(error, Fault) and context["ti"].try_number <= (self.retries or 0):
                raise
            self.log.warning("%s: %s", complaint.capitalize(), error.sentence)

    def _announce(self, context: Context, record: ReleaseRecord) -> None:
        """What the events of the assets that are the task's outlets tell; Airflow emits them as it succeeds."""
        for asset in self.outlets:
            context["outlet_events"][asset].extra = {
                "commit": record.commit,
                "digest": record.digest,
                "task_definition": record.task_definition,
                "release": record.key,
            }

    def _record(self, context: Context, report: OutcomeReport, left: Left) -> ReleaseRecord:
        return recorded(
            context, report, left, application=self.application, environment=self.environment, appspec=self.appspec
        )

    def _subject(self, left: Left) -> str:
        commit = f" {left.source.commit.short}" if left.source else ""
        return f"{self.application}{commit} to {self.environment}"

    def _not_passed(self, left: Left) -> str:
        """The sentence of the environment before this one in which the release ended; "" where it passed them all."""
        reports = left.earlier.values()
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
        if state != "failed":  # a word of an earlier attempt that may lie there is not asked for
            return StepEnd(Step(step), state, task=task)
        if told := left(STOPPED):
            return StepEnd(Step(step), state, str(told)[:LONGEST_WORD], outcome=Outcome.STOPPED, task=task)
        outcome = left("deployment_outcome")
        ended = Outcome(outcome) if outcome else None
        return StepEnd(Step(step), state, left("reason") or "", bool(left("faulted")), ended, task)

    def _standing(self) -> Standing | None:
        try:
            return standing(self.service)
        except AirdockError as error:
            self.log.warning("What production runs can't be told: %s", error.sentence)
            return None

    def _production(self, context: Context, now: Standing | None, left: Left) -> Production:
        """What production runs; where AWS can't be asked, what this run's own tasks have found there must do."""
        released = left.release
        if now is None:
            deployed = context["ti"].xcom_pull(task_ids=self.tasks["deploy"])
            return Production(f"{self.environment} could not be looked at", bool(deployed and left.checked), seen=False)
        words = f"{self.environment} runs {now.digest or now.image} ({now.task_definition.rpartition('/')[2]})"
        if released is None:
            return Production(words, release=False)
        return Production(words, self._runs(now, released), now.task_definition == released.previous_arn)

    def _runs(self, now: Standing, released: TaskDefinition) -> bool:
        """Infrastructure code that has been told the image may run it in a revision of its own by now."""
        return now.runs(released) or (self.anyones_revision and now.digest == digest_in(released.image))

    def _looks_again(self, context: Context) -> bool:
        """Once: ECS's answers are eventually consistent, and for a moment may still tell what ran before."""
        return bool(context["ti"].try_number <= min(1, self.retries or 0))
