"""What a reader of the log hears of a deployment that ECS does itself: only what has changed, a line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Facts = Mapping[str, Any]

STAGES = {
    "RECONCILE_SERVICE": "looking at the service",
    "PRE_SCALE_UP": "before the new tasks start",
    "SCALE_UP": "starting the new tasks",
    "POST_SCALE_UP": "the new tasks have started",
    "TEST_TRAFFIC_SHIFT": "test traffic moves",
    "POST_TEST_TRAFFIC_SHIFT": "test traffic has moved",
    "PRE_PRODUCTION_TRAFFIC_SHIFT": "before production traffic moves",
    "PRODUCTION_TRAFFIC_SHIFT": "production traffic moves",
    "POST_PRODUCTION_TRAFFIC_SHIFT": "production traffic has moved",
    "BAKE_TIME": "all traffic has moved, the old tasks stay a while",
    "CLEAN_UP": "removing the old tasks",
}
"""ECS's ServiceDeploymentLifecycleStage in words; a stage that is not here is told by its own name."""


def service_deployment_progress(before: Facts | None, now: Facts) -> list[str]:
    """The lines between two looks; `before` None is the first look. For the facts see `watch.service_deployment`."""
    return list(_lines(before or {}, now))


def _lines(before: Facts, now: Facts) -> Iterator[str]:
    name = now["id"].rpartition("/")[2]
    if not before:
        yield f"service deployment {name} is {now['status']}"
    if now["stage"] and before.get("stage") != now["stage"]:
        yield f"{now['stage']}: {STAGES.get(now['stage'], now['stage'])}"
    if before.get("tasks") != now["tasks"]:
        yield f"new tasks: {now['tasks']['running']} of {now['tasks']['requested']} running"
    if now["weights"] and before.get("weights") != now["weights"]:
        yield f"traffic: {now['weights']['old']:g} % old, {now['weights']['new']:g} % new"
    yield from _hook_lines(before, now)
    if (failures := now["breaker"].get("failures", 0)) > before.get("breaker", {}).get("failures", 0):
        yield f"{failures} of {now['breaker']['threshold']} failed starts that the circuit breaker allows"
    if before and before["status"] != now["status"]:
        why = f" ({now['reason']})" if now["reason"] else ""
        yield f"service deployment {name} is {now['status']}{why}"


def _hook_lines(before: Facts, now: Facts) -> Iterator[str]:
    known = {hook["id"]: hook["status"] for hook in before.get("hooks", ())}
    for hook in now["hooks"]:
        if known.get(hook["id"]) != hook["status"]:
            yield f"{hook['type']} hook {hook['id'].rpartition('/')[2]} is {hook['status']}"
