"""Wake by event: one long poll of a queue that EventBridge feeds.

An event that never comes, comes twice, late, or to another triggerer on the same queue costs time at most: every wait
is looked at every now and then whatever events say. Give each triggerer a queue of its own where that time matters.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Event
from typing import Any

from airdock.aws.faults import spoken
from airdock.aws.hooks import Account
from airdock.aws.watch.wake import named_in

WAKE_QUEUE = "AIRDOCK_WAKE_QUEUE"
"""The environment variable of a triggerer with its queue's URL; without it, waits are only polled."""
LONG_POLL_SECONDS = 20
MESSAGES_AT_ONCE = 10
TROUBLE_SECONDS = 30.0

log = logging.getLogger(__name__)
Message = Mapping[str, Any]


def listen(url: str, wake: Callable[[set[str]], bool]) -> None:
    """Wake who is named in the queue's messages until `wake` says that nobody waits here any more."""
    pause, going_on = Event(), True
    while going_on:
        try:
            going_on = _turn(url, wake)
        except Exception as error:  # whatever is wrong with the queue, waits are polled, and it may be mended
            log.warning("%s; until the queue answers, waits are only polled", error)
            pause.wait(TROUBLE_SECONDS)


def _turn(url: str, wake: Callable[[set[str]], bool]) -> bool:
    """One long poll. Messages are deleted after waking: a death in between costs a second waking, no event."""
    with spoken(f"listening to {url}"):
        sqs = Account(region=_region(url)).client("sqs", once=True)
        asked = {"WaitTimeSeconds": LONG_POLL_SECONDS, "MaxNumberOfMessages": MESSAGES_AT_ONCE}
        messages = sqs.receive_message(QueueUrl=url, **asked).get("Messages", [])
        going_on = wake(named_in_all(message["Body"] for message in messages))
        if messages and going_on:
            sqs.delete_message_batch(QueueUrl=url, Entries=_receipts(messages))
    return going_on


def named_in_all(bodies: Iterable[str]) -> set[str]:
    """The names in some messages; what is no event names nobody."""
    return set().union(*(named_in(event) for event in map(_event, bodies)))


def _event(body: str) -> Mapping[str, Any]:
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _receipts(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"Id": str(number), "ReceiptHandle": each["ReceiptHandle"]} for number, each in enumerate(messages)]


def _region(url: str) -> str | None:
    """From https://sqs.<region>.amazonaws.com/<account>/<name>; elsewhere the connection knows it."""
    found = re.match(r"https://sqs\.([a-z0-9-]+)\.amazonaws\.com", url)
    return found.group(1) if found else None
