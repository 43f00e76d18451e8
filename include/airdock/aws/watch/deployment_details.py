"""What CodeDeploy tells of a deployment in a call of its own: lifecycle events, task sets, weights.

The state of 25 deployments costs one call, the details of each cost another: they are read where the state says
something new, and else rarely. Where CodeDeploy throttles them, the states are told all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from airdock.aws.faults import error_code, is_throttling
from airdock.aws.watch.subject import Facts
from airdock.plan.adoption import State
from airdock.plan.deployment_result import deployment_state

DETAILS_SECONDS, FEW_DETAILS_SECONDS = 30.0, 8.0
"""How old the details of a deployment may get that goes on, as long as its state says nothing new; and while so few
share the look that somebody may well be watching each."""
FEW = 3
DETAILS_AT_ONCE = 1
"""Of so many of those at most they are asked in one look: in a crowd the log is coarser, and the calls stay few."""
NO_DETAILS: Facts = {
    "events": [],
    "shift_began": None,
    "task_sets": [],
    "weights": {},
    "targets": [],
    "details_at": "",
}

Info = Mapping[str, Any]
"""One of `deploymentsInfo`."""


def read_details(
    client: Any, infos: Sequence[Info], known: Mapping[str, Facts], asked_at: datetime
) -> dict[str, Facts]:
    """The details by deployment: read now, or those of `known`; one that has ended is left out until they are read.

    `details_at` tells when they were read, by AWS's clock. Raises ClientError.
    """
    from botocore.exceptions import ClientError

    found = {
        info["deploymentId"]: _kept(known.get(info["deploymentId"]))
        for info in infos
        if _runs(info) or not _is_news(info, known)
    }
    for key in _in_turn(infos, known, asked_at):
        try:
            found[key] = _read(client, key, known.get(key, {}).get("targets", []), asked_at)
        except ClientError as error:
            if not (found and is_throttling(error)):
                raise
            break
    return found


def is_terminating(info: Info) -> bool:
    """Whether all traffic has moved and the old task set waits for its end."""
    return bool(info.get("instanceTerminationWaitTimeStarted"))


def _in_turn(infos: Sequence[Info], known: Mapping[str, Facts], asked_at: datetime) -> list[str]:
    """Whose details are read: all whose state says something new, ended ones first; then the stalest that go on."""
    news = sorted((info for info in infos if _is_news(info, known)), key=_runs)
    quiet = [info["deploymentId"] for info in infos if _runs(info) and not _is_news(info, known)]
    old = timedelta(seconds=DETAILS_SECONDS if len(quiet) > FEW else FEW_DETAILS_SECONDS)
    before = (asked_at - old).isoformat()
    stale = sorted((known[key]["details_at"], key) for key in quiet if known[key]["details_at"] <= before)
    return [*(info["deploymentId"] for info in news), *(key for _, key in stale[:DETAILS_AT_ONCE])]


def _is_news(info: Info, known: Mapping[str, Facts]) -> bool:
    before = known.get(info["deploymentId"])
    if not before or not before.get("details_at"):
        return True
    return bool(before["status"] != info["status"] or (is_terminating(info) and not before["terminating"]))


def _runs(info: Info) -> bool:
    return deployment_state(info["status"]) is State.RUNNING


def _kept(known: Facts | None) -> Facts:
    return {name: (known or {}).get(name, nothing) for name, nothing in NO_DETAILS.items()}


def _read(client: Any, deployment_id: str, targets: list[str], asked_at: datetime) -> Facts:
    ids, told = _targets(client, deployment_id, targets)
    task_sets = [_task_set(task_set) for target in told for task_set in target.get("taskSetsInfo", [])]
    events = [event for target in told for event in target.get("lifecycleEvents", [])]
    return {
        "events": [_event(event) for event in events],
        "shift_began": _shift_began(events),
        "task_sets": task_sets,
        "weights": {task_set["label"]: task_set["weight"] for task_set in task_sets},
        "targets": ids,
        "details_at": asked_at.isoformat(),
    }


def _targets(client: Any, deployment_id: str, ids: list[str]) -> tuple[list[str], list[dict[str, Any]]]:
    """The ECS targets of a deployment and their ids, which never change; none as long as it has not begun."""
    from botocore.exceptions import ClientError

    try:
        ids = ids or client.list_deployment_targets(deploymentId=deployment_id).get("targetIds", [])
        answer = client.batch_get_deployment_targets(deploymentId=deployment_id, targetIds=ids) if ids else {}
    except ClientError as error:
        if error_code(error) in {"DeploymentNotStartedException", "DeploymentTargetDoesNotExistException"}:
            return [], []
        raise
    return ids, [target["ecsTarget"] for target in answer.get("deploymentTargets", []) if "ecsTarget" in target]


def _shift_began(events: Sequence[Mapping[str, Any]]) -> str | None:
    began = (each.get("startTime") for each in events if each["lifecycleEventName"] == "AllowTraffic")
    return next((moment.isoformat() for moment in began if moment), None)


def _event(event: Mapping[str, Any]) -> dict[str, str]:
    diagnostics = event.get("diagnostics") or {}
    message = diagnostics.get("message") or diagnostics.get("logTail") or ""
    return {"name": event["lifecycleEventName"], "status": event.get("status", "Unknown"), "message": message}


def _task_set(task_set: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": task_set.get("identifer", ""),  # AWS's spelling
        "label": str(task_set.get("taskSetLabel", "")).lower(),
        "status": task_set.get("status", ""),
        "weight": float(task_set.get("trafficWeight") or 0),
        "running": int(task_set.get("runningCount") or 0),
        "desired": int(task_set.get("desiredCount") or 0),
        "target_group": (task_set.get("targetGroup") or {}).get("name", ""),
    }
