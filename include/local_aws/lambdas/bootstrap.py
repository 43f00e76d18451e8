"""Runs inside a function's own process: load the handler, call it with the event on stdin, write its answer.

Arguments: the handler as `module.function`, and the file for the answer, `{"payload"}` or `{"error"}` as JSON.
"""

import importlib
import json
import os
import sys
import traceback
from pathlib import Path
from types import SimpleNamespace
from typing import Any


def call(handler: str, event: Any) -> dict[str, Any]:
    """The answer of a handler, or the error that it raised in the shape which Lambda gives it."""
    module, _, function = handler.rpartition(".")
    context = SimpleNamespace(
        function_name=os.environ["AWS_LAMBDA_FUNCTION_NAME"],
        aws_request_id=os.environ["AWS_REQUEST_ID"],
        invoked_function_arn=os.environ["AWS_FUNCTION_ARN"],
        get_remaining_time_in_millis=lambda: 0,
    )
    try:
        answer = getattr(importlib.import_module(module.replace("/", ".")), function)(event, context)
        return {"payload": json.loads(json.dumps(answer))}
    except Exception as error:
        traceback.print_exc()
        stack = traceback.format_exc().splitlines()
        return {"error": {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": stack}}


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    Path(sys.argv[2]).write_text(json.dumps(call(sys.argv[1], json.load(sys.stdin))))
