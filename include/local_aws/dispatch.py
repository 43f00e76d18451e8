"""Which application answers a call: a path prefix of a part, a service of a part, or moto."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Flask
from moto.core.responses import BaseResponse
from moto.core.utils import convert_to_flask_response
from moto.moto_server.werkzeug_app import BackendRequest, DomainDispatcherApplication, create_backend_app

from local_aws.calls import Call
from local_aws.service import Service, WSGIApp

# What moto may answer for: services that only have to remember. Anything else would claim deeds that never happen.
HELD_BY_MOTO = frozenset(
    {
        "ec2",
        "ecr",
        "ecs",
        "elasticloadbalancing",
        "events",
        "iam",
        "kms",
        "logs",
        "monitoring",
        "s3",
        "scheduler",
        "secretsmanager",
        "sns",
        "sqs",
        "ssm",
        "sts",
    }
)
_METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"]


def response_app(response: type[BaseResponse]) -> WSGIApp:
    """A WSGI application in which one response class answers every path."""
    app = Flask(f"local_aws.{response.__name__}", static_folder=None)
    app.request_class = BackendRequest
    # A handler's exception must reach the gateway, which knows the wire protocol to answer in.
    app.config["PROPAGATE_EXCEPTIONS"] = True
    view = convert_to_flask_response(response.dispatch)
    for number, path in enumerate(("/", "/<path:_path>")):
        app.add_url_rule(path, endpoint=str(number), methods=_METHODS, view_func=view, strict_slashes=False)
    return app


class Dispatcher(DomainDispatcherApplication):
    """moto's dispatcher with the parts in front."""

    def __init__(self, services: Iterable[Service]) -> None:
        super().__init__(create_backend_app)
        services = list(services)
        self._routes = {prefix: app for service in services for prefix, app in service.routes.items()}
        self._responses = {
            service.name: response_app(service.response) for service in services if service.name and service.response
        }

    def route(self, path: str) -> WSGIApp | None:
        """The application of the longest path prefix that fits, None when the path is an AWS API's."""
        fitting = [prefix for prefix in self._routes if path.startswith(prefix)]
        return self._routes[max(fitting, key=len)] if fitting else None

    def application_for(self, call: Call) -> WSGIApp:
        """The part's application for what is signed for its service, else moto's.

        Raises NotImplementedError for a service that neither has.
        """
        ours = self._responses.get(call.signed_for or "")
        if ours:
            return ours
        if call.signed_for and call.signed_for not in HELD_BY_MOTO:
            raise NotImplementedError(call.signed_for)
        return self.get_application(call.environ)  # type: ignore[no-any-return]

    def moto_service(self, call: Call) -> str | None:
        """moto's name of the service whose state a call may change, None when moto holds nothing of it."""
        return call.service if call.signed_for is None or call.signed_for in HELD_BY_MOTO else None

    def get_application(self, environ: dict[str, Any]) -> Any:
        """moto's own choice; its control paths are not offered."""
        if environ.get("PATH_INFO", "").startswith("/moto-api"):
            raise NotImplementedError("moto-api")
        return super().get_application(environ)
