"""One run of a function: a process of its own, with the function's files, environment and time limit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local_aws.world import World

Document = dict[str, Any]
_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
_SHORTEST_SECONDS = 15.0
"""Real seconds that every run gets: to start Python and boto3 takes a busy machine longer than Lambda's 3 seconds."""


@dataclass(frozen=True)
class Outcome:
    """What a run came to: the payload, whether it is an error, and all that was printed."""

    payload: Any
    failed: bool
    log: str


def invoke(world: World, function: Document, event: Any, request_id: str) -> Outcome:
    """Run a function once and wait for it; its output goes to CloudWatch Logs."""
    outcome = _run(world, function, event, request_id)
    _keep_log(world, function, request_id, outcome)
    params = {"FunctionName": function["FunctionName"], "RequestId": request_id, "failed": outcome.failed}
    world.effects.record("lambda", "function_finished", "lambda", params, outcome.payload)
    return outcome


def _run(world: World, function: Document, event: Any, request_id: str) -> Outcome:
    seconds = max(_SHORTEST_SECONDS, float(function["Timeout"]))
    with tempfile.TemporaryDirectory(prefix="function-") as home:
        answer = Path(home) / "answer.json"
        command = [sys.executable, str(_BOOTSTRAP), function["Handler"], str(answer)]
        try:
            done = subprocess.run(  # noqa: S603
                command,
                input=json.dumps(event).encode(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=function["directory"],
                env=_environment(world, function, request_id, home),
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            text = f"Task timed out after {seconds:g} seconds"
            return Outcome({"errorMessage": text}, True, (late.stdout or b"").decode(errors="replace"))
        log = done.stdout.decode(errors="replace")
        if not answer.exists():
            return Outcome({"errorMessage": "the process ended without an answer"}, True, log)
        said = json.loads(answer.read_text())
        return Outcome(said.get("error", said.get("payload")), "error" in said, log)


def _environment(world: World, function: Document, request_id: str, home: str) -> dict[str, str]:
    region = function["region"]
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": home,
        "AWS_ENDPOINT_URL": world.settings.endpoint,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ACCESS_KEY_ID": "LAMBDAFUNCTION",
        "AWS_SECRET_ACCESS_KEY": "local",
        "NO_PROXY": "127.0.0.1,localhost",
        "AWS_LAMBDA_FUNCTION_NAME": function["FunctionName"],
        "AWS_FUNCTION_ARN": function["FunctionArn"],
        "AWS_REQUEST_ID": request_id,
        "PYTHONUNBUFFERED": "1",
        **function["variables"],
    }


def _keep_log(world: World, function: Document, request_id: str, outcome: Outcome) -> None:
    logs, group = world.client("logs", "lambda", function["region"]), f"/aws/lambda/{function['FunctionName']}"
    ends = f"END RequestId: {request_id}"
    lines = [f"START RequestId: {request_id}", *outcome.log.splitlines(), ends]
    now = int(world.clock.now().timestamp() * 1000)
    try:
        logs.create_log_group(logGroupName=group)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
            raise
    logs.create_log_stream(logGroupName=group, logStreamName=request_id)
    events = [{"timestamp": now, "message": line} for line in lines if line]
    logs.put_log_events(logGroupName=group, logStreamName=request_id, logEvents=events)
