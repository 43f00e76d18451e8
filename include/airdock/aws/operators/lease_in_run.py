"""The lease on an environment as the tasks of a run use it: `hold` takes it, who changes something asks once more.

Airflow lets anybody clear one task of a run that ended yesterday. It then does its work past `hold`, while another run
deploys, or over what another has brought since.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from airflow.sdk import Context

from airdock.aws.hooks import Account
from airdock.aws.leases import Leases
from airdock.errors import Fault, Refused
from airdock.plan.lease import Claim, Lease, Stand, stand, stand_again
from airdock.release import Outcome

if TYPE_CHECKING:
    from airdock.spec.environment import Environment

ENDED = frozenset({"success", "failed"})
SPARE_MINUTES = 120
"""What a delivery may take beside its deployment, the way back and its one-off tasks."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LeaseInRun:
    """The leases on one environment; one that is taken now is good for `minutes`, longer than a delivery lives."""

    leases: Leases
    minutes: float

    @classmethod
    def on(cls, application: str, environment: str, target: Environment) -> LeaseInRun:
        around = sum(task.timeout_minutes for task in (*target.before_traffic, *target.after_traffic))
        minutes = 2 * target.rollout.deadline_minutes + around + SPARE_MINUTES
        return cls(Leases(Account(target.aws_connection, target.region), application, environment), minutes)

    def stand(self, context: Context) -> Stand:
        """How the run stands to the lease. Raises Refused or Fault."""
        newest = self.leases.newest()
        return stand(newest, run_of(context), datetime.now(UTC), _has_ended(context, newest))

    def taken(self, context: Context, how: Stand) -> Lease | None:
        """The lease if the run holds it, or takes it now; None while it is another's. Raises Refused or Fault."""
        now = datetime.now(UTC)
        expires = now + timedelta(minutes=self.minutes)
        lease = Lease(how.generation, *run_of(context), now.isoformat(), expires.isoformat())
        if how.claim is Claim.HELD or (how.claim is Claim.TAKE and self.leases.take(lease)):
            return lease
        return None

    def insist(self, context: Context) -> None:
        """Before something new is brought: that the run holds the lease; one that is nobody's is taken again.

        Raises:
            Refused: another holds it, or has held it since; XCom `deployment_outcome`: superseded.
            Fault: AWS is out of reach, or another was quicker.
        """
        newest = self.leases.newest()
        self._insist(context, stand_again(newest, run_of(context), datetime.now(UTC), _has_ended(context, newest)))

    def insist_for_way_back(self, context: Context) -> None:
        """The same before the run's own release is taken back, which is right whoever has held the lease since."""
        self._insist(context, self.stand(context))

    def _insist(self, context: Context, how: Stand) -> None:
        if how.claim is Claim.HELD:
            return
        log.info(how.sentence)
        if how.claim is not Claim.TAKE:
            context["ti"].xcom_push(key="deployment_outcome", value=str(Outcome.SUPERSEDED))
            raise Refused(how.sentence)
        if self.taken(context, how) is None:
            raise Fault(f"another has just taken the lease on {self.leases.environment}")


def run_of(context: Context) -> tuple[str, str]:
    """The holder that a run is: its dag and its id."""
    run = context["dag_run"]
    return run.dag_id, run.run_id


def _has_ended(context: Context, lease: Lease | None) -> bool:
    """Whether another's run holds the lease of which Airflow knows, and says, that it is over."""
    if lease is None or lease.released or lease.holder == run_of(context):
        return False
    try:
        state = context["ti"].get_dagrun_state(*lease.holder)
        # Airflow types it as a text, and sends a member of an enum.
        return str(getattr(state, "value", state)) in ENDED
    except Exception as error:  # Another Airflow's run, or one that was deleted: its lease expires.
        log.info("Airflow can't tell of %s: %s", lease, error)
        return False
