"""Service deployments and service revisions as the API shows them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from local_aws.ecs.records import SERVICE, Document, shown
from local_aws.ecs.rollouts import records
from local_aws.ecs.rollouts.endings import threshold
from local_aws.ecs.rollouts.progress import OWN_STAGES, Breaker, HookRun, Plan, Progress, plan_from, progress_from
from local_aws.ecs.service_views import counts_of
from local_aws.world import World


def brief(world: World, document: Document) -> Document:
    """As ListServiceDeployments shows it."""
    progress = progress_from(document["progress"])
    told = {
        "serviceDeploymentArn": document["plan"]["arn"],
        "serviceArn": document["service"],
        "clusterArn": document["cluster"],
        "createdAt": _moment(progress.created),
        "startedAt": _moment(progress.started),
        "finishedAt": _moment(progress.finished),
        "targetServiceRevisionArn": document["revision"],
        "status": status_of(world, document),
        "statusReason": progress.reason,
    }
    return _without_nothing(told)


def described(world: World, document: Document) -> Document:
    """As DescribeServiceDeployments shows it."""
    plan, progress = plan_from(document["plan"]), progress_from(document["progress"])
    told = brief(world, document)
    told.pop("targetServiceRevisionArn")
    told |= {
        "stoppedAt": _moment(progress.stopped),
        "updatedAt": _moment(progress.updated),
        "sourceServiceRevisions": _sources(world, document, plan, progress),
        "targetServiceRevision": _side(world, document, plan, plan.target, progress.production, progress.test),
        "lifecycleStage": _stage(progress),
        "lifecycleHookDetails": [_hook(plan, run) for run in progress.hooks],
        "deploymentConfiguration": document["configuration"],
        "rollback": _rollback(document, plan, progress),
        "deploymentCircuitBreaker": _breaker(world, plan, progress),
        "alarms": _alarms(plan, progress),
    }
    return _without_nothing(told)


def status_of(world: World, document: Document) -> str:
    """The status, a request to stop shown from the moment it was made."""
    status, stop = str(document["progress"]["status"]), records.inbox(world.store, document["plan"]["arn"]).get("stop")
    if not stop or status not in ("PENDING", "IN_PROGRESS") or document["progress"]["end"]:
        return status
    return "STOP_REQUESTED" if stop == "ABORT" else "ROLLBACK_REQUESTED"


def revision(document: Document) -> Document:
    """As DescribeServiceRevisions shows it."""
    return dict(shown(document))


def current(world: World, service: Document) -> Document:
    """What DescribeServices shows of the deployment under way, and of the revisions that have or want tasks."""
    running = [each for each in records.of_service(world.store, service["serviceArn"]) if not records.is_over(each)]
    revisions = [_current(world, service, deployment) for deployment in service["deployments"]]
    told = {
        "currentServiceRevisions": [
            each for each in revisions if each["requestedTaskCount"] or each["runningTaskCount"]
        ]
    }
    return {**told, **({"currentServiceDeployment": running[0]["plan"]["arn"]} if running else {})}


def _current(world: World, service: Document, deployment: Document) -> Document:
    counts = counts_of(world, service["serviceArn"], deployment["id"])
    return {
        "arn": records.revision_arn(service, deployment["id"]),
        "requestedTaskCount": deployment["desiredCount"],
        "runningTaskCount": counts["runningCount"],
        "pendingTaskCount": counts["pendingCount"],
    }


def _stage(progress: Progress) -> str | None:
    """One that went to its end keeps its last stage."""
    if progress.stage == "FINISH" and not progress.end:
        return "CLEAN_UP"
    return None if progress.stage in OWN_STAGES else progress.stage


def _sources(world: World, document: Document, plan: Plan, progress: Progress) -> list[Document]:
    known = [key for key in (plan.source, *plan.others) if key in document["sources"]]
    # Only one of them has the traffic.
    return [
        _side(
            world,
            document,
            plan,
            key,
            *((100 - progress.production, 100 - progress.test) if key == known[0] else (0, 0)),
        )
        for key in known
    ]


def _side(world: World, document: Document, plan: Plan, key: str, production: float, test: float) -> Document:
    arn = document["revision"] if key == plan.target else document["sources"][key]
    service = world.store.get(SERVICE, plan.service) or {"deployments": []}
    wanted = [each["desiredCount"] for each in service["deployments"] if each["id"] == key]
    counts = counts_of(world, plan.service, key)
    told = {
        "arn": arn,
        "requestedTaskCount": wanted[0] if wanted else 0,
        "runningTaskCount": counts["runningCount"],
        "pendingTaskCount": counts["pendingCount"],
    }
    if plan.routes and not plan.rolling:
        told |= {"requestedProductionTrafficWeight": production, "requestedTestTrafficWeight": test}
    return told


def _hook(plan: Plan, run: HookRun) -> Document:
    (hook,) = (hook for hook in plan.hooks if hook.number == run.number)
    told = {
        "hookId": run.id,
        "targetType": run.kind,
        "targetArn": hook.function,
        "status": run.status,
        "expiresAt": _moment(run.expires),
        "timeoutAction": hook.timeout_action,
    }
    return _without_nothing(told)


def _rollback(document: Document, plan: Plan, progress: Progress) -> Document | None:
    if not progress.backward:
        return None
    told = {
        "reason": progress.rollback_reason,
        "startedAt": _moment(progress.rollback_started),
        "serviceRevisionArn": document["sources"].get(plan.source),
    }
    return _without_nothing(told)


def _breaker(world: World, plan: Plan, progress: Progress) -> Document:
    service = world.store.get(SERVICE, plan.service) or {"desiredCount": 0}
    breaker = plan.breaker or Breaker(rolls_back=False)
    limit = threshold(breaker, service["desiredCount"])
    status = _monitor(plan.breaker is not None, progress.cause == "breaker", progress)
    return {"status": status, "failureCount": progress.failures, "threshold": limit}


def _alarms(plan: Plan, progress: Progress) -> Document:
    names = list(plan.alarms.names) if plan.alarms else []
    status = _monitor(plan.alarms is not None, bool(progress.triggered), progress)
    return _without_nothing({"status": status, "alarmNames": names, "triggeredAlarmNames": list(progress.triggered)})


def _monitor(enabled: bool, triggered: bool, progress: Progress) -> str:
    if not enabled:
        return "DISABLED"
    if triggered:
        return "TRIGGERED"
    return "MONITORING_COMPLETE" if progress.over or progress.backward else "MONITORING"


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _without_nothing(told: dict[str, Any]) -> Document:
    return {name: value for name, value in told.items() if value not in (None, "", [])}
