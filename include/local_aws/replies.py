"""Replies in the wire protocol of the call: errors of our own making, and results read back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from botocore.compat import HTTPHeaders
from botocore.parsers import ResponseParserError, create_parser
from moto.core.exceptions import ServiceException
from moto.core.model import OperationModel
from moto.core.serialize import get_serializer_class

from local_aws.calls import Call


@dataclass(frozen=True)
class Reply:
    """A whole HTTP reply; `status` is a line such as "200 OK"."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def code(self) -> int:
        """The HTTP status code."""
        return int(self.status.split()[0])

    def send(self, start_response: Any) -> Iterable[bytes]:
        """Answer a WSGI request with it."""
        start_response(self.status, self.headers)
        return [self.body]


def capture(app: Any, environ: dict[str, Any]) -> Reply:
    """Run a WSGI application and keep its reply back."""
    started: list[Any] = []
    chunks: list[bytes] = []

    def start_response(status: str, headers: Any, _error: Any = None) -> Any:
        started[:] = [status, list(headers)]
        return chunks.append

    result = app(environ, start_response)
    try:
        chunks.extend(result)
    finally:
        if hasattr(result, "close"):
            result.close()
    return Reply(started[0], started[1], b"".join(chunks))


class _Failure(ServiceException):
    """An error of ours; moto looks an exception of its own up in the model of the package that defines it."""


def error_reply(call: Call, code: str, message: str, status: int = 400) -> Reply:
    """An AWS error in the shape of the call's protocol."""
    if call.model is None:
        body = json.dumps({"__type": code, "message": message}).encode()
        return Reply(f"{status} {code}", [("Content-Type", "application/x-amz-json-1.1")], body)
    serializer = get_serializer_class(call.service, call.protocol)
    operation = call.operation_model or OperationModel({}, call.model)
    answer = serializer(operation_model=operation).serialize(_Failure(code, message))
    body = answer["body"].encode() if isinstance(answer["body"], str) else bytes(answer["body"])
    headers = {**answer["headers"], "Content-Length": str(len(body))}
    return Reply(f"{status} {code}", [(name, str(value)) for name, value in headers.items()], body)


def not_implemented(call: Call) -> Reply:
    """What is asked does not exist here. 400, because botocore would retry a 501 for seconds."""
    named = f"{call.signed_for or call.service}:{call.operation or call.environ.get('PATH_INFO', '')}"
    return error_reply(call, "NotImplementedByLocalAws", f"not implemented by the local AWS: {named}")


def outcome(call: Call, reply: Reply) -> tuple[Any, str | None]:
    """The call's result as boto3 would return it, and its error as `Code: message` when it failed."""
    if call.operation_model is None:
        return None, None if reply.code < 300 else reply.status
    raw = {"status_code": reply.code, "headers": HTTPHeaders.from_pairs(reply.headers), "body": reply.body}
    shape = call.operation_model.output_shape
    try:
        parsed = create_parser(call.protocol).parse(raw, shape)
    except ResponseParserError as unreadable:
        return None, str(unreadable)
    parsed.pop("ResponseMetadata", None)
    if reply.code >= 300:
        error = parsed.get("Error", {})
        return None, f"{error.get('Code')}: {error.get('Message')}"
    return parsed, None
