"""Deployments by ECS itself, begun exactly once though UpdateService has no idempotency token.

What identifies a delivery's deployment is the task definition that it brings. Before asking for one, the ids of those
that exist are remembered; whatever appears beside them with our task definition is ours, even when the reply was lost.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from airdock.aws.faults import error_code, spoken
from airdock.aws.production import Service
from airdock.errors import AirdockError, Fault
from airdock.plan.adoption import State
from airdock.plan.service_deployment_result import service_deployment_state

MOST_LOOKED_AT = 100
BATCH = 20
MOST_ANSWERS = 3
"""How often a pause is answered that waits on, before the task is tried again."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Known:
    """A deployment that ECS tells of: its task definition is that of the revision it brings."""

    id: str
    status: str
    task_definition: str


def known(service: Service) -> list[Known]:
    """The service's deployments, newest first, at most 100. Raises Refused or Fault."""
    with spoken(f"asking ECS for the deployments of {service}"):
        ecs = service.account.client("ecs")
        listed = _listed(ecs, service)
        brought = task_definitions(ecs, [each["targetServiceRevisionArn"] for each in listed])
    return [
        Known(each["serviceDeploymentArn"], each["status"], brought.get(each["targetServiceRevisionArn"], ""))
        for each in listed
    ]


class Notes(Protocol):
    """What a task remembers through its retries and clears."""

    def get(self, key: str) -> Any: ...

    def set(self, key: str, value: Any) -> None: ...


def begin_once(
    service: Service,
    task_definition: str,
    configuration: Mapping[str, Any],
    notes: Notes,
    clears: int,
    insist: Callable[[], None],
) -> str:
    """The id of the delivery's one deployment, begun now if there is none.

    `clears`: how often the run was cleared; what an earlier attempt has come to is tried again. `insist`: called before
    one is begun, and not where one is found; raises where none may be.

    Raises:
        Refused: ECS does not accept the deployment.
        Fault: it may accept it later, or does not tell of it yet.
    """
    there = known(service)
    if there and there[0].task_definition == task_definition and not has_failed(there[0]):
        log.info("%s brings %s already", there[0].id, task_definition)
        return there[0].id
    seen = _noted(notes, task_definition, clears, there)
    ours = next((each.id for each in there if each.task_definition == task_definition and each.id not in seen), "")
    if ours:
        log.info("An earlier try of this task has begun %s", ours)
        return ours
    insist()
    try:
        return begin(service, task_definition, configuration, seen)
    except AirdockError as error:
        log.info("%s. Looking whether the deployment has begun all the same", error.sentence)
        if ours := appeared(service, task_definition, seen):
            return ours
        raise


def _noted(notes: Notes, task_definition: str, clears: int, there: Sequence[Known]) -> list[str]:
    """The deployments of the task definition that are not ours, noted before the first request goes out."""
    noted = notes.get("asked") or {}
    if (noted.get("clears"), noted.get("task_definition")) == (clears, task_definition):
        return list(noted["seen"])
    seen = [each.id for each in there if each.task_definition == task_definition]
    notes.set("asked", {"clears": clears, "task_definition": task_definition, "seen": seen})
    return seen


def begin(service: Service, task_definition: str, configuration: Mapping[str, Any], seen: Iterable[str]) -> str:
    """Ask for the deployment, one request, one time; the id of the one that appeared beside those `seen`.

    Task definition and configuration go in one request: two would be two deployments. What is not named stays as it
    is: the number of tasks, capacity providers, balancer, tags.

    Raises:
        Refused: ECS does not accept it.
        Fault: it may have begun, or may be accepted later; the next try finds it.
    """
    with spoken(f"asking ECS to deploy {task_definition} to {service}"):
        service.account.client("ecs", once=True).update_service(
            cluster=service.cluster,
            service=service.name,
            taskDefinition=task_definition,
            deploymentConfiguration=dict(configuration),
        )
    return appeared(service, task_definition, seen) or _unheard(service, task_definition)


def configure(service: Service, configuration: Mapping[str, Any]) -> None:
    """Change how the service's next deployments go; by itself that begins none. Raises Refused or Fault."""
    with spoken(f"configuring the deployments of {service}"):
        service.account.client("ecs").update_service(
            cluster=service.cluster, service=service.name, deploymentConfiguration=dict(configuration)
        )


