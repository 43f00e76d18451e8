"""Why a deployment failed, as the services around it tell: alarms, tasks, targets, events, the last log lines.

Every source is asked on its own and none is needed: what can't be read is said, and hides nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from airdock.aws.deployments import Group
from airdock.aws.faults import spoken
from airdock.aws.production import Service, container_of, described, target_groups
from airdock.errors import AirdockError

MOST_TASKS = 100
MOST_EVENTS = 20
LOG_LINES = 15
ENDED_BY_SIGNAL = (137, 143)
"""Exit codes of what was killed or asked to end: 128 and the number of SIGKILL or SIGTERM."""
TROUBLE = re.compile(r"unhealthy|unable to|failed|was not found|is not authorized|insufficient", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Failure:
    """The deployment whose failure is looked into.

    `target_groups`: the names of those of its new tasks, where CodeDeploy tells; `revision`: the ARN of ECS's service
    revision, which tells them else. `error`, `group`: CodeDeploy's, whose alarms are in the group. `alarms`:
    those that ECS says have fired.
    """

    service: Service
    task_definition: str
    since: datetime
    target_groups: tuple[str, ...] = ()
    error: Mapping[str, str] = field(default_factory=dict)
    group: Group | None = None
    alarms: tuple[str, ...] = ()
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Causes:
    """`sentences`: what AWS names as a cause, the most telling first; `log`: the last lines of the failed container."""

    sentences: tuple[str, ...]
    log: tuple[str, ...]


def causes_of(failure: Failure) -> Causes:
    """Gather what can be known now; never raises for what AWS does not tell."""
    stopped = _tried("the stopped tasks", lambda: stopped_tasks(failure))
    failed = [task for task in stopped.found if why_stopped(task)]
    log = _tried("the container's log", lambda: _log_tail(failure, (failed or stopped.found)[:1]))
    # The one whose log was read comes first; what it said at last is mostly the cause itself.
    last_words = f"; its log ends with {log.found[-1]!r}" if failed and log.found else ""
    told = [f"a task stopped: {why_stopped(task)}{last_words if task is failed[0] else ''}" for task in failed]
    sources = [
        _tried("the alarms", lambda: _alarms(failure)),
        Told(told, stopped.unknown),
        _tried("the targets' health", lambda: _unhealthy_targets(failure)),
        _tried("the service's events", lambda: _service_events(failure)),
    ]
    sentences = [sentence for source in [*sources, Told([], log.unknown)] for sentence in source.sentences()]
    return Causes(tuple(dict.fromkeys(sentences)), tuple(log.found))


@dataclass(frozen=True, slots=True)
class Told:
    """What one source told, or why it did not."""

    found: list[Any]
    unknown: str = ""

    def sentences(self) -> list[str]:
        return [*self.found, *([self.unknown] if self.unknown else [])]


def _tried(what: str, ask: Callable[[], list[Any]]) -> Told:
    try:
        with spoken(f"{what} could not be read"):
            return Told(ask())
    except AirdockError as error:
        return Told([], error.sentence)


def stopped_tasks(failure: Failure) -> list[dict[str, Any]]:
    """The stopped tasks of the failed task definition; ECS remembers them for about an hour."""
    service = failure.service
    ecs = service.account.client("ecs")
    arns = ecs.list_tasks(cluster=service.cluster, serviceName=service.name, desiredStatus="STOPPED")["taskArns"]
    tasks = ecs.describe_tasks(cluster=service.cluster, tasks=arns[:MOST_TASKS])["tasks"] if arns else []
    return [task for task in tasks if task.get("taskDefinitionArn") == failure.task_definition]


def why_stopped(task: Mapping[str, Any]) -> str:
    """Why ECS stopped a task, in its own words with exit codes; "" for stops that are a deployment's routine."""
    reason = str(task.get("stoppedReason", ""))
    if reason.startswith("Scaling activity initiated"):
        return ""
    exits = [_exit(container) for container in task.get("containers", [])]
    return "; ".join(part for part in (reason, *exits) if part)


def _exit(container: Mapping[str, Any]) -> str:
    code, reason = container.get("exitCode"), container.get("reason", "")
    told = f"container {container.get('name')}" + (f" exited with {code}" if code is not None else "")
    return f"{told} ({reason})" if reason else told if code else ""


def _alarms(failure: Failure) -> list[str]:
    """The alarms that stopped the deployment with the reason that CloudWatch gave when they fired."""
    cloudwatch = failure.service.account.client("cloudwatch")
    names = failure.alarms or _alarms_of_group(failure)
    return [told for name in names if (told := _alarm(cloudwatch, name, failure.since))]


