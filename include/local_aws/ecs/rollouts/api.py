"""The actions on service deployments and service revisions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from moto.core.responses import ActionResult

from local_aws.ecs.records import Document
from local_aws.ecs.refusals import ConflictError, InvalidParameterError, ServiceDeploymentNotFoundError
from local_aws.ecs.rollouts import records, views
from local_aws.ecs.services import Services
from local_aws.world import world

MOST_AT_ONCE = 20
_NO_LONGER = {"CLEAN_UP", "FINISH"}


class ServiceDeployments(Services):
    """The actions on service deployments and service revisions."""

    def list_service_deployments(self) -> ActionResult:
        """A service's deployments, the newest first, a page at a time."""
        service = self.service(self._get_param("service"))
        created, statuses = self._get_param("createdAt") or {}, self._get_param("status") or []
        found = [
            views.brief(world(), document)
            for document in records.of_service(world().store, service["serviceArn"])
            if _within(document["progress"]["created"], created)
        ]
        listed = [told for told in found if not statuses or told["status"] in statuses]
        return ActionResult(self._page("serviceDeployments", listed, MOST_AT_ONCE))

    def describe_service_deployments(self) -> ActionResult:
        """Service deployments by ARN."""
        return self._described("serviceDeployments", "serviceDeploymentArns", records.DEPLOYMENT)

    def describe_service_revisions(self) -> ActionResult:
        """Service revisions by ARN."""
        return self._described("serviceRevisions", "serviceRevisionArns", records.REVISION)

    def stop_service_deployment(self) -> ActionResult:
        """Have a service deployment roll back, or end where it is."""
        document = self._deployment()
        key, stop = document["plan"]["arn"], self._get_param("stopType") or "ROLLBACK"
        progress = document["progress"]
        turned = progress["rollback_started"] is not None or progress["stage"] in _NO_LONGER
        if records.is_over(document) or turned:
            raise ConflictError(f"The service deployment can't be stopped: it is {views.status_of(world(), document)}.")
        records.tell(world().store, key, stop=stop)
        world().threads.wakeups.notify()
        return ActionResult({"serviceDeploymentArn": key})

    def continue_service_deployment(self) -> ActionResult:
        """Answer a PAUSE hook."""
        document = self._deployment()
        key, hook = document["plan"]["arn"], self._get_param("hookId")
        waiting = [run["id"] for run in document["progress"]["hooks"] if run["status"] == "AWAITING_ACTION"]
        if hook not in waiting:
            raise InvalidParameterError(f"No hook {hook} of the service deployment is awaiting action.")
        records.tell(world().store, key, actions={hook: self._get_param("action") or "CONTINUE"})
        world().threads.wakeups.notify()
        return ActionResult({"serviceDeploymentArn": key})

    def _deployment(self) -> Document:
        found = world().store.get(records.DEPLOYMENT, self._get_param("serviceDeploymentArn"))
        if found is None:
            raise ServiceDeploymentNotFoundError
        return found

    def _described(self, key: str, parameter: str, kind: str) -> ActionResult:
        arns: list[str] = self._get_param(parameter) or []
        if not 1 <= len(arns) <= MOST_AT_ONCE:
            raise InvalidParameterError(f"{parameter} must have from 1 to {MOST_AT_ONCE} entries.")
        known = {arn: world().store.get(kind, arn) for arn in arns}
        view: Any = views.revision if kind == records.REVISION else lambda document: views.described(world(), document)
        failures = [{"arn": arn, "reason": "MISSING"} for arn, document in known.items() if document is None]
        return ActionResult({key: [view(found) for found in known.values() if found], "failures": failures})


def _within(created: float, bounds: Document) -> bool:
    after, before = (_seconds(bounds.get(name)) for name in ("after", "before"))
    return (after is None or created >= after) and (before is None or created <= before)


def _seconds(moment: Any) -> float | None:
    if isinstance(moment, datetime):
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return None if moment is None else float(moment)
