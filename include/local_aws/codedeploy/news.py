"""What the world gets to know of a deployment: entries of the effects log, and events on the bus."""

from __future__ import annotations

from typing import Any

from local_aws.codedeploy.progress import Progress

Effect = tuple[str, dict[str, Any]]
_STATES = {
    "InProgress": "START",
    "Ready": "READY",
    "Succeeded": "SUCCESS",
    "Failed": "FAILURE",
    "Stopped": "STOP",
}
DETAIL_TYPE = "CodeDeploy Deployment State-change Notification"


def effects_between(deployment_id: str, before: Progress, after: Progress) -> list[Effect]:
    """What happened from one state to the next: traffic first, then lifecycle events, then the status."""
    about = {"deploymentId": deployment_id}
    effects: list[Effect] = []
    if after.moves != before.moves:
        weights = {"blue": 100 - after.green_weight, "green": after.green_weight}
        effects.append(("traffic_shifted", {**about, "route": "production", "weights": weights}))
    if after.test_moves != before.test_moves:
        green = 100 if after.test_on_green else 0
        effects.append(
            ("traffic_shifted", {**about, "route": "test", "weights": {"blue": 100 - green, "green": green}})
        )
    for name, event in after.events.items():
        if event.status != before.events[name].status:
            effects.append(("lifecycle_event", {**about, "event": name, "status": event.status}))
    if after.status != before.status:
        effects.append(("deployment_state", {**about, "status": after.status}))
    return effects


def event_of(info: dict[str, Any], region: str, before: Progress, after: Progress) -> tuple[Any, ...] | None:
    """The arguments of `Events.emit` for a new status, None when CodeDeploy sends no event for it."""
    state = _STATES.get(after.status)
    if state is None or (before.status == "Ready" and state == "START"):
        return None
    application, group = info["applicationName"], info["deploymentGroupName"]
    detail = {
        "region": region,
        "deploymentId": info["deploymentId"],
        "instanceGroupId": info["deploymentGroupId"],
        "deploymentGroup": group,
        "state": state,
        "application": application,
    }
    arn = f"arn:aws:codedeploy:{region}:{info['account']}"
    resources = (f"{arn}:application:{application}", f"{arn}:deploymentgroup:{application}/{group}")
    return "aws.codedeploy", DETAIL_TYPE, detail, resources
