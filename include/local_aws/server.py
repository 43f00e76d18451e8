"""The process: one port, every part, a clean end."""

from __future__ import annotations

import signal
import socket
from collections.abc import Sequence
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import BaseWSGIServer, make_server

from local_aws import control
from local_aws.dispatch import Dispatcher
from local_aws.faults import FaultPlan
from local_aws.gateway import Gateway
from local_aws.moto_state import MotoState
from local_aws.parts import SERVICES
from local_aws.service import Service
from local_aws.world import Settings, World


class PortTakenError(Exception):
    """Another process listens where the local AWS was asked to."""


class Handler(MotoRequestHandler):
    """moto's handler without a log line per request; calls are logged as effects."""

    # Header and body are written apart; without this the body waits 40 ms for the client's acknowledgement.
    disable_nagle_algorithm = True

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Nothing."""

    def connection_dropped(self, error: BaseException, environ: Any = None) -> None:  # noqa: ARG002
        """The client is gone, or was cut off by a fault: read no further request from it."""
        self.close_connection = True


def listen(world: World) -> BaseWSGIServer:
    """Bind the port, bring the state back and start the parts; not yet serving.

    Raises PortTakenError.
    """
    settings = world.settings
    listening = _listening(settings)
    faults = FaultPlan()
    services = [control.service(world, faults), *SERVICES]
    state = MotoState(world.store, world.settings.state_dir)
    gateway = Gateway(world, Dispatcher(services), state, faults)
    state.restore()
    world.threads.spawn("start", _start, world, services)
    with listening:  # The server keeps a descriptor of its own.
        return make_server(
            settings.bind,
            settings.port,
            gateway,
            threaded=True,
            request_handler=Handler,
            fd=listening.fileno(),
        )


def serve(world: World) -> None:
    """Serve until SIGTERM or SIGINT."""
    server = listen(world)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: world.threads.spawn("shutdown", server.shutdown))
    settings = world.settings
    world.log.info(
        "local AWS on %s, runtime %s, %s s to the minute, state in %s",
        settings.public_endpoint,
        settings.runtime,
        settings.minute_seconds,
        settings.state_dir,
    )
    server.serve_forever()
    server.server_close()
    # The store stays open: requests under way may still commit, and nothing waits to be written.
    world.threads.stop()


def _start(world: World, services: Sequence[Service]) -> None:
    """Start the parts in their order; one that fails to is recorded, and does not keep the others from it."""
    for service in services:
        world.threads.spawn(f"start of {service.name}", service.start, world).join()
    world.started.set()


def _listening(settings: Settings) -> socket.socket:
    try:
        return socket.create_server((settings.bind, settings.port), backlog=256)
    except OSError as error:
        raise PortTakenError(f"{settings.bind}:{settings.port}: {error.strerror}") from error
