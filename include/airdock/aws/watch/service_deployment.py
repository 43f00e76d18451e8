"""How a deployment that ECS does itself is followed, up to the end of its rollback."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from airdock.aws.faults import spoken
from airdock.aws.service_deployments import task_definitions
from airdock.aws.watch.subject import Facts, Lookup, clock_of
from airdock.plan.adoption import State
from airdock.plan.service_configuration import guards, pauses_of_others
from airdock.plan.service_deployment_progress import service_deployment_progress
from airdock.plan.service_deployment_result import ServiceDeploymentStatus, service_deployment_state

Counts = dict[tuple[str, str], int]

SERVICES_AT_ONCE = 10
"""How many DescribeServices takes."""
COUNT_SECONDS = 15.0
"""How old the count of failed starts may get: it costs a call for every ten services of a cluster."""


class ServiceDeploymentWatch:
    """Facts of a service deployment, plain JSON:

        id, service, status, stage, reason; started_at, ended_at: ISO 8601 or None,
        revisions: {new, old}: ARNs of the target and of the first source revision, or "",
        task_definition, previous_task_definition: of the target and of the first source revision, or "",
        tasks: {requested, running, pending} of the new version,
        weights: {old: percent, new: percent} of production traffic, {} where ECS moves none,
        hooks: [{id, type: PAUSE|AWS_LAMBDA, target, status, expires_at}],
        waiting: ids of the pauses that wait for an answer of Airdock's,
        failed_starts: of the new version, in a row, as DescribeServices counts them; counted_at: when, ISO 8601,
        breaker: {status, failures, threshold}, alarms: {status, triggered: [names], names: those that are to guard it},
        rollback_reason: "" where ECS does not roll back,
        rollback_requested: whether it was seen that somebody asked for the rollback,
        newest: id of the service's newest deployment.

    Options: `decides`: a pause that waits for an answer ends the wait too, unless its hook's id is among `answered`.
    `failed_starts`: so many failed starts of the new version do.
    """

    service = "ecs"
    batch = 20

    def read(self, lookup: Lookup, ids: Sequence[str]) -> dict[str, Facts]:
        return self.reread(lookup, ids, {})

    def reread(self, lookup: Lookup, ids: Sequence[str], known: Mapping[str, Facts]) -> dict[str, Facts]:
        """Read the states; of `known` are kept the revisions' task definitions, and a fresh count of failed starts."""
        ecs = lookup("ecs")
        with spoken("asking ECS for the service deployment"):
            answer = ecs.describe_service_deployments(serviceDeploymentArns=list(ids))
            found, now = answer["serviceDeployments"], clock_of(answer)
            revisions = _task_definitions(ecs, [arn for each in found for arn in _revisions(each)], known)
            newest = {each["serviceArn"]: _newest(ecs, each) for each in found if _state(each) is not State.RUNNING}
            counted = _failed_starts(ecs, [each for each in found if not _fresh(each, known, now)])
        facts = (_facts(each, revisions, newest.get(each["serviceArn"], "")) for each in found)
        return {each["id"]: {**each, **_count(each, counted, known, now), **_asked(each, known)} for each in facts}

    def finished(self, facts: Facts, options: Mapping[str, Any]) -> bool:
        over = service_deployment_state(facts["status"]) is not State.RUNNING
        unanswered = set(facts["waiting"]) - set(options.get("answered", ()))
        return bool(
            over or (options.get("decides") and unanswered) or keeps_failing(facts, options.get("failed_starts"))
        )

    def progress(self, before: Facts | None, now: Facts) -> list[str]:
        return service_deployment_progress(before, now)


def keeps_failing(facts: Facts, limit: int | None) -> bool:
    """Whether the new version has failed to start as often as is allowed, and ECS goes on with it all the same."""
    turned = facts["status"].startswith("ROLLBACK")
    running = service_deployment_state(facts["status"]) is State.RUNNING
    return bool(limit and running and not turned and facts["failed_starts"] >= limit)


def _task_definitions(ecs: Any, revisions: Sequence[str], known: Mapping[str, Facts]) -> dict[str, str]:
    """By revision, which never changes: those that earlier looks have read are not asked for."""
    told = {
        facts["revisions"][side]: facts[name]
        for facts in known.values()
        for side, name in (("new", "task_definition"), ("old", "previous_task_definition"))
        if facts[name]
    }
    return told | task_definitions(ecs, [arn for arn in revisions if arn not in told])


def _fresh(told: Mapping[str, Any], known: Mapping[str, Facts], now: datetime) -> bool:
    """Whether the count need not be asked: ECS is done, or has told it a moment ago."""
    before = (now - timedelta(seconds=COUNT_SECONDS)).isoformat()
    counted_at = known.get(told["serviceDeploymentArn"], {}).get("counted_at", "")
    return _state(told) is not State.RUNNING or counted_at > before


