"""Listening to the queue: in which order things happen, and what does not stop it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from airdock.aws.hooks import Account
from airdock.aws.watch import wake_queue
from airdock.aws.watch.wake_queue import listen

URL = "https://sqs.eu-central-1.amazonaws.com/123456789012/wake"


class Queue:
    """A queue that gives one batch of messages after the other; an exception among them is raised."""

    def __init__(self, *batches: list[str] | Exception) -> None:
        self.batches = list(batches)
        self.happened: list[tuple[str, Any]] = []

    def receive_message(self, **asked: Any) -> dict[str, Any]:
        batch = self.batches.pop(0)
        if isinstance(batch, Exception):
            self.happened.append(("failed", None))
            raise batch
        return {"Messages": [{"Body": body, "ReceiptHandle": f"receipt {body}"} for body in batch]}

    def delete_message_batch(self, QueueUrl: str, Entries: list[dict[str, str]]) -> None:
        self.happened.append(("deleted", [each["ReceiptHandle"] for each in Entries]))

    def wake(self, named: set[str]) -> bool:
        """Wanted as long as there is more to hear."""
        self.happened.append(("woken", named))
        return bool(self.batches)


@pytest.fixture
def regions(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    monkeypatch.setattr(wake_queue, "TROUBLE_SECONDS", 0.01)
    return []


def hear(queue: Queue, regions: list[str | None], monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    def client(account: Account, service: str, *, once: bool = False) -> Queue:
        regions.append(account.region)
        return queue

    monkeypatch.setattr(Account, "client", client)
    listen(URL, queue.wake)
    return queue.happened


def an_event(deployment: str) -> str:
    return json.dumps({"detail": {"deploymentId": deployment}})


def test_messages_are_deleted_after_they_have_woken(regions: list[str | None], monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = an_event("d-1"), an_event("d-2")
    happened = hear(Queue([one, two, "no event"], []), regions, monkeypatch)
    assert happened == [
        ("woken", {"d-1", "d-2"}),
        ("deleted", [f"receipt {one}", f"receipt {two}", "receipt no event"]),
        ("woken", set()),
    ]
    assert set(regions) == {"eu-central-1"}


def test_messages_stay_when_nobody_waits_here_any_more(
    regions: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hear(Queue([an_event("d-1")]), regions, monkeypatch) == [("woken", {"d-1"})]


@pytest.mark.parametrize(
    "trouble",
    [
        ClientError({"Error": {"Code": "AWS.SimpleQueueService.NonExistentQueue", "Message": "no"}}, "ReceiveMessage"),
        ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow"}}, "ReceiveMessage"),
        LookupError("the connection isn't defined"),
    ],
)
def test_a_queue_in_trouble_is_asked_again_later(
    trouble: Exception, regions: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    happened = hear(Queue(trouble, [an_event("d-1")]), regions, monkeypatch)
    assert happened == [("failed", None), ("woken", {"d-1"})]
