"""Rules of EventBridge and schedules of EventBridge Scheduler: what their ECS targets run.

Neither service changes a part of a target: what is there is read, changed and written back whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airdock.aws.faults import spoken
from airdock.aws.hooks import Account
from airdock.aws.losses import botocore_version, tell_losses
from airdock.errors import Fault, Refused
from airdock.plan.scheduled import Target
from airdock.plan.task_fields import LOST, refuse_losses
from airdock.spec.scheduled import Scheduled


class Rule:
    """A rule on an event bus."""

    kind = "rule"

    def __init__(self, account: Account, name: str, holder: str) -> None:
        self.account, self.name, self.holder = account, name, holder

    def targets(self) -> Iterator[Target]:
        with spoken(f"asking EventBridge for the targets of the rule {self.name}"):
            client = self.account.client("events")
            tell_losses(client, "ListTargetsByRule")
            pages = client.get_paginator("list_targets_by_rule").paginate(Rule=self.name, EventBusName=self.holder)
            answers = list(pages)
        for answer in answers:
            _refuse_lost(answer, f"the rule {self.name}")
            yield from answer["Targets"]

    def write(self, target: Target) -> None:
        with spoken(f"changing the target {target['Id']} of the rule {self.name}"):
            answer = self.account.client("events").put_targets(
                Rule=self.name, EventBusName=self.holder, Targets=[target]
            )
        for failed in answer.get("FailedEntries", []):
            kind = Fault if failed.get("ErrorCode") == "ConcurrentModificationException" else Refused
            raise kind(f"the target {target['Id']} of the rule {self.name}: {failed.get('ErrorMessage', failed)}")


class Schedule:
    """A schedule in a group; it has one target, which has no id."""

    kind = "schedule"

    def __init__(self, account: Account, name: str, holder: str) -> None:
        self.account, self.name, self.holder = account, name, holder

    def targets(self) -> Iterator[Target]:
        yield self._told()["Target"]

    def write(self, target: Target) -> None:
        whole = {**self._told(), "Target": target}
        with spoken(f"changing the target of the schedule {self.name}"):
            client = self.account.client("scheduler")
            accepted = client.meta.service_model.operation_model("UpdateSchedule").input_shape.members
            client.update_schedule(**{key: value for key, value in whole.items() if key in accepted})

    def _told(self) -> Mapping[str, Any]:
        with spoken(f"asking EventBridge Scheduler for the schedule {self.name}"):
            client = self.account.client("scheduler")
            tell_losses(client, "GetSchedule")
            answer = client.get_schedule(Name=self.name, GroupName=self.holder)
        _refuse_lost(answer, f"the schedule {self.name}")
        return {key: value for key, value in answer.items() if value is not None}


Place = Rule | Schedule


def place_of(account: Account, scheduled: Scheduled) -> Place:
    """The rule or schedule that a pipeline file names."""
    if scheduled.rule is not None:
        return Rule(account, scheduled.rule, scheduled.bus)
    return Schedule(account, str(scheduled.schedule), scheduled.group)


def _refuse_lost(answer: Mapping[str, Any], place: str) -> None:
    refuse_losses(answer.get(LOST, ()), botocore_version(), place)
