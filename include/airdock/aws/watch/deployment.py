"""How a CodeDeploy deployment is followed, up to the end of the rollback that it may cause.

CodeDeploy rolls back by creating a second deployment (`creator` codeDeployRollback), named in the first one's
`rollbackInfo`. The first has ended by then, but production stands where it should only when the second has too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from airdock.aws.faults import error_code, spoken
from airdock.aws.watch.subject import Facts, Lookup
from airdock.plan.adoption import State
from airdock.plan.deployment_result import deployment_progress, deployment_state

ROLLBACK_APPEARS_SECONDS = 20.0
"""How long after a failure CodeDeploy may take to name the rollback that it starts."""
DETAILS_SECONDS = 30.0
"""How old the details of a deployment may get that goes on, as long as its status says nothing new.

Lifecycle events, task sets and weights cost a call for each deployment, the status of 25 costs one.
"""
DETAILS_AT_ONCE = 2
"""Of so many of them at most they are asked in one look: in a crowd the log is coarser, and the calls stay few."""


class DeploymentWatch:
    """Facts of a deployment, plain JSON:

        id, application, group, status, description, creator, config,
        started_at, ended_at: ISO 8601 or None; seconds_since_end: by AWS's own clock, or None,
        error: {code, message} | None,
        events: [{name, status, message}], in AWS's order,
        task_sets: [{id, label: blue|green, status, weight, running, desired, target_group}],
        weights: {blue: percent, green: percent},
        terminating: whether all traffic has moved and the old task set waits for its end,
        rollback_enabled: whether a rollback of this deployment's failure is to be expected,
        rollback_message: CodeDeploy's own word on the rollback, or "",
        targets: ids of its ECS targets; details_at: when events, task sets and weights were read, ISO 8601,
        rollback: the rollback deployment's facts in the same shape, or None.

    Option `success_at`: `traffic_shift` is finished once all traffic is on the new task set; `termination` (the
    default) only when CodeDeploy calls the deployment over.
    """

    service = "codedeploy"
    batch = 25

    def read(self, lookup: Lookup, ids: Sequence[str]) -> dict[str, Facts]:
        return self.reread(lookup, ids, {})

    def reread(self, lookup: Lookup, ids: Sequence[str], known: Mapping[str, Facts]) -> dict[str, Facts]:
        """Read the states; the details of `known` are kept where they are fresh and the status is the same."""
        client = lookup("codedeploy")
        undone = {facts["rollback"]["id"]: facts["rollback"] for facts in known.values() if facts.get("rollback")}
        with spoken("asking CodeDeploy for the deployment"):
            found = _read(client, ids, known)
            rollbacks = _read(client, [info["rollback_id"] for info in found.values() if info["rollback_id"]], undone)
        return {key: {**facts, "rollback": rollbacks.get(facts["rollback_id"])} for key, facts in found.items()}

    def finished(self, facts: Facts, options: Mapping[str, Any]) -> bool:
        if deployment_state(facts["status"]) is State.RUNNING:
            return options.get("success_at") == "traffic_shift" and bool(facts["terminating"])
        rollback = facts.get("rollback")
        if rollback is not None:
            return deployment_state(rollback["status"]) is not State.RUNNING
        return not _rollback_may_appear(facts)

    def progress(self, before: Facts | None, now: Facts) -> list[str]:
        return deployment_progress(before, now)


def _rollback_may_appear(facts: Facts) -> bool:
    expected = deployment_state(facts["status"]) is State.FAILED and facts["rollback_enabled"]
    return bool(facts["rollback_id"] or (expected and (facts["seconds_since_end"] or 0) < ROLLBACK_APPEARS_SECONDS))


def _read(client: Any, ids: Sequence[str], known: Mapping[str, Facts]) -> dict[str, Facts]:
    if not ids:
        return {}
    answer = client.batch_get_deployments(deploymentIds=list(ids))
    asked_at, infos = _clock_of(answer), answer.get("deploymentsInfo", [])
    asked = _asked_for_details(infos, known, asked_at)
    return {
        info["deploymentId"]: _facts(info, _details(client, info, known, asked, asked_at), asked_at) for info in infos
    }


def _asked_for_details(infos: Sequence[Mapping[str, Any]], known: Mapping[str, Facts], asked_at: datetime) -> set[str]:
    """Whose details are read: all whose state says something new, and the stalest of those that go on."""
    new = {info["deploymentId"] for info in infos if _is_news(info, known.get(info["deploymentId"]))}
    running = (info["deploymentId"] for info in infos if deployment_state(info["status"]) is State.RUNNING)
    stalest = sorted((known[key]["details_at"], key) for key in running if key not in new)
    before = (asked_at - timedelta(seconds=DETAILS_SECONDS)).isoformat()
    return new | {key for read_at, key in stalest[:DETAILS_AT_ONCE] if read_at <= before}


def _is_news(info: Mapping[str, Any], known: Facts | None) -> bool:
    if not known or not known.get("details_at"):
        return True
    return bool(known["status"] != info["status"] or (_terminating(info) and not known["terminating"]))


def _details(
    client: Any, info: Mapping[str, Any], known: Mapping[str, Facts], asked: set[str], asked_at: datetime
) -> Facts:
    key = info["deploymentId"]
    if key not in asked:
        return {name: known[key][name] for name in ("events", "task_sets", "weights", "targets", "details_at")}
    ids, targets = _targets(client, key, known.get(key, {}).get("targets", []))
    task_sets = [_task_set(task_set) for target in targets for task_set in target.get("taskSetsInfo", [])]
    return {
        "events": [_event(event) for target in targets for event in target.get("lifecycleEvents", [])],
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


def _facts(info: Mapping[str, Any], details: Facts, asked_at: datetime) -> Facts:
    ended, rollback = info.get("completeTime"), info.get("rollbackInfo") or {}
    return {
        "id": info["deploymentId"],
        "application": info.get("applicationName", ""),
        "group": info.get("deploymentGroupName", ""),
        "config": info.get("deploymentConfigName", ""),
        "status": info["status"],
        "description": info.get("description", ""),
        "creator": info.get("creator", ""),
        "started_at": _iso(info.get("createTime")),
        "ended_at": _iso(ended),
        "seconds_since_end": (asked_at - ended).total_seconds() if ended else None,
        "error": _error(info.get("errorInformation")),
        **details,
        "terminating": _terminating(info) or _traffic_is_over(details["events"]),
        "rollback_enabled": bool((info.get("autoRollbackConfiguration") or {}).get("enabled")),
        "rollback_id": rollback.get("rollbackDeploymentId") or "",
        "rollback_message": rollback.get("rollbackMessage") or "",
        "rollback": None,
    }


def _terminating(info: Mapping[str, Any]) -> bool:
    return bool(info.get("instanceTerminationWaitTimeStarted"))


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


def _traffic_is_over(events: Iterable[Mapping[str, str]]) -> bool:
    """A deployment that failed before skips what comes after: AfterAllowTraffic counts once AllowTraffic succeeded."""
    status = {event["name"]: event["status"] for event in events}
    return status.get("AllowTraffic") == "Succeeded" and status.get("AfterAllowTraffic") in {"Succeeded", "Skipped"}


def _error(information: Mapping[str, Any] | None) -> dict[str, str] | None:
    if not information:
        return None
    return {"code": information.get("code", ""), "message": information.get("message", "")}


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _clock_of(answer: Mapping[str, Any]) -> datetime:
    """AWS's time of the answer, so that a wrong clock of ours does no harm."""
    told = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    return parsedate_to_datetime(told) if told else datetime.now(UTC)
