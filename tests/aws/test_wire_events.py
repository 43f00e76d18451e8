"""EventBridge: which rules an event meets, and what their targets get."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.local_aws_process import LocalAws

ACCOUNT, REGION = "123456789012", "eu-west-1"


class Endpoint:
    """An HTTP server that keeps what it gets; it first answers with each status of `answers`, then 200."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], Any]] = []
        self.answers: list[int] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                endpoint.requests.append((self.command, self.path, headers, json.loads(body)))
                self.send_response(endpoint.answers.pop(0) if endpoint.answers else 200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait_for(self, count: int, seconds: float = 60) -> list[tuple[str, str, dict[str, str], Any]]:
        deadline = time.monotonic() + seconds
        while len(self.requests) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        return self.requests


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    server = Endpoint()
    yield server
    server.close()


def queue(aws: LocalAws, name: str) -> tuple[str, str]:
    url = aws.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    return url, f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def rule(aws: LocalAws, name: str, pattern: dict[str, Any], *targets: dict[str, Any]) -> None:
    events = aws.client("events")
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": str(n), **target} for n, target in enumerate(targets)])


def put(aws: LocalAws, source: str, detail: dict[str, Any], detail_type: str = "Tested") -> str:
    entry = {"Source": source, "DetailType": detail_type, "Detail": json.dumps(detail), "Resources": ["arn:x"]}
    reply = aws.client("events").put_events(Entries=[entry])
    assert reply["FailedEntryCount"] == 0
    return str(reply["Entries"][0]["EventId"])


def messages(aws: LocalAws, url: str, wait_seconds: int = 20) -> list[str]:
    got = aws.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=wait_seconds, MaxNumberOfMessages=10)
    return [message["Body"] for message in got.get("Messages", [])]


def destination(aws: LocalAws, endpoint: Endpoint, name: str, **authorization: Any) -> str:
    events = aws.client("events")
    connection = events.create_connection(Name=name, **authorization)["ConnectionArn"]
    reply = events.create_api_destination(
        Name=name, ConnectionArn=connection, InvocationEndpoint=endpoint.url, HttpMethod="POST"
    )
    return str(reply["ApiDestinationArn"])


API_KEY = {
    "AuthorizationType": "API_KEY",
    "AuthParameters": {"ApiKeyAuthParameters": {"ApiKeyName": "X-Key", "ApiKeyValue": "open-sesame"}},
}


def test_event_reaches_the_queue_of_the_rule_it_meets_in_its_documented_shape(local_aws: LocalAws) -> None:
    url, arn = queue(local_aws, "shape")
    rule(local_aws, "shape", {"source": ["shape.test"], "detail": {"state": ["good"]}}, {"Arn": arn})
    put(local_aws, "shape.test", {"state": "bad"})
    event_id = put(local_aws, "shape.test", {"state": "good", "time": "not a date"})
    [body] = messages(local_aws, url)
    event = json.loads(body)
    assert time.strptime(event.pop("time"), "%Y-%m-%dT%H:%M:%SZ")
    assert event == {
        "version": "0",
        "id": event_id,
        "detail-type": "Tested",
        "source": "shape.test",
        "account": ACCOUNT,
        "region": REGION,
        "resources": ["arn:x"],
        "detail": {"state": "good", "time": "not a date"},
    }


def test_event_reaches_every_target_of_a_rule(local_aws: LocalAws) -> None:
    first, second = queue(local_aws, "both-1"), queue(local_aws, "both-2")
    rule(local_aws, "both", {"source": ["both.test"]}, {"Arn": first[1]}, {"Arn": second[1]})
    put(local_aws, "both.test", {})
    assert len(messages(local_aws, first[0])) == len(messages(local_aws, second[0])) == 1


def test_event_reaches_topic_log_group_and_other_bus(local_aws: LocalAws) -> None:
    sns, logs, events = (local_aws.client(service) for service in ("sns", "logs", "events"))
    by_topic, by_bus = queue(local_aws, "by-topic"), queue(local_aws, "by-bus")
    topic = sns.create_topic(Name="events")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=by_topic[1])
    logs.create_log_group(logGroupName="/events/all")
    bus = events.create_event_bus(Name="other")["EventBusArn"]
    pattern = json.dumps({"source": ["many.test"]})
    events.put_rule(Name="on-other", EventBusName="other", EventPattern=pattern)
    events.put_targets(Rule="on-other", EventBusName="other", Targets=[{"Id": "1", "Arn": by_bus[1]}])
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/events/all"
    rule(local_aws, "many", {"source": ["many.test"]}, {"Arn": topic}, {"Arn": group}, {"Arn": bus})
    event_id = put(local_aws, "many.test", {"a": 1})
    [notification] = messages(local_aws, by_topic[0])
    assert json.loads(json.loads(notification)["Message"])["id"] == event_id
    [forwarded] = messages(local_aws, by_bus[0])
    assert json.loads(forwarded)["id"] == event_id
    [line] = logs.filter_log_events(logGroupName="/events/all")["events"]
    assert json.loads(line["message"])["id"] == event_id


