"""What all delivery tasks share: speaking plainly when they fail, and starting a job exactly once.

Airflow runs `execute` at least once: again after a crash, a retry, a clear, and even after a wait that had already
ended well. So a job is never started before AWS has been asked for one that carries this delivery's marker.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, NoReturn

from airflow.sdk import BaseOperator, BaseOperatorLink, Context
from airflow.sdk.exceptions import AirflowFailException, TaskDeferralError, TaskDeferralTimeout

from airdock.aws.hooks import Account
from airdock.aws.links import ConsoleLink
from airdock.aws.operators.memory import clear_number, memory
from airdock.aws.watch import Facts, Subject, Watch, watch_for
from airdock.aws.watch.pace import FIRST_LOOK_SECONDS, SHORTEST_PAUSE_SECONDS, pauses
from airdock.aws.watch.subject import look, started_at
from airdock.errors import AirdockError, Fault, Refused
from airdock.plan.traffic_share import carried_on, followed

DEADLINE_MARGIN = timedelta(minutes=10)
"""How much later than the trigger's own deadline Airflow gives up on the trigger."""


class DeliveryOperator(BaseOperator):
    """A task whose failures are sentences: refused ones are never retried, faults are.

    The sentence of the last failure stays under the XCom key `reason`, and whether it was a fault under `faulted`,
    where the verdict finds them.
    """

    def execute(self, context: Context) -> Any:
        return self._spoken(context, lambda: self.deliver(context))

    @abstractmethod
    def deliver(self, context: Context) -> Any:
        """Do the task's work and return its record as plain JSON. Raises Refused or Fault."""

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except (TaskDeferralError, TaskDeferralTimeout) as error:
            broken = error
            return self._spoken(context, lambda: self._broken_off(context, broken))

    def _broken_off(self, context: Context, error: Exception) -> NoReturn:  # noqa: ARG002 - for those that clean up
        """A wait ended otherwise than by its event; what was waited for goes on, and the next try finds it."""
        raise Fault(f"the wait broke off in the triggerer: {error}") from error

    def _spoken(self, context: Context, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except AirdockError as error:
            context["ti"].xcom_push(key="reason", value=error.sentence)
            context["ti"].xcom_push(key="faulted", value=isinstance(error, Fault))
            if isinstance(error, Refused):
                # The cause adds nothing but its own trace: the sentence is the whole story.
                raise AirflowFailException(error.sentence) from None
            raise


class JobOperator(DeliveryOperator):
    """Starts one AWS job, or adopts the one that this delivery has started already, and sees it to its end.

    The first seconds are waited out in the worker, for a deferral costs two; then the triggerer waits, and no worker.
    """

    kind: ClassVar[str]
    """Which Watch follows the job."""
    first_pause_seconds: ClassVar[float] = SHORTEST_PAUSE_SECONDS
    """Before the worker's second look; no job of this kind is over sooner."""
    pause_share: ClassVar[float] = 1.0
    """How long the worker pauses then, as a share of the time it has waited."""
    moves_traffic: ClassVar[bool] = False
    """Whether the job shifts production's traffic; how it has moved so far outlives a try."""
    operator_extra_links: Collection[BaseOperatorLink] = (ConsoleLink(),)

    def __init__(
        self,
        *,
        account: Account,
        deadline_minutes: float = 60,
        handoff_seconds: float = 4,
        poll_seconds: float = 5,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.account = account
        self.deadline_minutes = deadline_minutes
        self.handoff_seconds = handoff_seconds
        self.poll_seconds = poll_seconds

    @abstractmethod
    def adopt_or_start(self, context: Context) -> str:
        """The id of the job that carries this delivery's marker, started now if AWS has none."""

    @abstractmethod
    def conclude(self, context: Context, facts: Facts) -> Any:
        """What the ended job means: the task's record, or Refused, or Fault."""

    def overdue(self, context: Context, facts: Facts | None) -> Any:  # noqa: ARG002 - for those that clean up
        """What to do when the deadline has come before the job's end; by default it is a refusal."""
        raise Refused(f"the {self.kind} had not ended after {self.deadline_minutes:g} minutes")

    def deadline(self, context: Context, facts: Facts) -> datetime:  # noqa: ARG002 - for those that count otherwise
        """Until when the job is waited for: counted from its start in AWS, so that no restart moves it."""
        return started_at(facts) + timedelta(minutes=self.deadline_minutes)

    def good_end(self, facts: Facts) -> dict[str, Any] | None:  # noqa: ARG002 - for those that need no worker
        """The task's record, `status` aside, where the triggerer may end the task well; None: a worker concludes."""
        return None

    def options(self) -> dict[str, Any]:
        """What the Watch must know beyond the job's id."""
        return {}

    def console_url(self, job_id: str) -> str:  # noqa: ARG002 - for those that have one
        """The job's page in the AWS console, or ""."""
        return ""

    def deliver(self, context: Context) -> Any:
        job_id = self._job_id(context)
        if url := self.console_url(job_id):
            context["ti"].xcom_push(key=ConsoleLink.key, value=url)
        return self.follow(context, Subject(self.kind, job_id, self.account, self.options()))

    def follow(
        self, context: Context, subject: Subject, deadline: datetime | None = None, method: str = "resume"
    ) -> Any:
        """Wait for the job: a moment here, then in the triggerer, whose event comes back to `method`."""
        watch = watch_for(subject.kind)
        facts = self._wait_here(context, watch, subject)
        if watch.finished(facts, subject.options):
            return self.conclude(context, facts)
        deadline = deadline or self.deadline(context, facts)
        if deadline <= datetime.now(UTC):
            late = {"status": "deadline", "facts": facts, "reason": f"not finished by {deadline.isoformat()}"}
            return getattr(self, method)(context, late)
        return self.hand_over(subject, facts, deadline, method)

    def resume(self, context: Context, event: dict[str, Any]) -> Any:
        """Where the triggerer's event comes back to; the name is stored with waiting tasks, keep it."""
        return self._spoken(context, lambda: self._resumed(context, event))

    def _broken_off(self, context: Context, error: Exception) -> NoReturn:
        if left := _left_shares(context):
            self.keep_shares(context, {"id": self.started_job(context), "shares": left})
        super()._broken_off(context, error)

    def _resumed(self, context: Context, event: dict[str, Any]) -> Any:
        if (facts := event["facts"]) and facts.get("shares"):
            self.keep_shares(context, {**facts, "shares": carried_on(_left_shares(context), facts["shares"])})
        if event["status"] == "refused":
            raise Refused(event["reason"])
        if event["status"] == "deadline":
            return self.overdue(context, event["facts"])
        return self.conclude(context, event["facts"])

    def _job_id(self, context: Context) -> str:
        """The job of this try: from the task's store after a retry, else from AWS by its marker, else a new one.

        The store outlives a user's clear as well, which asks for a fresh look: hence the run's clear number.
        """
        store, clears = memory(context), clear_number(context)
        known = store.get("job")
        if known and known["clears"] == clears and not known.get("spent"):
            self.log.info("Following the %s %s that an earlier try has started", self.kind, known["id"])
            return str(known["id"])
        job_id = self.adopt_or_start(context)
        store.set("job", {"id": job_id, "clears": clears})
        return job_id

    def started_job(self, context: Context) -> str:
        """The id of the job that `adopt_or_start` gave."""
        return str(memory(context).get("job")["id"])

    def forget_job(self, context: Context) -> None:
        """Let the next try start anew: this job ended by a fault that is not the delivery's."""
        store = memory(context)
        store.set("job", {**(store.get("job") or {"id": "", "clears": 0}), "spent": True})

    def _wait_here(self, context: Context, watch: Watch, subject: Subject) -> Facts:
        kept = (memory(context).get("shares") if self.moves_traffic else None) or {}
        earlier = kept if kept.get("job") == subject.id else {}
        facts = self._looked(watch, subject, None, earlier)
        for pause in pauses(self.handoff_seconds, self.first_pause_seconds, self.pause_share):
            if watch.finished(facts, subject.options):
                break
            time.sleep(pause)
            facts = self._looked(watch, subject, facts, facts)
        self.keep_shares(context, facts)
        return facts

    def _looked(self, watch: Watch, subject: Subject, before: Facts | None, moved: Mapping[str, Any]) -> Facts:
        """The facts now, and in the log what is new in them; `moved`: the `shares` of the traffic so far."""
        now = look(watch, subject)
        for line in watch.progress(before, now):
            self.log.info(line)
        return followed(moved, now, datetime.now(UTC).isoformat(timespec="seconds"))

    def keep_shares(self, context: Context, facts: Mapping[str, Any] | None) -> None:
        """Keep how the traffic has moved: as an XCom for the board, and for a next try, whose start takes the XComs."""
        if facts and (shares := facts.get("shares")):
            memory(context).set("shares", {"job": facts["id"], "shares": shares})
            context["ti"].xcom_push(key="shares", value=shares)

    def hand_over(
        self,
        subject: Subject,
        facts: Facts,
        deadline: datetime,
        method: str = "resume",
        first_look_seconds: float | None = None,
    ) -> NoReturn:
        """Wait in the triggerer, whose event comes back to `method`; it looks soon, or after `first_look_seconds`."""
        from airdock.aws.triggers import JobTrigger

        first = first_look_seconds or min(FIRST_LOOK_SECONDS, self.poll_seconds)
        record = self.good_end(facts) if method == "resume" else None
        trigger = JobTrigger(subject.to_json(), deadline.isoformat(), self.poll_seconds, facts, first, record)
        self.log.info("Waiting in the triggerer until %s at the latest", deadline.isoformat(timespec="seconds"))
        self.defer(trigger=trigger, method_name=method, timeout=deadline - datetime.now(UTC) + DEADLINE_MARGIN)


def _left_shares(context: Context) -> Any:
    """How the traffic has moved, as far as the trigger has left it on its way."""
    return context["ti"].xcom_pull(task_ids=context["ti"].task_id, key="shares")
