"""Deployments as the API shows them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from local_aws.codedeploy.progress import Event, Plan, Progress, TaskSet, plan_from, progress_from

Document = dict[str, Any]
_TARGET_STATUS = {"Created": "Pending", "Queued": "Pending", "Stopped": "Failed"}
_OVERVIEW = ("Pending", "InProgress", "Succeeded", "Failed", "Skipped", "Ready")
_ERROR_CODES = {"Failed": "ScriptFailed", "Succeeded": "Success"}


def moment(seconds: float | None) -> datetime | None:
    """A time of the API from epoch seconds."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def deployment_info(document: Document) -> Document:
    """A DeploymentInfo. The AppSpec's content is left out, as the CLI reference of get-deployment says."""
    info, plan, progress = document["info"], plan_from(document["plan"]), progress_from(document["progress"])
    shown = {
        **info,
        "revision": without_content(info.get("revision")),
        "previousRevision": without_content(info.get("previousRevision")),
        "status": progress.status,
        "createTime": moment(info["createTime"]),
        "startTime": moment(progress.started),
        "completeTime": moment(progress.completed),
        "errorInformation": _error(progress),
        "rollbackInfo": _rollback(plan, progress),
        "instanceTerminationWaitTimeStarted": _terminating(plan, progress),
        "deploymentOverview": {name: int(name == target_status(progress)) for name in _OVERVIEW},
    }
    return {key: value for key, value in shown.items() if value is not None}


def without_content(revision: Document | None) -> Document | None:
    """A revision with the hash of its AppSpec only."""
    if not revision or "appSpecContent" not in revision:
        return revision
    return {**revision, "appSpecContent": {"sha256": revision["appSpecContent"].get("sha256")}}


def target_id(document: Document) -> str:
    """The id of a deployment's only target."""
    return f"{document['target']['cluster']}:{document['target']['service']}"


def deployment_target(document: Document, account: str) -> Document:
    """A DeploymentTarget of the ECS platform."""
    progress, target = progress_from(document["progress"]), document["target"]
    service = f"service/{target['cluster']}/{target['service']}"
    return {
        "deploymentTargetType": "ECSTarget",
        "ecsTarget": {
            "deploymentId": document["info"]["deploymentId"],
            "targetId": target_id(document),
            "targetArn": f"arn:aws:ecs:{target['region']}:{account}:{service}",
            "lastUpdatedAt": moment(_updated(progress)),
            "status": target_status(progress),
            "lifecycleEvents": [_event(name, event) for name, event in progress.events.items()],
            "taskSetsInfo": [
                _task_set(progress.blue, "Blue", 100 - progress.green_weight),
                *([_task_set(progress.green, "Green", progress.green_weight)] if progress.green.id else []),
            ]
            if progress.blue.id
            else [],
        },
    }


def target_status(progress: Progress) -> str:
    """The TargetStatus that goes with a deployment's status."""
    return _TARGET_STATUS.get(progress.status, progress.status)


def _event(name: str, event: Event) -> Document:
    shown = {
        "lifecycleEventName": name,
        "status": event.status,
        "startTime": moment(event.started),
        "endTime": moment(event.ended),
        "diagnostics": {"errorCode": _ERROR_CODES[event.status], "message": event.message}
        if event.status in _ERROR_CODES
        else None,
    }
    return {key: value for key, value in shown.items() if value is not None}


def _task_set(task_set: TaskSet, label: str, weight: int) -> Document:
    return {
        "identifer": task_set.id,  # AWS's spelling
        "desiredCount": task_set.desired,
        "pendingCount": task_set.pending,
        "runningCount": task_set.running,
        "status": "DRAINING" if task_set.status == "GONE" else task_set.status,
        "trafficWeight": float(weight),
        "targetGroup": {"name": task_set.target_group},
        "taskSetLabel": label,
    }


def _error(progress: Progress) -> Document | None:
    end = progress.end
    return {"code": end.code, "message": end.message} if end and progress.over else None


def _rollback(plan: Plan, progress: Progress) -> Document | None:
    mine, other = plan.deployment_id, progress.rollback_id
    if plan.rolls_back:
        return {
            "rollbackTriggeringDeploymentId": plan.rolls_back,
            "rollbackMessage": f"Deployment {mine} is triggered to roll back deployment {plan.rolls_back}.",
        }
    if other is None:
        return None
    return {
        "rollbackDeploymentId": other,
        "rollbackMessage": (
            f"Deployment {mine} terminated. Automatic rollback is triggered with a DeploymentId {other}."
        ),
    }


def _terminating(plan: Plan, progress: Progress) -> bool:
    waiting = progress.stage in {"TerminationWait", "RemoveOriginal"} or progress.status == "Succeeded"
    return waiting and plan.termination_seconds is not None and plan.rolls_back is None


def _updated(progress: Progress) -> float:
    times = (progress.entered, progress.shifted, progress.looked, progress.completed or 0.0)
    return max(times)