def _alarms_of_group(failure: Failure) -> list[str]:
    """Those of the deployment group that CodeDeploy names in its error, or all if it names none."""
    if failure.group is None or failure.error.get("code") != "ALARM_ACTIVE":
        return []
    group = failure.service.account.client("codedeploy").get_deployment_group(
        applicationName=failure.group.application, deploymentGroupName=failure.group.name
    )["deploymentGroupInfo"]
    names = [alarm["name"] for alarm in group.get("alarmConfiguration", {}).get("alarms", [])]
    return [name for name in names if name in failure.error.get("message", "")] or names


def _alarm(cloudwatch: Any, name: str, since: datetime) -> str:
    found = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    if found and found[0]["StateValue"] == "ALARM":
        return f"alarm {name} fired: {found[0].get('StateReason', '')}"
    history = cloudwatch.describe_alarm_history(AlarmName=name, HistoryItemType="StateUpdate", StartDate=since)
    reasons = [_fired(item) for item in history.get("AlarmHistoryItems", [])]
    return next((f"alarm {name} fired: {reason}" for reason in reasons if reason), "")


def _fired(item: Mapping[str, Any]) -> str:
    """The reason in an alarm's history item if that item is its firing."""
    try:
        state = json.loads(item.get("HistoryData", "{}")).get("newState", {})
    except ValueError:
        return ""
    return str(state.get("stateReason", "")) if state.get("stateValue") == "ALARM" else ""


def _unhealthy_targets(failure: Failure) -> list[str]:
    """The targets that the balancer finds unhealthy at this moment, in its own words.

    They are new tasks, but in a rolling update, whose old ones are in the same target group.
    """
    elb = failure.service.account.client("elbv2")
    found = [
        target["TargetHealth"]
        for group in _target_groups(failure)
        for target in elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    ]
    bad = [health for health in found if health["State"] == "unhealthy"]
    reasons = dict.fromkeys(health.get("Description") or health.get("Reason", "") for health in bad)
    whose = "" if failure.revision else "new "
    return [f"{len(bad)} of {len(found)} {whose}targets are unhealthy: {'; '.join(reasons)}"] if bad else []


def _target_groups(failure: Failure) -> list[str]:
    """The ARNs of the target groups that the new tasks are in."""
    client = failure.service.account.client
    if failure.target_groups:
        found = client("elbv2").describe_target_groups(Names=list(failure.target_groups))["TargetGroups"]
        return [group["TargetGroupArn"] for group in found]
    if not failure.revision:
        return []
    told = client("ecs").describe_service_revisions(serviceRevisionArns=[failure.revision])["serviceRevisions"]
    return [group for revision in told for group in target_groups(revision)]


def _service_events(failure: Failure) -> list[str]:
    events = described(failure.service).get("events", [])[:MOST_EVENTS]
    recent = [event["message"] for event in events if event["createdAt"] >= failure.since]
    return [message for message in recent if TROUBLE.search(message)][:2]


def _culprit(task: Mapping[str, Any], main: str | None) -> str | None:
    """The container whose own failure stopped the task: of several the main one, which it is too where none is told.

    Containers that had to go with it were ended by a signal.
    """
    failed = [each["name"] for each in task.get("containers", ()) if _failed_itself(each)]
    return main if main in failed or not failed else failed[0]


def _failed_itself(container: Mapping[str, Any]) -> bool:
    return bool(container.get("reason")) or container.get("exitCode") not in (None, 0, *ENDED_BY_SIGNAL)


def _log_tail(failure: Failure, tasks: list[dict[str, Any]]) -> list[str]:
    """The last lines of the culprit's awslogs stream (`prefix/container/task id`); none with another log driver."""
    if not tasks:
        return []
    lookup = failure.service.account.client
    definition = lookup("ecs").describe_task_definition(taskDefinition=failure.task_definition)["taskDefinition"]
    name = _culprit(tasks[0], failure.service.container)
    container = container_of(definition["containerDefinitions"], name) or {}
    log = container.get("logConfiguration") or {}
    options = log.get("options", {})
    if log.get("logDriver") != "awslogs" or "awslogs-stream-prefix" not in options:
        return []
    stream = f"{options['awslogs-stream-prefix']}/{container['name']}/{tasks[0]['taskArn'].rpartition('/')[2]}"
    events = lookup("logs").get_log_events(
        logGroupName=options["awslogs-group"], logStreamName=stream, limit=LOG_LINES, startFromHead=False
    )["events"]
    return [event["message"].rstrip() for event in events]
