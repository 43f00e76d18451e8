"""The task of the DAG `receive_pushes`: what waits in the queue starts deliveries, as a webhook would."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context

from airdock.aws import runs
from airdock.aws.operators.job import DeliveryOperator
from airdock.aws.push_queue import PushQueue, Queued
from airdock.errors import AirdockError, Fault, Refused
from airdock.plan.push import Push, Unconcerning
from airdock.plan.push_decision import AskedOnce, decided
from airdock.plan.push_queue import pushes_in
from airdock.plan.push_routing import Answer, concerns, dag_id, may_concern
from airdock.plan.push_run import conf_of, note_of

if TYPE_CHECKING:
    from airdock.spec.pipeline import Pipeline
    from airdock.spec.unread import Unread

MOST_MESSAGES = 500
"""How many one run takes; the rest wakes the next one."""
MOST_QUESTIONS = 4
MOST_LOOKS = 60
"""Two hours of a message's coming again: time to mend a pipeline file."""
LONGEST_SHOWN = 300


class ReceivePushesOperator(DeliveryOperator):
    """Takes every message out of the queue and starts what it starts; then deletes it, and not before.

    A message that is told again, or comes twice, starts nothing twice: a push has one run id. What can't be dealt with
    now stays, and comes again. What can't ever be is left to the queue's redrive policy; without one it is deleted
    with a warning that holds its beginning.

    Args:
        inbox: the queue.
        pipelines, broken: those of the folder, and what can be told of the files that can't be used.
        accounts: AWS accounts whose events are believed.

    Record: how many runs were started.
    """

    def __init__(
        self,
        *,
        inbox: PushQueue,
        pipelines: Sequence[Pipeline],
        accounts: Sequence[str],
        broken: Sequence[Unread] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.inbox = inbox
        self.pipelines = list(pipelines)
        self.broken = list(broken)
        self.accounts = list(accounts)

    def deliver(self, context: Context) -> int:  # noqa: ARG002 - the queue says all
        started, keeps = 0, self.inbox.sorts_out()
        for message in self.inbox.messages(MOST_MESSAGES):
            try:
                started += self._dealt_with(message)
            except Refused as refusal:
                self.log.warning("A message says nothing that can be used: %s: %s", refusal.sentence, _shown(message))
                if keeps:
                    continue
            except Fault as fault:
                self.log.warning("%s; the message stays in the queue, and comes again", fault.sentence)
                continue
            self.inbox.delete(message)
        self.log.info("%d deliveries started", started)
        return started

    def _dealt_with(self, message: Queued) -> int:
        """How many runs it has started. Raises Refused for what is no message of ours, Fault for another time."""
        told = pushes_in(message.body, self.accounts)
        if isinstance(told, Unconcerning):
            self.log.info(told.sentence)
            return 0
        return sum(self._start(push, message) for push in told if not (push.deleted and push.ref.startswith("refs/")))

    def _start(self, push: Push, message: Queued) -> int:
        from airdock.aws.changed_files import changed_files

        git, later, count = AskedOnce(changed_files), self._unknown(push, message), 0
        for pipeline in (each for each in self.pipelines if concerns(push, each)):
            try:
                found = decided(push, pipeline, git, patient=message.times < MOST_QUESTIONS)
                self.log.info("%s: %s: %s", push.run_id, pipeline.application, found.sentence)
                if found.answer is Answer.START:
                    count += runs.start(dag_id(pipeline.application), push.run_id, conf_of(push), note_of(push))
            except AirdockError as error:
                # One application's trouble is none of the others'; what has been started is not started again.
                self.log.warning("%s: %s: %s", push.run_id, pipeline.application, error.sentence)
                later = later or (error.sentence if isinstance(error, Fault) else "")
        if later:
            raise Fault(later)
        return count

    def _unknown(self, push: Push, message: Queued) -> str:
        """Whose file can't be used now and may be concerned, as long as it is worth waiting for; "" for nobody's."""
        names = [each.application for each in self.broken if may_concern(push, each)]
        return f"{', '.join(names)}.yaml can't be used now" if names and message.times < MOST_LOOKS else ""


def _shown(message: Queued) -> str:
    return repr(message.body[:LONGEST_SHOWN])
