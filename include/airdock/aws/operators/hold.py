"""Before anything happens to an environment: one delivery at a time, and none while the line is stopped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context

from airdock.aws.operators.announcing import Announcement
from airdock.aws.operators.lease_in_run import LeaseInRun, run_of
from airdock.aws.operators.memory import waits_since
from airdock.aws.operators.wait import WaitOperator
from airdock.aws.release_records import Records
from airdock.aws.watch import Facts, Subject
from airdock.errors import Refused
from airdock.plan.lease import THAWED
from airdock.plan.run_params import refuse_late
from airdock.release import Outcome

if TYPE_CHECKING:
    from airdock.spec.environment import Environment


class HoldOperator(WaitOperator):
    """Takes the lease on an environment, or waits in the triggerer until it is free.

    The verdict gives it back. It outlives the delivery's deadlines, so that nobody takes it from a delivery at work;
    that of a run that Airflow says is over is taken at once. While the line is stopped no delivery begins here, unless
    it brings back what has been live before.

    Args:
        again: "True" where the release has been live here before.
        newest_wins: whether a run that began before the one whose release is live here is superseded.
        announcement: who hears that the delivery has come to the environment.

    Record: the Lease.
    """

    kind = "lease"
    template_fields = ("again",)

    def __init__(
        self,
        *,
        application: str,
        environment: str,
        target: Environment,
        again: str = "",
        newest_wins: bool = False,
        announcement: Announcement | None = None,
        **kwargs: Any,
    ) -> None:
        self.lease = LeaseInRun.on(application, environment, target)
        self.leases = self.lease.leases
        account = self.leases.account
        super().__init__(account=account, **{"deadline_minutes": 4 * self.lease.minutes, **kwargs})
        self.environment = environment
        self.again = again
        self.newest_wins = newest_wins
        self.announcement = announcement
        self.records = Records(account, application, environment)

    def adopt_or_start(self, context: Context) -> str:  # noqa: ARG002 - nothing is started
        return self.leases.path

    def deliver(self, context: Context) -> Any:
        if self.announcement:
            self.announcement.begin(context)
        return self._enter(context)

    def thawed(self, context: Context, event: dict[str, Any]) -> Any:  # noqa: ARG002 - looked at again
        """Where the end of a freeze comes back to, by the name `THAWED`."""
        return self._spoken(context, lambda: self._enter(context))

    def conclude(self, context: Context, facts: Facts) -> Any:  # noqa: ARG002 - looked at again when it is taken
        return self._enter(context)

    def overdue(self, context: Context, facts: Facts | None) -> Any:  # noqa: ARG002 - the lease is asked for anew
        raise Refused(f"{self.lease.stand(context).sentence}, and {self.environment} was waited for until now")

    def deadline(self, context: Context, facts: Facts) -> datetime:  # noqa: ARG002 - a lease is no job of ours
        return waits_since(context, self.leases.path) + timedelta(minutes=self.deadline_minutes)

    def _enter(self, context: Context) -> Any:
        """The lease, or a wait for it. The line may have been stopped while another delivery was waited for."""
        self._wait_for_thaw()
        return self._taken(context) or self._wait(context)

    def _wait(self, context: Context) -> Any:
        subject = Subject(self.kind, self.leases.path, self.account, {"holder": list(run_of(context))})
        return self.follow(context, subject)

    def _wait_for_thaw(self) -> None:
        """Wait in the triggerer while the line is stopped; what brings back an old release goes on."""
        from airflow.sdk import Variable

        from airdock.aws.people import FREEZE, ThawTrigger, freeze_in_words

        stopped = freeze_in_words(Variable.get(FREEZE, default=None))
        if stopped and self.again == "True":
            self.log.info("%s; what has been live before may come back all the same", stopped)
        elif stopped:
            self.log.info("%s: waiting in the triggerer until it runs again", stopped)
            self.defer(trigger=ThawTrigger(self.poll_seconds), method_name=THAWED)

    def _taken(self, context: Context) -> Any:
        """The lease that this run has now, None while it is another's."""
        how = self.lease.stand(context)
        self.log.info(how.sentence)
        lease = self.lease.taken(context, how)
        if lease is None:
            return None
        refuse_late(context["params"], datetime.now(UTC))
        self._refuse_older(context)
        self._refuse_other(context)
        return lease.to_json()

    def _refuse_older(self, context: Context) -> None:
        """Deliveries that are built side by side come here in any order: an older one must not replace a newer."""
        live = self.records.live() if self.newest_wins else None
        run, began = context["dag_run"], context["dag_run"].start_date or datetime.now(UTC)
        if live is None or live.dag_id != run.dag_id or datetime.fromisoformat(live.started_at) <= began:
            return
        context["ti"].xcom_push(key="deployment_outcome", value=str(Outcome.SUPERSEDED))
        raise Refused(f"{live.commit[:12]}, whose delivery began later, is live here already")

    def _refuse_other(self, context: Context) -> None:
        """A way back that nobody watches names the release that it found (param `instead_of`): no other is replaced."""
        found = context["params"].get("instead_of")
        live = self.records.live() if found else None
        if live is None or live.key == found or (live.dag_id, live.run_id) == run_of(context):
            return
        context["ti"].xcom_push(key="deployment_outcome", value=str(Outcome.SUPERSEDED))
        raise Refused(f"{live} has come since, and not {found} would be replaced")
