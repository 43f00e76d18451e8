"""How a CodeDeploy deployment is followed, up to the end of the rollback that it may cause.

CodeDeploy rolls back by creating a second deployment (`creator` codeDeployRollback), named in the first one's
`rollbackInfo`. The first has ended by then, but production stands where it should only when the second has too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from airdock.aws.faults import spoken
from airdock.aws.watch.deployment_details import is_terminating, read_details
from airdock.aws.watch.subject import Facts, Lookup, clock_of
from airdock.plan.adoption import State
from airdock.plan.deployment_result import deployment_progress, deployment_state

ROLLBACK_APPEARS_SECONDS = 20.0
"""How long after a failure CodeDeploy may take to name the rollback that it starts."""


class DeploymentWatch:
    """Facts of a deployment, plain JSON:

        id, application, group, status, description, creator, config,
        started_at, ended_at: ISO 8601 or None; seconds_since_end: by AWS's own clock, or None,
        error: {code, message} | None,
        events: [{name, status, message}], in AWS's order,
        shift_began: when production traffic began to move, ISO 8601 or None,
        task_sets: [{id, label: blue|green, status, weight, running, desired, target_group}],
        weights: {blue: percent, green: percent},
        terminating: whether all traffic has moved and the old task set waits for its end,
        rollback_enabled: whether a rollback of this deployment's failure is to be expected,
        rollback_message: CodeDeploy's own word on the rollback, or "",
        targets: ids of its ECS targets; details_at: when events, task sets and weights were read, ISO 8601,
        asked_at: when AWS has told of the state, by its own clock, ISO 8601,
        rollback: the rollback deployment's facts in the same shape, or None.

    Option `success_at`: `traffic_shift` is finished once all traffic is on the new task set; `termination` (the
    default) only when CodeDeploy calls the deployment over. Option `shift_minutes`: how long the traffic configuration
    has the traffic move; no event tells that it has moved.
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

    def left_seconds(self, facts: Facts, options: Mapping[str, Any]) -> float | None:
        """To the last step of the traffic, which the configuration counts from the first."""
        minutes, began = options.get("shift_minutes"), facts["shift_began"]
        if not minutes or not began or facts["terminating"]:
            return None
        moving = datetime.fromisoformat(facts["asked_at"]) - datetime.fromisoformat(began)
        return float(minutes * 60 - moving.total_seconds())

    def progress(self, before: Facts | None, now: Facts) -> list[str]:
        return deployment_progress(before, now)


def _rollback_may_appear(facts: Facts) -> bool:
    expected = deployment_state(facts["status"]) is State.FAILED and facts["rollback_enabled"]
    return bool(facts["rollback_id"] or (expected and (facts["seconds_since_end"] or 0) < ROLLBACK_APPEARS_SECONDS))


def _read(client: Any, ids: Sequence[str], known: Mapping[str, Facts]) -> dict[str, Facts]:
    """A deployment whose end is told before its details can be read stays, for this look, as it was."""
    if not ids:
        return {}
    answer = client.batch_get_deployments(deploymentIds=list(ids))
    asked_at, infos = clock_of(answer), {each["deploymentId"]: each for each in answer.get("deploymentsInfo", [])}
    details = read_details(client, list(infos.values()), known, asked_at)
    postponed = {key: known[key] for key in infos if key not in details and key in known}
    return postponed | {key: _facts(infos[key], told, asked_at) for key, told in details.items()}


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
        "asked_at": asked_at.isoformat(),
        "error": _error(info.get("errorInformation")),
        **details,
        "terminating": is_terminating(info) or _traffic_is_over(details["events"]),
        "rollback_enabled": bool((info.get("autoRollbackConfiguration") or {}).get("enabled")),
        "rollback_id": rollback.get("rollbackDeploymentId") or "",
        "rollback_message": rollback.get("rollbackMessage") or "",
        "rollback": None,
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
