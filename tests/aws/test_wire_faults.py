"""The fault plan: every action, as a client sees it, and what it leaves behind."""

import threading
import time
import urllib.error
from collections.abc import Callable, Iterator

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, HTTPClientError

from tests.local_aws_process import LocalAws

LOST = (ConnectionClosedError, HTTPClientError, EndpointConnectionError)


@pytest.fixture(autouse=True)
def no_fault_remains(local_aws: LocalAws) -> Iterator[None]:
    yield
    local_aws.faults()


def create_queue(aws: LocalAws, name: str) -> None:
    aws.client("sqs").create_queue(QueueName=name)


def queue_exists(aws: LocalAws, name: str) -> bool:
    return bool(aws.client("sqs").list_queues(QueueNamePrefix=name).get("QueueUrls"))


def until(condition: Callable[[], bool], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def test_throttle_hits_the_nth_call_only(local_aws: LocalAws) -> None:
    local_aws.faults({"service": "sqs", "operation": "CreateQueue", "nth": 2, "action": "throttle"})
    create_queue(local_aws, "throttled-1")
    with pytest.raises(ClientError) as refused:
        create_queue(local_aws, "throttled-2")
    create_queue(local_aws, "throttled-3")
    assert refused.value.response["Error"]["Code"] == "ThrottlingException"
    assert not queue_exists(local_aws, "throttled-2")


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [("sts", "get_caller_identity", "Throttling"), ("s3", "list_buckets", "SlowDown")],
)
def test_throttle_speaks_the_code_of_the_protocol(local_aws: LocalAws, service, operation, code) -> None:
    local_aws.faults({"service": service, "every": True, "action": "throttle"})
    with pytest.raises(ClientError) as refused:
        getattr(local_aws.client(service), operation)()
    assert refused.value.response["Error"]["Code"] == code


def test_throttled_call_succeeds_when_the_client_retries(local_aws: LocalAws) -> None:
    local_aws.faults({"service": "sqs", "operation": "CreateQueue", "nth": 1, "action": "throttle"})
    client = local_aws.client("sqs", retries={"mode": "standard", "max_attempts": 3})
    reply = client.create_queue(QueueName="retried")
    assert reply["ResponseMetadata"]["RetryAttempts"] == 1


def test_error_is_a_server_error_without_effect(local_aws: LocalAws) -> None:
    local_aws.faults({"service": "sqs", "operation": "CreateQueue", "action": "error"})
    with pytest.raises(ClientError) as refused:
        create_queue(local_aws, "errored")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert not queue_exists(local_aws, "errored")


def test_reset_before_loses_the_connection_and_has_no_effect(local_aws: LocalAws) -> None:
    local_aws.faults({"service": "sqs", "operation": "CreateQueue", "action": "reset_before"})
    with pytest.raises(LOST):
        create_queue(local_aws, "reset-before")
    assert not queue_exists(local_aws, "reset-before")


def test_reset_after_loses_the_reply_but_not_the_effect(local_aws: LocalAws) -> None:
    local_aws.faults({"service": "sqs", "operation": "CreateQueue", "action": "reset_after"})
    with pytest.raises(LOST):
        create_queue(local_aws, "reset-after")
    assert queue_exists(local_aws, "reset-after")
    recorded = local_aws.effects("sqs", "CreateQueue")
    assert [effect for effect in recorded if effect["params"]["QueueName"] == "reset-after"]


def test_hang_never_answers_and_has_no_effect(local_aws: LocalAws) -> None:
    local_aws.faults({"id": "h", "service": "sqs", "operation": "CreateQueue", "action": "hang"})
    with pytest.raises(HTTPClientError):
        local_aws.client("sqs", read_timeout=0.3).create_queue(QueueName="hung")
    local_aws.release("h")
    assert not queue_exists(local_aws, "hung")


@pytest.mark.parametrize(("action", "effect_while_held"), [("block_before", False), ("block_after", True)])
def test_block_holds_the_call_until_released(local_aws: LocalAws, action, effect_while_held) -> None:
    local_aws.faults({"id": "b", "service": "sqs", "operation": "CreateQueue", "action": action})
    caller = threading.Thread(target=create_queue, args=(local_aws, action))
    caller.start()
    held = until(lambda: local_aws.control("GET", "faults")[0]["blocked"] == 1)
    existed = until(lambda: queue_exists(local_aws, action), 60 if effect_while_held else 0.2)
    local_aws.release("b")
    caller.join(timeout=60)
    assert (held, existed, caller.is_alive()) == (True, effect_while_held, False)
    assert queue_exists(local_aws, action)


def test_percent_hits_some_calls(local_aws: LocalAws) -> None:
    local_aws.faults({"service": "sts", "percent": 50, "action": "error"})
    sts = local_aws.client("sts")
    outcomes = []
    for _ in range(20):
        try:
            sts.get_caller_identity()
            outcomes.append("answered")
        except ClientError:
            outcomes.append("failed")
    assert 4 <= outcomes.count("failed") <= 16


def test_calls_of_the_parts_are_never_hit(local_aws: LocalAws) -> None:
    local_aws.faults({"service": "*", "every": True, "action": "error"})
    part = local_aws.client("sts", access_key="LOCALAWSINTERNALtest")
    assert part.get_caller_identity()["Account"] == "123456789012"


def test_malformed_plan_is_refused_and_the_old_one_stays(local_aws: LocalAws) -> None:
    local_aws.faults({"id": "kept", "service": "sts", "nth": 99, "action": "error"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        local_aws.faults({"service": "sts", "action": "explode"})
    assert refused.value.code == 400
    assert "throttle" in refused.value.read().decode()
    assert [fault["id"] for fault in local_aws.control("GET", "faults")] == ["kept"]
