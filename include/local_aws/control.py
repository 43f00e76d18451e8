"""The paths under `/_local/`: health, effects, faults."""

from __future__ import annotations

import json
from typing import Any

from werkzeug.wrappers import Request, Response

from local_aws.service import Service
from local_aws.world import world


def _json(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body, default=str), status, mimetype="application/json")


@Request.application
def application(request: Request) -> Response:
    """Answer one control request."""
    match request.path:
        case "/_local/health":
            settings = world().settings
            health = {"status": "ok", "runtime": settings.runtime, "minute_seconds": settings.minute_seconds}
            return _json(health)
        case "/_local/effects":
            wanted = request.args
            return _json(world().effects.entries(wanted.get("service"), wanted.get("operation")))
    return _json({"error": f"no such path: {request.path}"}, 404)


SERVICE = Service(routes={"/_local/": application})
