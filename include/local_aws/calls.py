"""An AWS API call as read from an HTTP request: which service, which action, by whom, with what parameters."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs

from botocore.exceptions import UnknownServiceError
from moto.core.model import OperationModel, ServiceModel
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model
from moto.moto_server.werkzeug_app import BackendRequest
from werkzeug.exceptions import HTTPException

from local_aws.world import INTERNAL_ACCESS_KEY

Environ = dict[str, Any]

_SCOPE = re.compile(r"(?P<key>[^/=\s]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
_READS = re.compile(
    r"^(Describe|Get|List|BatchGet|BatchDescribe|BatchCheck|Head|Search|Lookup|Filter|Simulate|Test|Validate|Check)"
)
# Changes that would drown the log of effects: polling, and streams of measurements or log lines.
_QUIET = {("sqs", "ReceiveMessage"), ("cloudwatch", "PutMetricData"), ("logs", "PutLogEvents")}
_SERVICE_OF_SIGNING_NAME = {
    "elasticloadbalancing": "elbv2",
    "monitoring": "cloudwatch",
    "s3express": "s3",
}


def service_name(signing_name: str) -> str:
    """The name by which boto3 calls the service that signs its requests so."""
    return _SERVICE_OF_SIGNING_NAME.get(signing_name, signing_name)


@dataclass(frozen=True)
class Call:
    """One API call. `signed_for` is None for an unsigned request; `operation` is empty when it fits no action."""

    environ: Environ = field(repr=False)
    caller: str
    region: str
    signed_for: str | None

    @property
    def service(self) -> str:
        """boto3's name of the service; what is unsigned goes to S3."""
        return service_name(self.signed_for or "s3")

    @cached_property
    def model(self) -> ServiceModel | None:
        """botocore's model of the service, None for one it does not know."""
        try:
            return get_service_model(self.service)
        except UnknownServiceError:
            return None

    @cached_property
    def operation(self) -> str:
        """The action's name as in the API reference."""
        target = self.environ.get("HTTP_X_AMZ_TARGET")
        if target:
            return str(target.split(".")[-1])
        return self._form_action() or self._routed()[0]

    @cached_property
    def operation_model(self) -> OperationModel | None:
        """botocore's model of the action, None for one that it does not know."""
        model = self.model
        return model.operation_model(self.operation) if model and self.operation in model.operation_names else None

    @property
    def protocol(self) -> str:
        """The wire protocol of this request, such as `json` or `rest-xml`."""
        if self.model is None:
            return "json"
        try:
            return str(determine_request_protocol(self.model, self.environ.get("CONTENT_TYPE", "")))
        except NotImplementedError:
            return str(self.model.protocol)

    @property
    def internal(self) -> bool:
        """Whether a part of the local AWS makes this call."""
        return self.caller.startswith(INTERNAL_ACCESS_KEY)

    @property
    def mutating(self) -> bool:
        """Whether the call may change state."""
        return bool(self.operation) and not _READS.match(self.operation)

    @property
    def quiet(self) -> bool:
        """Whether the call is left out of the log of effects."""
        return (self.service, self.operation) in _QUIET

    @cached_property
    def params(self) -> dict[str, Any]:
        """The parameters as botocore's model reads them; S3 bodies are left where they are."""
        model = self.operation_model
        if model is None:
            return {}
        request = self._request()
        body = b"" if self.service == "s3" else request.data
        return dict(
            PROTOCOL_PARSERS[self.protocol](model).parse(
                {
                    "method": request.method,
                    "values": request.values,
                    "headers": request.headers,
                    "body": body,
                    "url_path": request.path,
                    "url_params": self._routed()[1],
                }
            )
        )

    def _form_action(self) -> str:
        fields = self.environ.get("QUERY_STRING", "")
        if self.environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
            fields = self._body().decode(errors="replace")
        return parse_qs(fields).get("Action", [""])[0]

    def _routed(self) -> tuple[str, dict[str, Any]]:
        if self.model is None or not self.protocol.startswith("rest"):
            return "", {}
        try:
            operation, uri_params = get_service_router(self.service).match(self._request())
        except (HTTPException, NotImplementedError):
            return "", {}
        return operation.name, uri_params

    def _request(self) -> BackendRequest:
        """A request of its own over the same bytes, so that reading it leaves the real one untouched."""
        return BackendRequest({**self.environ, "wsgi.input": io.BytesIO(self._body())})

    def _body(self) -> bytes:
        source = self.environ["wsgi.input"]
        return source.getvalue() if isinstance(source, io.BytesIO) else b""


def read_call(environ: Environ) -> Call:
    """The call in a request. Bodies are buffered in `environ`, except S3's, which may be large."""
    scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", "")) or _SCOPE.search(
        parse_qs(environ.get("QUERY_STRING", "")).get("X-Amz-Credential", [""])[0]
    )
    key, region, signed_for = scope.groups() if scope else ("anonymous", "us-east-1", None)
    call = Call(environ, key, region, signed_for.lower() if signed_for else None)
    if call.service != "s3":
        _buffer_body(environ)
    return call


def _buffer_body(environ: Environ) -> None:
    source = environ["wsgi.input"]
    # Without a length a body is either chunked, and then ends by itself, or not there at all.
    length = int(environ.get("CONTENT_LENGTH") or (-1 if environ.get("wsgi.input_terminated") else 0))
    body = source.read(length)
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
