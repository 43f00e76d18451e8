"""Which application answers a request: a path prefix of ours, a service of ours, or moto."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from flask import Flask
from moto.core.responses import BaseResponse
from moto.core.utils import convert_to_flask_response
from moto.moto_server.werkzeug_app import BackendRequest, DomainDispatcherApplication, create_backend_app

from local_aws.service import Service, WSGIApp

_SCOPE = re.compile(r"Credential=(?P<key>[^/]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
_METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"]


def signed_for(environ: dict[str, Any]) -> str | None:
    """The signing name in the request's SigV4 credential scope, None for an unsigned request."""
    match = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    return match["service"].lower() if match else None


def response_app(response: type[BaseResponse]) -> WSGIApp:
    """A WSGI application in which one response class answers every path."""
    app = Flask(f"local_aws.{response.__name__}", static_folder=None)
    app.request_class = BackendRequest
    view = convert_to_flask_response(response.dispatch)
    for number, path in enumerate(("/", "/<path:_path>")):
        app.add_url_rule(path, endpoint=str(number), methods=_METHODS, view_func=view, strict_slashes=False)
    return app


class Dispatcher(DomainDispatcherApplication):
    """moto's dispatcher with our services and routes in front."""

    def __init__(self, services: Iterable[Service]) -> None:
        super().__init__(create_backend_app)
        services = list(services)
        self._routes = {prefix: app for service in services for prefix, app in service.routes.items()}
        self._responses = {
            service.name: response_app(service.response)
            for service in services
            if service.name and service.response
        }

    def route(self, path: str) -> WSGIApp | None:
        """The application of the longest path prefix that fits, None when the path is an AWS API's."""
        fitting = [prefix for prefix in self._routes if path.startswith(prefix)]
        return self._routes[max(fitting, key=len)] if fitting else None

    def get_application(self, environ: dict[str, Any]) -> Any:
        """Ours for what is signed for a service of ours, else moto's choice."""
        return self._responses.get(signed_for(environ)) or super().get_application(environ)
