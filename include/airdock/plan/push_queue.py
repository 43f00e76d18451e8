"""What a message of the queue says: an event of EventBridge, by itself or inside a notification of SNS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airdock.errors import Refused
from airdock.plan.push import Push, Unconcerning
from airdock.plan.push_aws import codecommit_event, ecr_event
from airdock.plan.push_document import parse
from airdock.plan.push_fields import field, text_or_empty

READERS = {"aws.codecommit": codecommit_event, "aws.ecr": ecr_event}
LARGEST_BYTES = 1024**2
"""SQS's own limit."""


def pushes_in(body: str, accounts: Sequence[str]) -> tuple[Push, ...] | Unconcerning:
    """The pushes that a message tells of.

    `accounts`: from which AWS accounts events are believed: whoever may send to the queue can write any number there,
    so this is a guard against a queue that is fed by mistake, and the queue's policy the one against strangers.

    Raises:
        Refused: it is none of EventBridge's events, or not as AWS documents it.
    """
    event = _unwrapped(parse(body.encode("utf-8", "surrogatepass")[:LARGEST_BYTES]))
    source, account = text_or_empty(event, "source"), text_or_empty(event, "account")
    if source not in READERS:
        return Unconcerning(f"events of {source[:60]!r} start no delivery")
    if account not in accounts:
        raise Refused(f"the event is of the account {account[:20]!r}, and those of {', '.join(accounts)} are believed")
    return READERS[source](event)


def account_of(url: str) -> str:
    """The account in a queue's URL (`https://sqs.eu-west-1.amazonaws.com/123456789012/pushes`). Raises Refused."""
    parts = url.rstrip("/").split("/")
    if len(parts) < 2 or not (len(parts[-2]) == 12 and parts[-2].isdecimal()):
        raise Refused(f"{url!r} is no URL of an SQS queue")
    return parts[-2]


def _unwrapped(told: dict[str, Any]) -> dict[str, Any]:
    """A notification of SNS holds the event as a text."""
    if field(told, "Type") != "Notification":
        return told
    return parse(_message(told).encode("utf-8", "surrogatepass"))


def _message(told: dict[str, Any]) -> str:
    inside = field(told, "Message")
    return inside if isinstance(inside, str) else ""
