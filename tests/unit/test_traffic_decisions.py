"""What a pause of the traffic is answered, by what AWS and the service's own answers tell at that moment."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from airdock.aws.hooks import Account
from airdock.aws.operators.traffic_steps import TrafficSteps, decisions
from airdock.aws.production import Service
from airdock.errors import Fault
from airdock.spec import Analysis
from tests.fakes import a_context

DEPLOYMENT = "arn:aws:ecs:eu-west-1:1:service-deployment/demo/greeter/abc"
NEW, OLD = "arn:revision/new", "arn:revision/old"


class Greeting(BaseHTTPRequestHandler):
    """Answers with the server's `status`."""

    def do_GET(self) -> None:
        self.server.asked += 1  # type: ignore[attr-defined]
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def greeter() -> Iterator[Any]:
    server: Any = HTTPServer(("127.0.0.1", 0), Greeting)
    server.status, server.asked, server.url = 200, 0, f"http://127.0.0.1:{server.server_port}/"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


class FakeAws:
    """The calls around a pause; `given` are the answers that ECS took.

    `refusals`: how many answers it refuses first. `waits`: whether it tells all the same that it waits for one.
    """

    def __init__(self) -> None:
        self.given: list[tuple[str, str]] = []
        self.refusals, self.waits = 0, True
        self.alarms: dict[str, Any] = {}
        self.alarms_denied = False

    def answer(self, serviceDeploymentArn: str, hookId: str, action: str) -> None:
        if self.refusals:
            self.refusals -= 1
            told = {"Code": "InvalidParameterException", "Message": "not now"}
            raise ClientError({"Error": told}, "ContinueServiceDeployment")
        self.given.append((hookId, action))

    def described(self, serviceDeploymentArns: list[str]) -> dict[str, Any]:
        hook = {"hookId": "h1", "targetType": "PAUSE", "status": "AWAITING_ACTION" if self.waits else "TIMED_OUT"}
        return {"serviceDeployments": [{"lifecycleHookDetails": [hook]}]}

    def told_alarms(self, AlarmNames: list[str], AlarmTypes: list[str]) -> dict[str, Any]:
        assert (AlarmNames, set(AlarmTypes)) == (["greeter-5xx"], {"MetricAlarm", "CompositeAlarm"})
        if self.alarms_denied:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeAlarms")
        return self.alarms

    def client(self, *_: Any) -> Any:
        return SimpleNamespace(
            describe_alarms=self.told_alarms,
            continue_service_deployment=self.answer,
            describe_service_deployments=self.described,
            describe_service_revisions=lambda serviceRevisionArns: {
                "serviceRevisions": [
                    {"serviceRevisionArn": arn, "taskDefinition": arn.replace("revision", "task-definition")}
                    for arn in serviceRevisionArns
                ]
            },
        )


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    aws = FakeAws()
    monkeypatch.setattr("airdock.aws.hooks._client", aws.client)
    monkeypatch.setattr("time.sleep", lambda _: None)
    return aws


GUARDED = {"status": "MONITORING", "triggered": [], "names": ["greeter-5xx"]}
STARTED = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def an_alarm(state: str, minutes: float) -> dict[str, Any]:
    """As CloudWatch tells it; `minutes`: when it went there, after the deployment's start."""
    at = STARTED + timedelta(minutes=minutes)
    reason = "3 errors" if state == "ALARM" else ""
    return {"AlarmName": "greeter-5xx", "StateValue": state, "StateReason": reason, "StateTransitionedTimestamp": at}


def facts(hook: str, new: float | None, **changes: Any) -> dict[str, Any]:
    """Of a deployment that waits for an answer to the hook, and tells that the new version has this share."""
    return {
        "id": DEPLOYMENT,
        "status": "IN_PROGRESS",
        "started_at": STARTED.isoformat(),
        "task_definition": "arn:task-definition/new",
        "revisions": {"new": NEW, "old": OLD},
        "weights": {} if new is None else {"old": 100 - new, "new": new},
        "waiting": [hook],
        "alarms": {"status": "DISABLED", "triggered": []},
        **changes,
    }


def steps(context: Any, url: str, **changes: Any) -> TrafficSteps:
    check = {"name": "greeting", "kind": "http", "url": url, "samples": 2}
    analysis = Analysis.model_validate({"checks": [check], "inconclusive_waits": 1, **changes})
    return TrafficSteps(Service(Account(), "demo", "greeter", "web"), analysis, context)


def test_before_the_first_traffic_there_is_nothing_to_measure(aws: FakeAws, greeter: Any) -> None:
    context = a_context()
    assert steps(context, greeter.url).answer(facts("h1", None))
    assert (aws.given, greeter.asked) == ([("h1", "CONTINUE")], 0)


