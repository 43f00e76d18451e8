"""Why a deployment failed, gathered from the services around it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from airdock.aws.causes import Causes, Failure, causes_of, why_stopped
from airdock.aws.deployments import Group
from airdock.aws.hooks import Account
from airdock.aws.production import Service

SINCE = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ARN = "arn:aws:ecs:eu-west-1:123456789012:task-definition/greeter:7"
CRASHED = {
    "taskArn": "arn:aws:ecs:eu-west-1:123456789012:task/demo/abc123",
    "taskDefinitionArn": ARN,
    "stoppedReason": "Essential container in task exited",
    "containers": [{"name": "web", "exitCode": 3}],
}
SCALED_IN = {**CRASHED, "stoppedReason": "Scaling activity initiated by (deployment ecs-svc/1)", "containers": []}
LOG = {"logDriver": "awslogs", "options": {"awslogs-group": "/ecs/greeter", "awslogs-stream-prefix": "web"}}


class FakeAws:
    """The calls that causes are read from; each answer may be changed by a test, or be an error."""

    def __init__(self, **answers: Any) -> None:
        self.streams: list[str] = []
        self.answers: dict[str, Any] = {
            "list_tasks": {"taskArns": [CRASHED["taskArn"]]},
            "describe_tasks": {"tasks": [CRASHED]},
            "describe_services": {"services": [{"status": "ACTIVE", "taskDefinition": ARN, "events": []}]},
            "describe_task_definition": {
                "taskDefinition": {"containerDefinitions": [{"name": "web", "logConfiguration": LOG}]}
            },
            "get_log_events": {"events": [{"message": "Traceback\n"}, {"message": "KeyError: 'DB'\n"}]},
            "get_deployment_group": {
                "deploymentGroupInfo": {"alarmConfiguration": {"alarms": [{"name": "greeter-5xx"}, {"name": "other"}]}}
            },
            "describe_target_groups": {"TargetGroups": [{"TargetGroupArn": "arn:green"}]},
            "describe_target_health": {"TargetHealthDescriptions": []},
            "describe_alarms": {"MetricAlarms": [{"StateValue": "ALARM", "StateReason": "3 errors"}]},
            **answers,
        }

    def client(self, *_: Any) -> Any:
        return SimpleNamespace(**{name: self._call(name) for name in self.answers})

    def _call(self, name: str) -> Any:
        def call(**arguments: Any) -> Any:
            if name == "get_log_events":
                self.streams.append(arguments["logStreamName"])
            if isinstance(self.answers[name], Exception):
                raise self.answers[name]
            return self.answers[name]

        return call


def gather(
    monkeypatch: pytest.MonkeyPatch, aws: FakeAws, code: str = "", message: str = "", revision: str = ""
) -> Causes:
    """By CodeDeploy, or by ECS itself where a service revision is told."""
    monkeypatch.setattr("airdock.aws.hooks._client", aws.client)
    service, group = Service(Account(), "demo", "greeter", "web"), Group(Account(), "greeter", "greeter")
    error = {"code": code, "message": message}
    if revision:
        return causes_of(Failure(service, ARN, SINCE, revision=revision))
    return causes_of(Failure(service, ARN, SINCE, ("greeter-green",), error, group))


def test_a_crashed_task_is_told_with_its_exit_code_and_last_log_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    aws = FakeAws()
    causes = gather(monkeypatch, aws)
    stopped = "a task stopped: Essential container in task exited; container web exited with 3"
    assert causes.sentences == (f"{stopped}; its log ends with \"KeyError: 'DB'\"",)
    assert causes.log == ("Traceback", "KeyError: 'DB'")
    assert aws.streams == ["web/web/abc123"]


def test_the_alarm_that_codedeploy_names_is_told_first_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    causes = gather(monkeypatch, FakeAws(), "ALARM_ACTIVE", "Activated alarms: <greeter-5xx>")
    assert causes.sentences[0] == "alarm greeter-5xx fired: 3 errors"
    assert not any("other" in sentence for sentence in causes.sentences)


def test_an_alarm_that_is_quiet_again_is_told_from_its_history(monkeypatch: pytest.MonkeyPatch) -> None:
    fired = {"newState": {"stateValue": "ALARM", "stateReason": "5 errors"}}
    quiet = {"newState": {"stateValue": "OK", "stateReason": "no data"}}
    items = [{"HistoryData": json.dumps(each)} for each in (quiet, fired)]
    aws = FakeAws(
        describe_alarms={"MetricAlarms": [{"StateValue": "OK"}]},
        describe_alarm_history={"AlarmHistoryItems": items},
    )
    assert gather(monkeypatch, aws, "ALARM_ACTIVE", "<greeter-5xx>").sentences[0] == "alarm greeter-5xx fired: 5 errors"


def test_tasks_that_were_scaled_in_or_are_of_another_version_are_no_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    other = {**CRASHED, "taskDefinitionArn": ARN.replace(":7", ":6")}
    aws = FakeAws(describe_tasks={"tasks": [SCALED_IN, other]})
    assert gather(monkeypatch, aws).sentences == ()


def test_the_services_troubled_events_since_the_start_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    unhealthy = "(service greeter) (port 8080) is unhealthy in target-group due to (reason: codes [500])"
    events = [
        {"createdAt": SINCE + timedelta(minutes=1), "message": unhealthy},
        {"createdAt": SINCE + timedelta(minutes=1), "message": "(service greeter) has started 1 tasks"},
        {"createdAt": SINCE - timedelta(minutes=1), "message": "(service greeter) was unable to place a task"},
    ]
    service = {"status": "ACTIVE", "taskDefinition": ARN, "events": events}
    aws = FakeAws(describe_services={"services": [service]}, list_tasks={"taskArns": []})
    assert gather(monkeypatch, aws).sentences == (unhealthy,)


def test_unhealthy_new_targets_are_told_in_the_balancers_words(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = {"TargetHealth": {"State": "unhealthy", "Description": "Health checks failed with these codes: [500]"}}
    good = {"TargetHealth": {"State": "healthy"}}
    aws = FakeAws(describe_target_health={"TargetHealthDescriptions": [bad, good, bad]}, list_tasks={"taskArns": []})
    told = "2 of 3 new targets are unhealthy: Health checks failed with these codes: [500]"
    assert gather(monkeypatch, aws).sentences == (told,)


def test_unhealthy_targets_of_ecs_own_deployments_are_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = {"TargetHealth": {"State": "unhealthy", "Description": "Health checks failed with these codes: [500]"}}
    revision = {"resolvedConfiguration": {"loadBalancers": [{"targetGroupArn": "arn:green"}]}}
    aws = FakeAws(
        describe_target_health={"TargetHealthDescriptions": [bad]},
        describe_service_revisions={"serviceRevisions": [revision]},
        list_tasks={"taskArns": []},
    )
    told = "1 of 1 targets are unhealthy: Health checks failed with these codes: [500]"
    assert gather(monkeypatch, aws, revision="arn:revision/new").sentences == (told,)


SIDECAR = {"name": "proxy", "logConfiguration": {**LOG, "options": {**LOG["options"], "awslogs-stream-prefix": "side"}}}


@pytest.mark.parametrize(
    ("containers", "stream"),
    [
        ([{"name": "web", "exitCode": 143}, {"name": "proxy", "exitCode": 1}], "side/proxy/abc123"),
        ([{"name": "web", "exitCode": 0}, {"name": "proxy", "reason": "OutOfMemoryError"}], "side/proxy/abc123"),
        ([{"name": "proxy", "exitCode": 2}, {"name": "web", "exitCode": 3}], "web/web/abc123"),
        ([{"name": "proxy", "exitCode": 137}, {"name": "web", "exitCode": 137}], "web/web/abc123"),
    ],
)
def test_the_log_is_that_of_the_container_that_failed_itself(
    monkeypatch: pytest.MonkeyPatch, containers: list[dict[str, Any]], stream: str
) -> None:
    definition = {"containerDefinitions": [{"name": "web", "logConfiguration": LOG}, SIDECAR]}
    aws = FakeAws(
        describe_tasks={"tasks": [{**CRASHED, "containers": containers}]},
        describe_task_definition={"taskDefinition": definition},
    )
    gather(monkeypatch, aws)
    assert aws.streams == [stream]


def test_what_cannot_be_read_is_said_and_hides_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "GetLogEvents")
    causes = gather(monkeypatch, FakeAws(get_log_events=denied))
    assert "exited with 3" in causes.sentences[0]
    assert "the container's log could not be read" in causes.sentences[1]


@pytest.mark.parametrize(
    ("task", "why"),
    [
        ({"stoppedReason": "Task failed to start", "containers": []}, "Task failed to start"),
        (
            {
                "stoppedReason": "Task failed to start",
                "containers": [{"name": "web", "reason": "CannotPullContainerError: not found"}],
            },
            "Task failed to start; container web (CannotPullContainerError: not found)",
        ),
        (
            {"stoppedReason": "Task failed ELB health checks", "containers": [{"name": "web", "exitCode": 0}]},
            "Task failed ELB health checks",
        ),
        (SCALED_IN, ""),
    ],
)
def test_why_a_task_stopped_is_told_in_ecs_own_words(task: dict[str, Any], why: str) -> None:
    assert why_stopped(task) == why