def _count(facts: Facts, counted: Counts, known: Mapping[str, Facts], now: datetime) -> Facts:
    key, before = (facts["service"], facts["task_definition"]), known.get(facts["id"], {})
    if key in counted:
        return {"failed_starts": counted[key], "counted_at": now.isoformat()}
    return {"failed_starts": before.get("failed_starts", 0), "counted_at": before.get("counted_at", "")}


def _asked(facts: Facts, known: Mapping[str, Facts]) -> Facts:
    """ECS keeps no history: what an earlier look saw of the request stays."""
    before = known.get(facts["id"], {}).get("rollback_requested", False)
    return {"rollback_requested": before or facts["status"] == ServiceDeploymentStatus.ROLLBACK_REQUESTED}


def _failed_starts(ecs: Any, running: Sequence[Mapping[str, Any]]) -> Counts:
    """Failed starts by service and task definition; ECS counts them for all its deployments."""
    by_cluster: dict[str, list[str]] = {}
    for each in running:
        by_cluster.setdefault(each["clusterArn"], []).append(each["serviceArn"])
    told = [
        service
        for cluster, arns in by_cluster.items()
        for start in range(0, len(arns), SERVICES_AT_ONCE)
        for service in ecs.describe_services(cluster=cluster, services=arns[start : start + SERVICES_AT_ONCE])[
            "services"
        ]
    ]
    return {
        (service["serviceArn"], each["taskDefinition"]): int(each.get("failedTasks") or 0)
        for service in told
        for each in service.get("deployments", [])
    }


def _facts(told: Mapping[str, Any], revisions: Mapping[str, str], newest: str) -> Facts:
    target, sources = told.get("targetServiceRevision") or {}, told.get("sourceServiceRevisions") or [{}]
    hooks = [_hook(hook) for hook in told.get("lifecycleHookDetails", [])]
    configuration = told.get("deploymentConfiguration") or {}
    breaker, alarms = told.get("deploymentCircuitBreaker") or {}, told.get("alarms") or {}
    return {
        "id": told["serviceDeploymentArn"],
        "service": told.get("serviceArn", ""),
        "status": told["status"],
        "stage": told.get("lifecycleStage", ""),
        "reason": told.get("statusReason", ""),
        "started_at": _iso(told.get("createdAt")),
        "ended_at": _iso(told.get("finishedAt") or told.get("stoppedAt")),
        "revisions": {"new": target.get("arn", ""), "old": sources[0].get("arn", "")},
        "task_definition": revisions.get(target.get("arn", ""), ""),
        "previous_task_definition": revisions.get(sources[0].get("arn", ""), ""),
        "tasks": {name: target.get(f"{name}TaskCount", 0) for name in ("requested", "running", "pending")},
        "weights": _weights(target),
        "hooks": hooks,
        "waiting": [] if told.get("lifecycleStage") in pauses_of_others(configuration) else _waiting(hooks),
        "breaker": {
            "status": breaker.get("status", ""),
            "failures": breaker.get("failureCount", 0),
            "threshold": breaker.get("threshold", 0),
        },
        "alarms": {
            "status": alarms.get("status", ""),
            "triggered": alarms.get("triggeredAlarmNames", []),
            "names": guards(configuration),
        },
        "rollback_reason": (told.get("rollback") or {}).get("reason", ""),
        "newest": newest or told["serviceDeploymentArn"],
    }


def _hook(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": told["hookId"],
        "type": told.get("targetType", ""),
        "target": told.get("targetArn", ""),
        "status": told.get("status", ""),
        "expires_at": _iso(told.get("expiresAt")),
    }


def _waiting(hooks: Sequence[Mapping[str, Any]]) -> list[str]:
    return [hook["id"] for hook in hooks if hook["status"] == "AWAITING_ACTION"]


def _weights(target: Mapping[str, Any]) -> dict[str, float]:
    if "requestedProductionTrafficWeight" not in target:
        return {}
    new = float(target["requestedProductionTrafficWeight"])
    return {"old": 100 - new, "new": new}


def _revisions(told: Mapping[str, Any]) -> list[str]:
    target, sources = told.get("targetServiceRevision") or {}, told.get("sourceServiceRevisions") or []
    return [target.get("arn", ""), *(each.get("arn", "") for each in sources[:1])]


def _state(told: Mapping[str, Any]) -> State:
    return service_deployment_state(told["status"])


def _newest(ecs: Any, told: Mapping[str, Any]) -> str:
    """Who came last tells a deployment that gave way from one that was stopped."""
    listed = ecs.list_service_deployments(cluster=told["clusterArn"], service=told["serviceArn"])["serviceDeployments"]
    return str(max(listed, key=lambda each: each["createdAt"])["serviceDeploymentArn"]) if listed else ""


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
