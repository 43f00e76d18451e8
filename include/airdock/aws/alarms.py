"""CloudWatch's alarms as they are now, metric alarms and composite ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from airdock.aws.faults import spoken
from airdock.aws.hooks import Account

KINDS = {"MetricAlarms": "MetricAlarm", "CompositeAlarms": "CompositeAlarm"}
FIRING = "ALARM"


def alarms(account: Account, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Those of the names that exist, as DescribeAlarms tells them. Raises botocore's errors."""
    if names:
        answer = account.client("cloudwatch").describe_alarms(AlarmNames=list(names), AlarmTypes=list(KINDS.values()))
        for kind in KINDS:
            yield from answer.get(kind, ())


def on_since(account: Account, names: Sequence[str], since: datetime) -> list[str]:
    """A sentence for each alarm that is on, and has gone on since then. Raises Refused or Fault."""
    with spoken(f"asking CloudWatch for the alarms {', '.join(names)}"):
        told = list(alarms(account, names))
    on = [
        each for each in told if each["StateValue"] == FIRING and each.get("StateTransitionedTimestamp", since) >= since
    ]
    return [f"alarm {each['AlarmName']} is on: {each.get('StateReason', '')}".rstrip(": ") for each in on]
