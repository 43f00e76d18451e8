"""The alarms that are to guard a deployment, as they are now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from airdock.aws.hooks import Account
from airdock.aws.preflight.look import looked
from airdock.plan.preflight import Check, branch
from airdock.plan.preflight_service import check_alarms

KINDS = {"MetricAlarms": "MetricAlarm", "CompositeAlarms": "CompositeAlarm"}


def guarding(account: Account, names: Sequence[str]) -> Check:
    """The branch of the alarms. Raises Refused or Fault."""
    return looked("alarms", "cloudwatch:DescribeAlarms", partial(_alarms, account, names))


def _alarms(account: Account, names: Sequence[str]) -> Check:
    return branch("alarms", check_alarms(names, dict(_states(account, names)) if names else {}))


def _states(account: Account, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    answer = account.client("cloudwatch").describe_alarms(AlarmNames=list(names), AlarmTypes=list(KINDS.values()))
    for kind in KINDS:
        for alarm in answer.get(kind, ()):
            yield alarm["AlarmName"], alarm["StateValue"]
