"""The paths under `/_local/`: health, effects, faults."""

from __future__ import annotations

import json
from typing import Any

from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from local_aws.calls import service_name
from local_aws.faults import FaultPlan, FaultPlanError
from local_aws.service import Service
from local_aws.world import World

_PATHS = Map(
    [
        Rule("/_local/health", endpoint="health", methods=["GET"]),
        Rule("/_local/effects", endpoint="effects", methods=["GET"]),
        Rule("/_local/faults", endpoint="faults", methods=["GET"]),
        Rule("/_local/faults", endpoint="plan_faults", methods=["PUT"]),
        Rule("/_local/faults", endpoint="clear_faults", methods=["DELETE"]),
        Rule("/_local/faults/release", endpoint="release_fault", methods=["POST"]),
    ]
)


class Control:
    """Answers the control paths, in JSON."""

    def __init__(self, world: World, faults: FaultPlan) -> None:
        self._world = world
        self._faults = faults

    def answer(self, request: Request) -> Response:
        """The reply to one request."""
        try:
            endpoint, _ = _PATHS.bind_to_environ(request.environ).match()
            body = getattr(self, endpoint)(request)
        except HTTPException as error:
            return _json({"error": error.description}, error.code or 500)
        except (FaultPlanError, json.JSONDecodeError) as error:
            return _json({"error": str(error)}, 400)
        return _json(body)

    def health(self, _request: Request) -> Any:
        """How the process runs."""
        settings, threads = self._world.settings, self._world.threads
        started = "ok" if self._world.started.is_set() else "starting"
        return {
            "status": "degraded" if threads.crashed else started,
            "crashed": threads.crashed,
            "runtime": settings.runtime,
            "minute_seconds": settings.minute_seconds,
            "account": settings.account,
            "region": settings.region,
            "endpoint": settings.public_endpoint,
        }

    def effects(self, request: Request) -> Any:
        """What was done, of one service or operation when asked."""
        service = service_name(request.args.get("service", ""))
        return self._world.effects.entries(service or None, request.args.get("operation") or None)

    def faults(self, _request: Request) -> Any:
        """The plan, and how many requests each fault holds."""
        return self._faults.summary()

    def plan_faults(self, request: Request) -> Any:
        """Replace the plan."""
        plan = json.loads(request.get_data())
        if not isinstance(plan, list):
            raise FaultPlanError("a plan is a list of faults")
        self._faults.replace(plan)
        return self._faults.summary()

    def clear_faults(self, _request: Request) -> Any:
        """No faults from now on; what is held goes on."""
        self._faults.replace([])
        return []

    def release_fault(self, request: Request) -> Any:
        """Let go what one fault holds."""
        fault_id = json.loads(request.get_data()).get("id", "")
        if not self._faults.release(fault_id):
            raise NotFound(f"no fault with the id {fault_id!r}")
        return self._faults.summary()


def _json(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body, default=str), status, mimetype="application/json")


def service(world: World, faults: FaultPlan) -> Service:
    """The control paths as a part."""
    return Service(routes={"/_local/": Request.application(Control(world, faults).answer)})
