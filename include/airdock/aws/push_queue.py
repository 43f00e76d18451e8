"""A queue that EventBridge feeds with pushes, for those whose api-server nobody may reach from outside.

A message stays in the queue until what it starts has been started. What wakes Airflow takes nothing out of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from airdock.aws.faults import spoken
from airdock.aws.hooks import Account
from airdock.errors import AirdockError

POLL_SECONDS = 2.0
SLOWEST_POLL_SECONDS = 60.0
HIDDEN_SECONDS = 120
"""How long a message is nobody else's; what was not dealt with then comes again."""
AT_ONCE = 10
"""What ReceiveMessage gives at most."""


@dataclass(frozen=True, slots=True)
class Queued:
    """A message: its text, by which name it is deleted, and how often it was received."""

    body: str
    receipt: str
    times: int


@dataclass(frozen=True, slots=True)
class PushQueue:
    """An SQS queue by its URL."""

    url: str
    account: Account

    def waiting(self) -> int:
        """About how many messages wait. Raises Refused or Fault."""
        return int(self._attributes("ApproximateNumberOfMessages").get("ApproximateNumberOfMessages", 0))

    def sorts_out(self) -> bool:
        """Whether the queue itself takes out what is received again and again. Raises Refused or Fault."""
        return "RedrivePolicy" in self._attributes("RedrivePolicy")

    def messages(self, most: int) -> Iterator[Queued]:
        """What waits, up to so many; each is nobody else's for a while. Raises Refused or Fault."""
        taken = 0
        while taken < most and (some := self._receive()):
            taken += len(some)
            yield from some

    def delete(self, message: Queued) -> None:
        """Nothing more is to be done for it. Raises Refused or Fault."""
        with spoken("deleting a message of the queue"):
            self._client().delete_message(QueueUrl=self.url, ReceiptHandle=message.receipt)

    def _receive(self) -> Sequence[Queued]:
        with spoken("receiving the messages of the queue"):
            told = self._client().receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=AT_ONCE,
                VisibilityTimeout=HIDDEN_SECONDS,
                WaitTimeSeconds=1,
                MessageSystemAttributeNames=["ApproximateReceiveCount"],
            )
        return [_queued(each) for each in told.get("Messages", [])]

    def _attributes(self, name: str) -> dict[str, str]:
        with spoken(f"asking for {name} of the queue"):
            told = self._client().get_queue_attributes(QueueUrl=self.url, AttributeNames=[name])
        return dict(told.get("Attributes", {}))

    def _client(self) -> Any:
        return self.account.client("sqs")


class QueueTrigger(BaseEventTrigger):
    """Wakes the DAG that receives pushes while messages wait in the queue. It only looks: a message that it does not
    see now, or a wake-up that gets lost, is seen at its next look."""

    def __init__(self, url: str, connection: str | None = "aws_default", region: str | None = None) -> None:
        super().__init__()
        self.url = url
        self.connection = connection
        self.region = region

    def serialize(self) -> tuple[str, dict[str, Any]]:
        arguments = {"url": self.url, "connection": self.connection, "region": self.region}
        return "airdock.aws.push_queue.QueueTrigger", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        queue, pause = PushQueue(self.url, Account(self.connection, self.region)), POLL_SECONDS
        while True:
            try:
                count = await asyncio.to_thread(queue.waiting)
            except AirdockError as error:
                pause = min(pause * 2, SLOWEST_POLL_SECONDS)
                self.log.warning("%s; looking again in %.0f s", error.sentence, pause)
            else:
                # Who was woken needs a moment: every wake-up more is a run that finds nothing.
                pause = POLL_SECONDS if not count else 5 * POLL_SECONDS
                if count:
                    yield TriggerEvent({"waiting": count})
            await asyncio.sleep(pause)


def _queued(told: dict[str, Any]) -> Queued:
    times = int(told.get("Attributes", {}).get("ApproximateReceiveCount", 1))
    return Queued(told["Body"], told["ReceiptHandle"], times)
