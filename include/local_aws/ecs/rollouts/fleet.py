"""The service's own record of its deployments (`DescribeServices`), changed as a service deployment goes on."""

from __future__ import annotations

from local_aws.ecs.deployments import serve, set_desired
from local_aws.ecs.records import Document

_CAUSES = {
    "breaker": ("ECS deployment circuit breaker: tasks failed to start.", "ECS deployment circuit breaker: "),
    "alarm": ("ECS deployment failed: alarm detected.", "ECS deployment alarm detected: "),
}


def want(service: Document, ids: tuple[str, ...], proven: str = "") -> None:
    """Have tasks of these deployments and of no others."""
    for deployment in service["deployments"]:
        deployment["_"]["wanted"] = deployment["id"] in ids
        deployment["_"]["proven"] = deployment["_"]["proven"] or deployment["id"] == proven
    set_desired(service)


def restore(service: Document, target: str, source: str, cause: str, why: str, beside: bool) -> bool:
    """Have the source as the primary deployment again; whether it was not yet."""
    by_id = {deployment["id"]: deployment for deployment in service["deployments"]}
    if _primary(service).get("id") != target or source not in by_id:
        return False
    failed_reason, prefix = _CAUSES.get(cause, (why, "ECS deployment: "))
    going_back = f"{prefix}rolling back to deploymentId {source}."
    back = {"status": "PRIMARY", "rolloutState": "IN_PROGRESS", "rolloutStateReason": going_back}
    gone = {"status": "ACTIVE", "rolloutState": "FAILED", "rolloutStateReason": failed_reason}
    by_id[source] |= back
    by_id[target] |= gone
    rest = [deployment for deployment in service["deployments"] if deployment["id"] != source]
    service["deployments"] = [by_id[source], *rest]
    serve(service, by_id[source])
    want(service, (source, target) if beside else (source,))
    return True


def complete(service: Document, deployment_id: str, moment: str) -> bool:
    """One deployment is all there is; whether it was not yet said so."""
    first = _primary(service)
    if first.get("id") != deployment_id or first["rolloutState"] == "COMPLETED":
        return False
    reason = f"ECS deployment {deployment_id} completed."
    first |= {"rolloutState": "COMPLETED", "rolloutStateReason": reason, "updatedAt": moment, "status": "PRIMARY"}
    service["deployments"] = [first]
    want(service, (deployment_id,), proven=deployment_id)
    return True


def halt(service: Document, deployment_id: str, cause: str, why: str) -> bool:
    """A failed deployment starts no more tasks, and what there is stays; whether it was not yet said so.

    Where two stand side by side both may have traffic: both are kept up.
    """
    first = _primary(service)
    if first.get("id") != deployment_id or first["rolloutState"] == "FAILED":
        return False
    first |= {"rolloutState": "FAILED", "rolloutStateReason": _CAUSES.get(cause, (why, ""))[0]}
    first["_"]["halted"] = not first["_"]["beside"] or len(service["deployments"]) == 1
    return True


def _primary(service: Document) -> Document:
    """The primary deployment; {} of a service that is gone."""
    return service["deployments"][0] if service["deployments"] else {}