def appeared(service: Service, task_definition: str, seen: Iterable[str]) -> str:
    """The newest deployment of the task definition that is not among those seen, or "". Raises Refused or Fault."""
    before = set(seen)
    found = (each.id for each in known(service) if each.task_definition == task_definition and each.id not in before)
    return next(found, "")


def stop(service: Service, deployment_id: str) -> bool:
    """Stop with rollback; False when ECS is over with it, or on its way back already. Raises Refused or Fault."""
    from botocore.exceptions import ClientError

    with spoken(f"stopping the service deployment {deployment_id}"):
        try:
            service.account.client("ecs").stop_service_deployment(
                serviceDeploymentArn=deployment_id, stopType="ROLLBACK"
            )
        except ClientError as error:
            if error_code(error) == "ConflictException":
                return False
            raise
    return True


def answer_hook(service: Service, deployment_id: str, hook_id: str, action: str, pause_seconds: float = 2) -> None:
    """CONTINUE or ROLLBACK to a pause; an answer that ECS no longer waits for is no error.

    An answer that ECS refuses while it waits is given again, a few times.

    Raises:
        Refused: the answer may not be given.
        Fault: ECS is out of reach, or refuses it and waits all the same.
    """
    refused = ""
    for number in range(MOST_ANSWERS):
        time.sleep(pause_seconds if number else 0)
        refused = _refusal(service, deployment_id, hook_id, action)
        if not refused or not _awaits(service, deployment_id, hook_id):
            return
    raise Fault(f"ECS refuses the answer {action} to the hook {hook_id}, and waits for one: {refused}")


def _refusal(service: Service, deployment_id: str, hook_id: str, action: str) -> str:
    """What ECS has against the answer, "" where it takes it."""
    from botocore.exceptions import ClientError

    with spoken(f"answering {action} to the hook {hook_id}"):
        try:
            service.account.client("ecs").continue_service_deployment(
                serviceDeploymentArn=deployment_id, hookId=hook_id, action=action
            )
        except ClientError as error:
            if error_code(error) not in ("ConflictException", "InvalidParameterException"):
                raise
            log.warning("ECS does not take the answer %s to the hook %s: %s", action, hook_id, error)
            return str(error)
    return ""


def _awaits(service: Service, deployment_id: str, hook_id: str) -> bool:
    with spoken(f"asking ECS whether the hook {hook_id} waits"):
        told = service.account.client("ecs").describe_service_deployments(serviceDeploymentArns=[deployment_id])
    hooks = [hook for each in told["serviceDeployments"] for hook in each.get("lifecycleHookDetails", ())]
    return any(hook["hookId"] == hook_id and hook.get("status") == "AWAITING_ACTION" for hook in hooks)


def task_definitions(ecs: Any, revisions: Iterable[str]) -> dict[str, str]:
    """The task definition of each service revision that ECS knows."""
    wanted = list(dict.fromkeys(arn for arn in revisions if arn))
    return {
        told["serviceRevisionArn"]: told["taskDefinition"]
        for start in range(0, len(wanted), BATCH)
        for told in ecs.describe_service_revisions(serviceRevisionArns=wanted[start : start + BATCH])[
            "serviceRevisions"
        ]
    }


def has_failed(deployment: Known) -> bool:
    """Whether ECS is done with it and it is not live."""
    return service_deployment_state(deployment.status) is State.FAILED


def console_url(service: Service, deployment_id: str) -> str:
    """The page of a service deployment in the ECS console."""
    region, name = service.account.client("ecs").meta.region_name, deployment_id.rpartition("/")[2]
    page = f"clusters/{service.cluster}/services/{service.name}/deployments/{name}"
    return f"https://{region}.console.aws.amazon.com/ecs/v2/{page}?region={region}"


def _listed(ecs: Any, service: Service) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    request: dict[str, Any] = {"cluster": service.cluster, "service": service.name}
    while len(found) < MOST_LOOKED_AT:
        page = ecs.list_service_deployments(**request)
        found += page["serviceDeployments"]
        if not page.get("nextToken"):
            break
        request["nextToken"] = page["nextToken"]
    return sorted(found, key=lambda each: each["createdAt"], reverse=True)


def _unheard(service: Service, task_definition: str) -> str:
    raise Fault(f"ECS does not tell yet of the deployment of {task_definition} to {service}; the next try finds it")
