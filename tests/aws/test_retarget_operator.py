"""Scheduled tasks follow a release, lose nothing of themselves, and go back with it."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airdock.aws.operators.scheduled import EcsRetargetOperator
from airdock.errors import Fault
from tests.delivery import a_release, a_target, connect
from tests.fakes import a_context, run_task
from tests.local_aws_process import LocalAws

FAMILY = "arn:aws:ecs:eu-west-1:123456789012:task-definition/greeter"
CLUSTER = "arn:aws:ecs:eu-west-1:123456789012:cluster/demo"
ROLE = "arn:aws:iam::123456789012:role/events"
NETWORK = {"awsvpcConfiguration": {"Subnets": ["subnet-1"], "AssignPublicIp": "DISABLED"}}
QUEUE = {"Id": "copy", "Arn": "arn:aws:sqs:eu-west-1:123456789012:copies"}
SCHEDULED = [{"rule": "nightly"}, {"schedule": "hourly", "group": "jobs"}]


def a_task(task_definition: str) -> dict[str, Any]:
    return {
        "TaskDefinitionArn": task_definition,
        "TaskCount": 2,
        "LaunchType": "FARGATE",
        "NetworkConfiguration": NETWORK,
    }


@pytest.fixture
def scheduled(local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> LocalAws:
    """A rule with three targets and a schedule, which run revision 7."""
    connect(local_aws, monkeypatch)
    local_aws.faults()
    events, scheduler = local_aws.client("events"), local_aws.client("scheduler")
    events.put_rule(Name="nightly", ScheduleExpression="cron(0 2 * * ? *)")
    task = {
        "Id": "report",
        "Arn": CLUSTER,
        "RoleArn": ROLE,
        "Input": '{"a": ""}',
        "EcsParameters": a_task(f"{FAMILY}:7"),
    }
    other = {**task, "Id": "other", "EcsParameters": a_task(f"{FAMILY}-other:3")}
    events.put_targets(Rule="nightly", Targets=[task, other, QUEUE])
    settings = {
        "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5},
        "ScheduleExpression": "rate(1 hour)",
        "ScheduleExpressionTimezone": "Europe/Berlin",
        "Description": "hourly report",
        "State": "DISABLED",
        "Target": {"Arn": CLUSTER, "RoleArn": ROLE, "Input": "{}", "EcsParameters": a_task(f"{FAMILY}:7")},
    }
    if not scheduler.list_schedule_groups(NamePrefix="jobs")["ScheduleGroups"]:
        scheduler.create_schedule_group(Name="jobs")
        scheduler.create_schedule(Name="hourly", GroupName="jobs", **settings)
    scheduler.update_schedule(Name="hourly", GroupName="jobs", **settings)
    return local_aws


def targets(aws: LocalAws) -> list[dict[str, Any]]:
    return list(aws.client("events").list_targets_by_rule(Rule="nightly")["Targets"])


def schedule(aws: LocalAws) -> dict[str, Any]:
    told = aws.client("scheduler").get_schedule(Name="hourly", GroupName="jobs")
    return {key: value for key, value in told.items() if key not in ("ResponseMetadata", "LastModificationDate")}


def retarget(revision: int, scheduled: Any = SCHEDULED) -> None:
    target, release = a_target(scheduled=scheduled), a_release(f"{FAMILY}:{revision}")
    operator = EcsRetargetOperator(task_id="retarget", target=target, task_definition=release)
    run_task(operator, a_context("retarget"))


def test_scheduled_tasks_get_the_new_revision_and_keep_all_else(scheduled: LocalAws) -> None:
    before, hourly = targets(scheduled), schedule(scheduled)
    retarget(8)
    [report, other, queue] = targets(scheduled)
    assert report == {**before[0], "EcsParameters": a_task(f"{FAMILY}:8")}
    assert [other, queue] == before[1:]
    target = {**hourly["Target"], "EcsParameters": a_task(f"{FAMILY}:8")}
    assert schedule(scheduled) == {**hourly, "Target": target}


def writes(aws: LocalAws) -> int:
    return len(aws.effects("events", "PutTargets")) + len(aws.effects("scheduler", "UpdateSchedule"))


def test_second_time_writes_nothing(scheduled: LocalAws) -> None:
    retarget(8)
    written = writes(scheduled)
    retarget(8)
    assert writes(scheduled) == written


def test_try_after_one_that_died_between_two_of_them_changes_the_rest(scheduled: LocalAws) -> None:
    fault = {"id": "down", "service": "scheduler", "operation": "UpdateSchedule", "every": True, "action": "error"}
    scheduled.faults(fault)
    with pytest.raises(Fault):
        retarget(8)
    scheduled.faults()
    written = writes(scheduled)
    retarget(8)
    assert schedule(scheduled)["Target"]["EcsParameters"] == a_task(f"{FAMILY}:8")
    assert writes(scheduled) == written + 1


def test_delivery_of_an_older_release_takes_them_back_to_what_they_were(scheduled: LocalAws) -> None:
    before = targets(scheduled), schedule(scheduled)
    retarget(8)
    retarget(7)
    assert (targets(scheduled), schedule(scheduled)) == before


def test_rule_that_is_not_there_is_refused_by_its_name(scheduled: LocalAws) -> None:
    with pytest.raises(AirflowFailException, match="the rule nowhere"):
        retarget(8, scheduled=[{"rule": "nowhere"}])
