"""What a pause of the traffic is answered, by what AWS and the service's own answers tell at that moment."""

from __future__ import annotations

import threading
from collections.abc import Iterator
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

    def answer(self, serviceDeploymentArn: str, hookId: str, action: str) -> None:
        if self.refusals:
            self.refusals -= 1
            told = {"Code": "InvalidParameterException", "Message": "not now"}
            raise ClientError({"Error": told}, "ContinueServiceDeployment")
        self.given.append((hookId, action))

    def described(self, serviceDeploymentArns: list[str]) -> dict[str, Any]:
        hook = {"hookId": "h1", "targetType": "PAUSE", "status": "AWAITING_ACTION" if self.waits else "TIMED_OUT"}
        return {"serviceDeployments": [{"lifecycleHookDetails": [hook]}]}

    def client(self, *_: Any) -> Any:
        return SimpleNamespace(
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


def facts(hook: str, new: float | None, **changes: Any) -> dict[str, Any]:
    """Of a deployment that waits for an answer to the hook, and tells that the new version has this share."""
    return {
        "id": DEPLOYMENT,
        "status": "IN_PROGRESS",
        "started_at": "2026-03-01T12:00:00+00:00",
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
