"""The process: one port, every part, a clean end."""

from __future__ import annotations

import signal
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import BaseWSGIServer, make_server

from local_aws import control, parts
from local_aws.dispatch import Dispatcher
from local_aws.world import World


class PortTakenError(Exception):
    """Another process listens where the local AWS was asked to."""


class QuietHandler(MotoRequestHandler):
    """moto's handler without a log line per request."""

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Requests are recorded as effects, not logged."""


def listen(world: World) -> BaseWSGIServer:
    """Bind the port and build the application, not yet serving.

    Raises PortTakenError.
    """
    services = [control.SERVICE, *parts.load()]
    dispatcher = Dispatcher(services)

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        app = dispatcher.route(environ.get("PATH_INFO", "")) or dispatcher
        return app(environ, start_response)

    settings = world.settings
    try:
        server = make_server(
            settings.bind, settings.port, application, threaded=True, request_handler=QuietHandler
        )
    except (OSError, SystemExit) as error:
        raise PortTakenError(f"{settings.bind}:{settings.port}") from error
    for service in services:
        world.threads.spawn("start", service.start, world)
    return server


def serve(world: World) -> None:
    """Serve until SIGTERM or SIGINT."""
    server = listen(world)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: world.threads.spawn("shutdown", server.shutdown))
    world.log.info("local AWS on %s, state in %s", world.settings.endpoint, world.settings.state_dir)
    server.serve_forever()
    server.server_close()
    world.close()