def test_event_for_a_target_that_is_not_served_is_given_up_aloud(local_aws: LocalAws) -> None:
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:m"
    rule(local_aws, "unserved", {"source": ["unserved.test"]}, {"Arn": arn, "RoleArn": "arn:aws:iam::1:role/r"})
    put(local_aws, "unserved.test", {})
    deadline = time.monotonic() + 60
    while not (given_up := local_aws.effects("events", "event_given_up")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert arn in given_up[-1]["error"]


def test_disabled_rule_and_schedule_meet_no_event(local_aws: LocalAws) -> None:
    url, arn = queue(local_aws, "silent")
    rule(local_aws, "silent-off", {"source": ["silent.test"]}, {"Arn": arn})
    events = local_aws.client("events")
    events.disable_rule(Name="silent-off")
    events.put_rule(Name="silent-schedule", ScheduleExpression="rate(1 hour)")
    events.put_targets(Rule="silent-schedule", Targets=[{"Id": "1", "Arn": arn}])
    put(local_aws, "silent.test", {})
    assert messages(local_aws, url, wait_seconds=1) == []


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({"Input": '{"fixed": 1}'}, {"fixed": 1}),
        ({"InputPath": "$.detail"}, {"build-status": "FAILED", "n": 3}),
        (
            {
                "InputTransformer": {
                    "InputPathsMap": {"status": "$.detail.build-status", "n": "$.detail.n"},
                    "InputTemplate": '{"status": <status>, "n": <n>, "text": "build <status>"}',
                }
            },
            {"status": "FAILED", "n": 3, "text": "build FAILED"},
        ),
    ],
    ids=["constant", "part", "template"],
)
def test_target_gets_the_input_it_asks_for(local_aws: LocalAws, target, expected, request) -> None:
    name = f"input-{request.node.callspec.id}"
    url, arn = queue(local_aws, name)
    rule(local_aws, name, {"source": [name]}, {"Arn": arn, **target})
    put(local_aws, name, {"build-status": "FAILED", "n": 3})
    assert [json.loads(body) for body in messages(local_aws, url)] == [expected]


def test_http_endpoint_gets_the_event_with_its_api_key(local_aws: LocalAws, endpoint: Endpoint) -> None:
    arn = destination(local_aws, endpoint, "http-key", **API_KEY)
    parameters = {"HeaderParameters": {"X-More": "1"}, "QueryStringParameters": {"q": "2"}}
    rule(local_aws, "http-key", {"source": ["http.key"]}, {"Arn": arn, "HttpParameters": parameters})
    put(local_aws, "http.key", {"a": 1})
    [(method, path, headers, body)] = endpoint.wait_for(1)
    assert (method, path) == ("POST", "/hook?q=2")
    assert (headers["x-key"], headers["x-more"]) == ("open-sesame", "1")
    assert body["detail"] == {"a": 1}


def test_http_endpoint_gets_basic_credentials(local_aws: LocalAws, endpoint: Endpoint) -> None:
    parameters = {"BasicAuthParameters": {"Username": "u", "Password": "p"}}
    arn = destination(local_aws, endpoint, "http-basic", AuthorizationType="BASIC", AuthParameters=parameters)
    rule(local_aws, "http-basic", {"source": ["http.basic"]}, {"Arn": arn})
    put(local_aws, "http.basic", {})
    [(_, _, headers, _)] = endpoint.wait_for(1)
    assert base64.b64decode(headers["authorization"].removeprefix("Basic ")) == b"u:p"


def test_http_delivery_is_tried_again_after_a_server_error(local_aws: LocalAws, endpoint: Endpoint) -> None:
    endpoint.answers = [503, 429]
    arn = destination(local_aws, endpoint, "http-retry", **API_KEY)
    rule(local_aws, "http-retry", {"source": ["http.retry"]}, {"Arn": arn})
    put(local_aws, "http.retry", {"a": 1})
    bodies = [body["id"] for _, _, _, body in endpoint.wait_for(3)]
    assert len(bodies) == 3
    assert len(set(bodies)) == 1


def test_refused_http_delivery_goes_to_the_dead_letters(local_aws: LocalAws, endpoint: Endpoint) -> None:
    endpoint.answers = [400]
    url, dead_letters = queue(local_aws, "dead-letters")
    arn = destination(local_aws, endpoint, "http-dead", **API_KEY)
    rule(local_aws, "http-dead", {"source": ["http.dead"]}, {"Arn": arn, "DeadLetterConfig": {"Arn": dead_letters}})
    put(local_aws, "http.dead", {"a": 1})
    [body] = messages(local_aws, url)
    assert json.loads(body)["detail"] == {"a": 1}
    assert len(endpoint.requests) == 1


def test_malformed_event_is_refused_by_itself(local_aws: LocalAws) -> None:
    good = {"Source": "a.b", "DetailType": "t", "Detail": "{}"}
    reply = local_aws.client("events").put_events(Entries=[{**good, "Detail": "{"}, good])
    assert reply["FailedEntryCount"] == 1
    assert reply["Entries"][0]["ErrorCode"] == "MalformedDetail"
    assert reply["Entries"][1]["EventId"]


def test_undelivered_event_survives_the_death_of_the_process(local_aws: LocalAws, endpoint: Endpoint) -> None:
    endpoint.answers = [503] * 100  # however long the kill takes
    arn = destination(local_aws, endpoint, "http-kill", **API_KEY)
    rule(local_aws, "http-kill", {"source": ["http.kill"]}, {"Arn": arn})
    put(local_aws, "http.kill", {"a": 1})
    endpoint.wait_for(1)
    local_aws.kill9()
    endpoint.answers = []
    before = len(endpoint.requests)
    local_aws.restart()
    assert endpoint.wait_for(before + 1)[before][3]["detail"] == {"a": 1}
