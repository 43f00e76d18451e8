"""Every request passes here: routes of the parts, then faults, the answer, the commit, the log of effects."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable
from typing import Any

from local_aws.calls import Call, read_call
from local_aws.dispatch import Dispatcher
from local_aws.faults import Fault, FaultPlan
from local_aws.moto_state import MotoState
from local_aws.replies import Reply, capture, error_reply, not_implemented, outcome
from local_aws.world import World

Environ = dict[str, Any]

_THROTTLED = {
    "rest-xml": ("SlowDown", 503),
    "rest-json": ("TooManyRequestsException", 429),
    "query": ("Throttling", 400),
    "ec2": ("RequestLimitExceeded", 503),
    "json": ("ThrottlingException", 400),
}


class Gateway:
    """The WSGI application of the process."""

    def __init__(self, world: World, dispatcher: Dispatcher, state: MotoState, faults: FaultPlan) -> None:
        self._world = world
        self._dispatcher = dispatcher
        self._state = state
        self._faults = faults

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer one request."""
        route = self._dispatcher.route(environ.get("PATH_INFO", ""))
        if route:
            return route(environ, start_response)  # type: ignore[no-any-return]
        call = read_call(environ)
        fault = self._faults.strike(call)
        reply = _before(fault, call) or self._answered(call)
        _after(fault, call)
        return reply.send(start_response)

    def _answered(self, call: Call) -> Reply:
        """The reply, to be sent only now that its effect is committed and logged."""
        try:
            reply = self._dispatched(call)
            self._state.save_new()
            if call.mutating:
                self._commit(call, reply)
        except Exception as error:
            named = f"{call.service}:{call.operation}"
            self._world.log.exception("%s failed", named)
            return error_reply(call, "LocalAwsFailure", f"the local AWS failed: {named}: {error!r}")
        return reply

    def _dispatched(self, call: Call) -> Reply:
        try:
            reply = capture(self._dispatcher.application_for(call), call.environ)
        except NotImplementedError:
            return not_implemented(call)
        # moto's web framework answers so when no handler has the path.
        unrouted = reply.code in (404, 405) and reply.body.startswith(b"<!doctype html>")
        return not_implemented(call) if unrouted else reply

    def _commit(self, call: Call, reply: Reply) -> None:
        held_by = self._dispatcher.moto_service(call)
        if held_by:
            self._state.save(held_by, call.region)
        if call.quiet:
            return
        result, error = outcome(call, reply)
        self._world.effects.record(call.service, call.operation, call.caller, call.params, result, error)


def _before(fault: Fault | None, call: Call) -> Reply | None:
    """What a fault does instead of, or ahead of, the call; None to go on."""
    match fault.action if fault else None:
        case "throttle":
            code, status = _THROTTLED.get(call.protocol, _THROTTLED["json"])
            return error_reply(call, code, "Rate exceeded", status)
        case "error":
            return error_reply(call, "InternalFailure", "An internal error occurred (planned fault)", 500)
        case "hang":
            assert fault
            fault.hold()
            reset(call.environ)
        case "reset_before":
            reset(call.environ)
        case "block_before":
            assert fault
            fault.hold()
    return None


def _after(fault: Fault | None, call: Call) -> None:
    """What a fault does to the reply of a call whose effect is committed."""
    if fault and fault.action == "reset_after":
        reset(call.environ)
    if fault and fault.action == "block_after":
        fault.hold()


class ConnectionDroppedError(ConnectionError):
    """The connection of the request was cut on purpose; nothing is left to answer."""


def reset(environ: Environ) -> None:
    """Cut the connection with a TCP reset.

    Raises ConnectionDroppedError, which the server takes as the client having gone.
    """
    connection: socket.socket = environ["werkzeug.socket"]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # Closed below the server's own buffered files, which would send a polite FIN first.
    os.close(connection.detach())
    raise ConnectionDroppedError
