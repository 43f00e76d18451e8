"""The alarms that are to guard a deployment, as they are now."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from airdock.aws.alarms import alarms
from airdock.aws.hooks import Account
from airdock.aws.preflight.look import looked
from airdock.plan.preflight import Check, branch
from airdock.plan.preflight_service import check_alarms


def guarding(account: Account, names: Sequence[str]) -> Check:
    """The branch of the alarms. Raises Refused or Fault."""
    return looked("alarms", "cloudwatch:DescribeAlarms", partial(_alarms, account, names))


def _alarms(account: Account, names: Sequence[str]) -> Check:
    states = {each["AlarmName"]: each["StateValue"] for each in alarms(account, names)}
    return branch("alarms", check_alarms(names, states))