@pytest.mark.parametrize(("status", "given"), [(200, "CONTINUE"), (500, "ROLLBACK")])
def test_before_the_first_traffic_the_test_listener_is_asked(
    aws: FakeAws, greeter: Any, status: int, given: str
) -> None:
    greeter.status, check = status, {"name": "greeting", "kind": "http", "url": greeter.url, "samples": 2}
    other = {"name": "page", "kind": "http", "url": "http://127.0.0.1:9/", "samples": 1}
    checks = [{**check, "test_listener": True}, other]
    assert steps(a_context(), greeter.url, checks=checks).answer(facts("h1", 0.0))
    assert aws.given == [("h1", given)]


@pytest.mark.parametrize("seen", [0.0, None])
def test_a_later_step_whose_share_ecs_does_not_tell_is_inconclusive(
    aws: FakeAws, greeter: Any, seen: float | None
) -> None:
    context = a_context()
    steps(context, greeter.url).answer(facts("h1", 0.0))
    assert not steps(context, greeter.url).answer(facts("h2", seen))
    assert steps(context, greeter.url).answer(facts("h2", seen))
    assert aws.given == [("h1", "CONTINUE"), ("h2", "ROLLBACK")]
    assert "ECS does not tell that the new version has any" in decisions(context, DEPLOYMENT)[-1].sentence


def test_a_late_share_does_not_hide_what_is_bad(aws: FakeAws, greeter: Any) -> None:
    context, told = a_context(), {"when_inconclusive": "continue", "inconclusive_waits": 0}
    steps(context, greeter.url, **told).answer(facts("h1", 0.0))
    greeter.status = 500
    assert steps(context, greeter.url, **told).answer(facts("h2", 0.0))
    assert aws.given[-1] == ("h2", "ROLLBACK")


def test_a_step_with_traffic_is_measured(aws: FakeAws, greeter: Any) -> None:
    context = a_context()
    steps(context, greeter.url).answer(facts("h1", 0.0))
    assert steps(context, greeter.url).answer(facts("h2", 20.0))
    assert (aws.given[-1], greeter.asked) == (("h2", "CONTINUE"), 2)


def test_an_answer_that_ecs_refuses_while_it_waits_is_given_again(aws: FakeAws, greeter: Any) -> None:
    aws.refusals = 2
    assert steps(a_context(), greeter.url).answer(facts("h1", 0.0))
    assert aws.given == [("h1", "CONTINUE")]


def test_a_pause_that_is_over_is_left_alone(aws: FakeAws, greeter: Any) -> None:
    aws.refusals, aws.waits = 1, False
    assert steps(a_context(), greeter.url).answer(facts("h1", 0.0))
    assert aws.given == []


def test_a_pause_that_takes_no_answer_is_tried_again_later_with_the_same_decision(aws: FakeAws, greeter: Any) -> None:
    aws.refusals, context = 3, a_context()
    with pytest.raises(Fault, match=r"refuses the answer CONTINUE to the hook h1, and waits for one: .*not now"):
        steps(context, greeter.url).answer(facts("h1", 0.0))
    assert steps(context, greeter.url).answer(facts("h1", 0.0))
    assert aws.given == [("h1", "CONTINUE")]
    assert len(decisions(context, DEPLOYMENT)) == 1


@pytest.mark.parametrize("kind", ["MetricAlarms", "CompositeAlarms"])
@pytest.mark.parametrize("share", [0.0, 20.0])
def test_an_alarm_of_the_deployment_that_is_on_takes_the_traffic_back(
    aws: FakeAws, greeter: Any, kind: str, share: float
) -> None:
    aws.alarms, context = {kind: [an_alarm("ALARM", 5)]}, a_context()
    assert steps(context, greeter.url).answer(facts("h1", share, alarms=GUARDED))
    assert (aws.given, greeter.asked) == ([("h1", "ROLLBACK")], 0)
    assert decisions(context, DEPLOYMENT)[0].sentence == "alarm greeter-5xx is on: 3 errors"


@pytest.mark.parametrize("alarm", [an_alarm("OK", 5), an_alarm("ALARM", -5)])
def test_an_alarm_that_is_quiet_or_was_on_before_does_not_count(
    aws: FakeAws, greeter: Any, alarm: dict[str, Any]
) -> None:
    aws.alarms = {"MetricAlarms": [alarm]}
    assert steps(a_context(), greeter.url).answer(facts("h1", 20.0, alarms=GUARDED))
    assert (aws.given, greeter.asked) == ([("h1", "CONTINUE")], 2)


@pytest.mark.parametrize("share", [0.0, 20.0])
def test_alarms_that_may_not_be_read_are_inconclusive(aws: FakeAws, greeter: Any, share: float) -> None:
    aws.alarms_denied, context = True, a_context()
    assert not steps(context, greeter.url).answer(facts("h1", share, alarms=GUARDED))
    assert steps(context, greeter.url).answer(facts("h1", share, alarms=GUARDED))
    assert aws.given == [("h1", "ROLLBACK")]
    assert "greeter-5xx" in decisions(context, DEPLOYMENT)[0].sentence
