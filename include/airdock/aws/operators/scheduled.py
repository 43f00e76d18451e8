"""Rules and schedules follow a release: their tasks run the new revision once it is live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Context

from airdock.aws.hooks import Account
from airdock.aws.operators.job import DeliveryOperator
from airdock.aws.scheduled import place_of
from airdock.plan.scheduled import follows, retargeted, runs
from airdock.release import TaskDefinition

if TYPE_CHECKING:
    from airdock.spec.environment import Environment


class EcsRetargetOperator(DeliveryOperator):
    """Lets the ECS targets of an environment's rules and schedules run a release's revision.

    Only targets that run the same family change, and nothing of them but the task definition. It runs when nothing is
    left that would take the release back; a delivery of an older one takes them along to that.

    Args:
        target: the environment with its `scheduled`.
        task_definition: the record of the revision that is live.
    """

    template_fields = ("task_definition",)

    def __init__(self, *, target: Environment, task_definition: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target = target
        self.task_definition = task_definition
        self.account = Account(target.aws_connection, target.region)

    def deliver(self, context: Context) -> None:  # noqa: ARG002 - the revision is all that it needs
        arn = TaskDefinition.from_json(self.task_definition).arn
        for scheduled in self.target.scheduled:
            place = place_of(self.account, scheduled)
            for target in [target for target in place.targets() if follows(target, arn)]:
                place.write(retargeted(target, arn))
                self.log.info("The %s %s runs %s now instead of %s", place.kind, place.name, arn, runs(target))
