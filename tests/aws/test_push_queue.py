"""Pushes through a queue: from EventBridge's rule to the runs that they start, and what stays when something fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import ErrorResponse

from airdock.aws.hooks import Account
from airdock.aws.operators.receive_pushes import ReceivePushesOperator
from airdock.aws.push_queue import PushQueue, QueueTrigger
from airdock.errors import Refused
from airdock.plan.push_queue import account_of
from airdock.spec import Pipeline, Unread
from tests.blue_green import until
from tests.fakes import a_context, run_task
from tests.git_server import git
from tests.local_aws_process import REGION, LocalAws

ACCOUNT = "123456789012"
BEFORE, AFTER = "a" * 40, "b" * 40


@dataclass
class Airflow:
    """The part of Airflow's task API that starts runs; `failing` of the next ones are not answered."""

    started: dict[tuple[str, str], Any] = field(default_factory=dict)
    failing: int = 0
    broken: bool = False
    """Whether the dag's file has import errors."""

    def send(self, msg: Any) -> Any:
        if msg.type != "TriggerDagRun":
            # A connection is asked for as well: the environment has it.
            return ErrorResponse(error=ErrorType.CONNECTION_NOT_FOUND)
        if self.failing:
            self.failing -= 1
            raise AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail={"status_code": 500}))
        if self.broken:
            told = {"detail": {"reason": "import_errors", "message": "has import errors and cannot be triggered"}}
            detail = {"status_code": 400, "message": "Server returned error", "detail": told}
            raise AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail=detail))
        if (msg.dag_id, msg.run_id) in self.started:
            return ErrorResponse(error=ErrorType.DAGRUN_ALREADY_EXISTS)
        self.started[msg.dag_id, msg.run_id] = msg.conf
        return None


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Airflow:
    known = Airflow()
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", known, raising=False)
    return known


@dataclass
class Wire:
    """A queue with its dead-letter queue, and what is sent to it."""

    aws: LocalAws
    queue: PushQueue
    dead: str

    def send(self, body: str) -> None:
        self.aws.client("sqs").send_message(QueueUrl=self.queue.url, MessageBody=body)

    def left(self) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        told = self.aws.client("sqs").get_queue_attributes(QueueUrl=self.queue.url, AttributeNames=names)
        return sum(int(each) for each in told["Attributes"].values())

    def receive(self, *pipelines: Pipeline, broken: Sequence[Unread] = ()) -> int:
        known = pipelines or ([] if broken else [a_pipeline()])
        operator = ReceivePushesOperator(
            task_id="start", inbox=self.queue, pipelines=known, accounts=[ACCOUNT], broken=broken
        )
        return int(run_task(operator, a_context("start")))


@pytest.fixture
def wire(local_aws: LocalAws, account: Account) -> Wire:
    return make_wire(local_aws, account)


def make_wire(aws: LocalAws, account: Account, redrive: bool = True) -> Wire:
    sqs, name = aws.client("sqs"), f"pushes-{uuid4().hex[:8]}"
    dead = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}-dead"
    policy = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3})} if redrive else {}
    url = sqs.create_queue(QueueName=name, Attributes=policy)["QueueUrl"]
    return Wire(aws, PushQueue(url, account), dead)


def a_pipeline(application: str = "greeter", repository: str = "greeter", **more: Any) -> Pipeline:
    rollout = {"strategy": "codedeploy", "application": "greeter", "deployment_group": "greeter"}
    production = {"cluster": "demo", "service": "greeter", "container": "web", "rollout": rollout}
    told = {
        "application": application,
        "region": REGION,
        "source": {"provider": "codecommit", "repository": repository},
        "build": {"project": "greeter"},
        "image": {"repository": "greeter"},
        "environments": {"production": production},
    }
    return Pipeline.model_validate({**told, **more})


def an_event(identity: str, repository: str = "greeter", account: str = ACCOUNT) -> str:
    """As EventBridge tells of a push to CodeCommit."""
    detail = {
        "event": "referenceUpdated",
        "repositoryName": repository,
        "repositoryId": "1",
        "referenceFullName": "refs/heads/main",
        "oldCommitId": BEFORE,
        "commitId": AFTER,
        "callerUserArn": f"arn:aws:iam::{ACCOUNT}:user/ada",
    }
    kind = {"detail-type": "CodeCommit Repository State Change", "source": "aws.codecommit"}
    return json.dumps({"version": "0", "id": identity, **kind, "account": account, "region": REGION, "detail": detail})


RUN = ("deliver_greeter", "codecommit__one")


def test_a_message_starts_its_delivery_and_is_gone(wire: Wire, airflow: Airflow) -> None:
    wire.send(an_event("one"))
    assert wire.receive() == 1
    assert airflow.started == {RUN: {"revision": AFTER, "ref": "refs/heads/main"}}
    assert wire.left() == 0


def test_a_message_that_comes_twice_starts_one_run(wire: Wire, airflow: Airflow) -> None:
    wire.send(an_event("one"))
    wire.send(an_event("one"))
    assert wire.receive() == 1
    assert list(airflow.started) == [RUN]
    assert wire.left() == 0


def test_a_message_inside_a_notification_of_sns_counts_as_well(wire: Wire, airflow: Airflow) -> None:
    wire.send(json.dumps({"Type": "Notification", "Message": an_event("one")}))
    assert wire.receive() == 1


