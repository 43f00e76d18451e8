"""Lambda for hooks: a Python zip that runs in a process of its own."""

import io
import json
import time
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws_process import LocalAws

ROLE = "arn:aws:iam::123456789012:role/hooks"


def zipped(source: str) -> bytes:
    """A zip with one module, hook.py."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("hook.py", source)
    return held.getvalue()


def function(aws: LocalAws, name: str, source: str, **settings: Any) -> Any:
    client = aws.client("lambda")
    code = {"ZipFile": zipped(source)}
    client.create_function(
        FunctionName=name, Runtime="python3.11", Handler="hook.run", Role=ROLE, Code=code, **settings
    )
    return client


def test_invoke_runs_the_handler_with_event_and_variables(local_aws: LocalAws) -> None:
    source = "import os\ndef run(event, context): return {'got': event['x'], 'set': os.environ['SET']}"
    client = function(local_aws, "echo", source, Environment={"Variables": {"SET": "yes"}})
    answer = client.invoke(FunctionName="echo", Payload=json.dumps({"x": 7}))
    assert json.load(answer["Payload"]) == {"got": 7, "set": "yes"}
    assert "FunctionError" not in answer


def test_invoke_of_a_raising_handler_is_an_unhandled_error_with_its_log(local_aws: LocalAws) -> None:
    client = function(local_aws, "raises", "def run(event, context):\n  print('about to')\n  raise ValueError('no')")
    answer = client.invoke(FunctionName="raises")
    assert answer["FunctionError"] == "Unhandled"
    assert json.load(answer["Payload"])["errorType"] == "ValueError"
    logs = local_aws.client("logs").filter_log_events(logGroupName="/aws/lambda/raises")["events"]
    assert any("about to" in event["message"] for event in logs)


def test_function_calls_the_local_aws_and_events_are_not_waited_for(local_aws: LocalAws) -> None:
    source = (
        "import boto3\n"
        "def run(event, context):\n"
        "    boto3.client('s3').create_bucket(Bucket=event['bucket'],\n"
        "        CreateBucketConfiguration={'LocationConstraint': 'eu-west-1'})\n"
    )
    client = function(local_aws, "buckets", source)
    answer = client.invoke(FunctionName="buckets", InvocationType="Event", Payload=json.dumps({"bucket": "made-here"}))
    assert answer["StatusCode"] == 202
    deadline = time.monotonic() + 30
    while not local_aws.effects("lambda", "function_finished") or not _made(local_aws, "made-here"):
        assert time.monotonic() < deadline, local_aws.log()
        time.sleep(0.2)


def test_unknown_function_and_unreadable_zip_are_refused(local_aws: LocalAws) -> None:
    client = local_aws.client("lambda")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client.invoke(FunctionName="nowhere")
    with pytest.raises(ClientError, match="Could not unzip"):
        client.create_function(
            FunctionName="broken", Runtime="python3.11", Handler="a.b", Role=ROLE, Code={"ZipFile": b"no zip"}
        )


def _made(aws: LocalAws, bucket: str) -> bool:
    return bucket in [held["Name"] for held in aws.client("s3").list_buckets()["Buckets"]]
