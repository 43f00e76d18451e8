"""Beside a delivery: old revisions of the task definition go, and nothing depends on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

from airdock.aws.hooks import Account
from airdock.aws.operators.job import DeliveryOperator
from airdock.aws.release_records import everywhere
from airdock.aws.revisions import prune
from airdock.aws.scheduled import place_of
from airdock.errors import AirdockError
from airdock.plan.scheduled import runs
from airdock.release import TaskDefinition

if TYPE_CHECKING:
    from airdock.spec.environment import Environment


class EcsPruneRevisionsOperator(DeliveryOperator):
    """Deregisters old revisions of an environment's task definition; what goes wrong is a warning, never a failure.

    Args:
        application: whose revisions may go.
        target: the environment with its `keep_revisions`, and with the rules and schedules whose revisions stay.
        task_definition: the record of the release, whose revision stays, as does the one before it.

    What stays besides, for the way back: the releases that are recorded in any environment of the application in this
    account, for environments may share a family.

    Record: the ARNs that were deregistered.
    """

    template_fields = ("task_definition",)

    def __init__(
        self,
        *,
        application: str,
        target: Environment,
        task_definition: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"trigger_rule": "all_done", **kwargs})
        self.application = application
        self.target = target
        self.task_definition = task_definition
        self.account = Account(target.aws_connection, target.region)

    def deliver(self, context: Context) -> list[str]:  # noqa: ARG002 - the record is all that it needs
        keep = self.target.keep_revisions
        if keep is None or not self.task_definition:
            raise AirflowSkipException("Nothing was registered, or all revisions are kept")
        release = TaskDefinition.from_json(self.task_definition)
        try:
            needed = {release.arn, release.previous_arn, *self._recorded(), *self._scheduled()}
            pruning = prune(self.account, self.application, release.family, keep=keep, needed=needed)
        except AirdockError as error:
            self.log.warning("Old revisions are left for the next delivery: %s", error.sentence)
            return []
        self.log.info(pruning.sentence)
        return list(pruning.arns)

    def _recorded(self) -> Iterator[str]:
        """The revisions of releases that there is a way back to."""
        kept = everywhere(self.account, self.application)
        yield from (record.task_definition for record in kept if record.live)

    def _scheduled(self) -> Iterator[str]:
        for scheduled in self.target.scheduled:
            yield from map(runs, place_of(self.account, scheduled).targets())