def test_a_message_stays_until_what_it_starts_is_started(
    wire: Wire, airflow: Airflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airdock.aws.push_queue.HIDDEN_SECONDS", 1)
    wire.send(an_event("one"))
    airflow.failing = 1000
    assert wire.receive() == 0
    assert wire.left() == 1
    airflow.failing = 0
    until(lambda: wire.queue.waiting() == 1, "the message to be there again", wire.aws)
    assert wire.receive() == 1
    assert wire.left() == 0


def test_a_message_stays_while_the_dag_has_import_errors(
    wire: Wire, airflow: Airflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airdock.aws.push_queue.HIDDEN_SECONDS", 1)
    wire.send(an_event("one"))
    airflow.broken = True
    assert wire.receive() == 0
    assert wire.left() == 1
    airflow.broken = False
    until(lambda: wire.queue.waiting() == 1, "the message to be there again", wire.aws)
    assert wire.receive() == 1


def test_a_message_stays_while_the_file_that_may_be_its_pipeline_is_broken(
    wire: Wire, airflow: Airflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airdock.aws.push_queue.HIDDEN_SECONDS", 1)
    wire.send(an_event("one"))
    assert wire.receive(broken=[Unread("greeter", "source: {provider: codecommit, repository: greeter")]) == 0
    assert wire.left() == 1
    until(lambda: wire.queue.waiting() == 1, "the message to be there again", wire.aws)
    assert wire.receive() == 1
    assert wire.left() == 0


def test_a_message_does_not_wait_for_a_broken_file_of_another_repository_nor_for_ever(
    wire: Wire, airflow: Airflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire.send(an_event("one"))
    assert wire.receive(a_pipeline(), broken=[Unread("other", "source: {repository: elsewhere")]) == 1
    assert wire.left() == 0
    monkeypatch.setattr("airdock.aws.operators.receive_pushes.MOST_LOOKS", 1)
    wire.send(an_event("two"))
    assert wire.receive(broken=[Unread("greeter", "")]) == 0
    assert wire.left() == 0


def test_of_two_applications_one_in_trouble_does_not_stop_the_other(wire: Wire, airflow: Airflow) -> None:
    wire.send(an_event("one"))
    airflow.failing = 1
    first, second = a_pipeline("first"), a_pipeline("second")
    wire.receive(first, second)
    assert list(airflow.started) == [("deliver_second", "codecommit__one")]
    assert wire.left() == 1


KIND = {"source": "aws.codecommit", "detail-type": "CodeCommit Repository State Change"}
BARE = json.dumps({**KIND, "account": ACCOUNT, "detail": {"event": "referenceUpdated"}})
POISON = ["no json", "[]", '{"a":' * 100, BARE, an_event("../x")]


@pytest.mark.parametrize("body", [*POISON, an_event("one", account="999999999999")])
def test_what_can_not_be_used_is_left_to_the_dead_letter_queue_and_stops_nothing(
    wire: Wire, airflow: Airflow, body: str
) -> None:
    wire.send(body)
    wire.send(an_event("one"))
    assert wire.receive() == 1
    assert wire.left() == 1


def test_without_a_dead_letter_queue_what_can_not_be_used_is_deleted(
    local_aws: LocalAws, account: Account, airflow: Airflow
) -> None:
    wire = make_wire(local_aws, account, redrive=False)
    wire.send("no json")
    assert wire.receive() == 0
    assert wire.left() == 0


def test_events_of_other_things_are_taken_out(wire: Wire, airflow: Airflow) -> None:
    wire.send(json.dumps({"source": "aws.ec2", "account": ACCOUNT}))
    wire.send(an_event("one", repository="another"))
    assert wire.receive() == 0
    assert (airflow.started, wire.left()) == ({}, 0)


def test_a_push_reaches_the_queue_by_a_rule_of_eventbridge(wire: Wire, airflow: Airflow, tmp_path: Path) -> None:
    events, name = wire.aws.client("events"), wire.queue.url.rpartition("/")[2]
    events.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.codecommit"]}))
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    repository = f"greeter-{name}"
    made = wire.aws.client("codecommit").create_repository(repositoryName=repository)["repositoryMetadata"]
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "Say hello")
    git(tmp_path, "push", "-q", made["cloneUrlHttp"], "main")
    until(lambda: wire.queue.waiting() == 1, "the event to come", wire.aws)
    assert wire.receive(a_pipeline(repository=repository)) == 1
    assert [conf["revision"] for conf in airflow.started.values()] == [git(tmp_path, "rev-parse", "HEAD").strip()]


async def first_event(trigger: QueueTrigger) -> Any:
    return (await anext(aiter(trigger.run()))).payload


def test_the_trigger_wakes_while_something_waits_and_takes_nothing(wire: Wire) -> None:
    wire.send(an_event("one"))
    path, arguments = QueueTrigger(wire.queue.url).serialize()
    assert path == "airdock.aws.push_queue.QueueTrigger"
    assert asyncio.run(asyncio.wait_for(first_event(QueueTrigger(**arguments)), 30)) == {"waiting": 1}
    assert wire.queue.waiting() == 1


@pytest.mark.parametrize("url", ["https://sqs.eu-west-1.amazonaws.com/pushes", "pushes", ""])
def test_what_is_no_queue_is_refused(url: str) -> None:
    with pytest.raises(Refused, match="is no URL of an SQS queue"):
        account_of(url)
