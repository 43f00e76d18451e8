"""Rules and schedules follow a release: their tasks run the new revision once it is live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Context

from airdock.aws.hooks import Account
from airdock.aws.operators.job import DeliveryOperator, memory
from airdock.aws.scheduled import moved, place_of, place_of_move
from airdock.plan.scheduled import Moved, Retargeting, follows, remembered, retargeted, runs
from airdock.release import TaskDefinition

if TYPE_CHECKING:
    from airdock.spec.environment import Environment


class EcsRetargetOperator(DeliveryOperator):
    """Lets the ECS targets of an environment's rules and schedules run a release's revision.

    Only targets that run the same family change, and nothing of them but the task definition.

    Args:
        target: the environment with its `scheduled`.
        task_definition: the record of the revision that is live.

    Record: a Retargeting, with what every target ran before this run first changed it.
    """

    template_fields = ("task_definition",)

    def __init__(self, *, target: Environment, task_definition: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target = target
        self.task_definition = task_definition
        self.account = Account(target.aws_connection, target.region)

    def deliver(self, context: Context) -> Any:
        arn, store = TaskDefinition.from_json(self.task_definition).arn, memory(context)
        moves = tuple(Moved.from_json(each) for each in store.get("moved") or ())
        for scheduled in self.target.scheduled:
            place = place_of(self.account, scheduled)
            behind = [target for target in place.targets() if follows(target, arn)]
            # Remembered before anything is written: a try that dies in between has told what stood there.
            moves = remembered(moves, (moved(place, target) for target in behind))
            store.set("moved", [each.to_json() for each in moves])
            for target in behind:
                place.write(retargeted(target, arn))
                self.log.info("The %s %s runs %s now instead of %s", place.kind, place.name, arn, runs(target))
        return Retargeting(arn, moves).to_json()


class EcsRetargetBackOperator(DeliveryOperator):
    """Puts back what an `EcsRetargetOperator` has changed, unless something else has changed it since.

    Args:
        target: the environment.
        retargeting: the record of that task.
    """

    template_fields = ("retargeting",)

    def __init__(self, *, target: Environment, retargeting: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.retargeting = retargeting
        self.account = Account(target.aws_connection, target.region)

    def deliver(self, context: Context) -> None:  # noqa: ARG002 - the record is all that it needs
        record = Retargeting.from_json(self.retargeting)
        for move in record.moved:
            place = place_of_move(self.account, move)
            for target in place.targets():
                if (moved(place, target).target, runs(target)) == (move.target, record.task_definition):
                    place.write(retargeted(target, move.before))
                    self.log.info("The %s %s runs %s again", place.kind, place.name, move.before)
