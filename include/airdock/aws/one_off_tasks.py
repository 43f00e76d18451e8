"""ECS tasks outside of any service: those of a delivery, a new one, its end and its log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airdock.aws.faults import error_code, spoken
from airdock.aws.hooks import Account
from airdock.aws.production import BATCH, container_of
from airdock.aws.watch.subject import Facts
from airdock.aws.watch.task import cluster_of, task_facts
from airdock.errors import AirdockError, Fault

LOG_LINES = 20


def known(account: Account, cluster: str, family: str, started_by: str) -> list[Facts]:
    """The tasks with this `startedBy`, running or stopped; ECS forgets stopped ones after about an hour.

    ListTasks takes no other filter beside `startedBy`, so stopped tasks are asked for by their family.

    Raises:
        Refused, Fault: by ECS.
    """
    with spoken(f"asking ECS for the tasks of {family} in {cluster}"):
        client = account.client("ecs")
        arns = [
            *_listed(client, cluster=cluster, startedBy=started_by),
            *_listed(client, cluster=cluster, family=family, desiredStatus="STOPPED"),
        ]
        told = [
            task_facts(task)
            for start in range(0, len(arns), BATCH)
            for task in client.describe_tasks(cluster=cluster, tasks=arns[start : start + BATCH], include=["TAGS"])[
                "tasks"
            ]
        ]
    ours = {task["id"]: task for task in told if task["started_by"] == started_by}
    return sorted(ours.values(), key=lambda task: str(task["started_at"]), reverse=True)


def run(account: Account, cluster: str, request: Mapping[str, Any]) -> str:
    """Run one task and return its ARN; the request's token makes every repetition mean the same task.

    Raises:
        NoRoom: ECS has no place for it now.
        Refused: ECS does not take the request.
        Fault: throttled or out of reach.
    """
    from botocore.exceptions import ClientError

    with spoken(f"running {request['taskDefinition']} in {cluster}"):
        try:
            answer = account.client("ecs").run_task(cluster=cluster, **request)
        except ClientError as error:
            if error_code(error) == "ConflictException" and (started := error.response.get("resourceIds")):
                return str(started[0])  # an earlier try's, ordered when the service had other settings
            raise
    if not answer["tasks"]:
        reasons = "; ".join(each.get("reason", "") for each in answer.get("failures", []))
        raise NoRoom(f"ECS could not place {request['taskDefinition']} in {cluster}: {reasons}")
    return str(answer["tasks"][0]["taskArn"])


class NoRoom(Fault):
    """ECS answered the order of a task, and started none."""


def stop(account: Account, arn: str, reason: str) -> None:
    """Have a task stop, if it has not. Raises Refused or Fault."""
    with spoken(f"stopping the task {arn}"):
        account.client("ecs").stop_task(cluster=cluster_of(arn), task=arn, reason=reason)


def log_tail(account: Account, definition: Mapping[str, Any], container: str, arn: str) -> list[str]:
    """The last lines that a task's container wrote, or one line in brackets that says why there are none."""
    log = (container_of(definition["containerDefinitions"], container) or {}).get("logConfiguration") or {}
    options = log.get("options", {})
    if log.get("logDriver") != "awslogs":
        return [f"(the container {container} logs to {log.get('logDriver', 'nothing')}, not to CloudWatch Logs)"]
    task, prefix = arn.rpartition("/")[2], options.get("awslogs-stream-prefix")
    stream = f"{prefix}/{container}/{task}" if prefix else task
    client = account.client("logs")
    try:
        with spoken(f"reading the log {options.get('awslogs-group')} {stream}"):
            events = client.get_log_events(
                logGroupName=options["awslogs-group"], logStreamName=stream, limit=LOG_LINES, startFromHead=False
            )["events"]
    except AirdockError as error:
        return [f"({error.sentence})"]
    return [line for event in events for line in event["message"].splitlines()][-LOG_LINES:]


def _listed(client: Any, **asked: str) -> Iterator[str]:
    for page in client.get_paginator("list_tasks").paginate(**asked):
        yield from page["taskArns"]
