"""Deployments: created, looked at, listed, and told what to do while they run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError
from moto.core.responses import ActionResult, EmptyResult

from local_aws.codedeploy import engine, records
from local_aws.codedeploy.api import page_of
from local_aws.codedeploy.api_groups import Applications
from local_aws.codedeploy.creation import checked_appspec, new_document
from local_aws.codedeploy.groups import check_alarms, check_rollback
from local_aws.codedeploy.progress import ENDED
from local_aws.codedeploy.refusals import refuse
from local_aws.codedeploy.steps import hook_execution_id
from local_aws.codedeploy.views import deployment_info, deployment_target, target_id
from local_aws.world import world

Document = dict[str, Any]
STATUSES = ("Created", "Queued", "InProgress", "Baking", "Succeeded", "Failed", "Stopped", "Ready")
_CONTENT_IN = {"AppSpecContent": "appSpecContent", "String": "string"}
_EXECUTION = "lifecycleEventHookExecutionId"
_LONGEST_DESCRIPTION = 512
_MOST_AT_ONCE = 25


class Deployments(Applications):
    """Actions on deployments and their targets."""

    def create_deployment(self) -> ActionResult:
        """CreateDeployment: at most one at a time in a group."""
        request = self.asked
        group = self.group_named(request.get("applicationName"), request.get("deploymentGroupName"))
        if len(request.get("description") or "") > _LONGEST_DESCRIPTION:
            refuse("DescriptionTooLong", f"The description is longer than {_LONGEST_DESCRIPTION} characters.")
        check_alarms(request.get("overrideAlarmConfiguration"))
        check_rollback(request.get("autoRollbackConfiguration"))
        config = self.config_named(request.get("deploymentConfigName") or group["deploymentConfigName"])
        content, revision = self._revision(request)
        appspec = checked_appspec(content, revision.get("appSpecContent", {}).get("sha256"))
        deployment_id = records.new_id()
        document = new_document(deployment_id, {**request, "revision": revision}, group, config, appspec, world().clock)
        self.keep_revision(request["applicationName"], revision)
        self._begin(deployment_id, document)
        return ActionResult({"deploymentId": deployment_id})

    def _begin(self, deployment_id: str, document: Document) -> None:
        info = document["info"]
        application, group = info["applicationName"], info["deploymentGroupName"]
        with records.creating:
            earlier = self.records.deployments_of(application, group)
            if (running := records.active(earlier)) is not None:
                text = f"The Deployment Group '{group}' already has an active Deployment '{running}'"
                refuse("DeploymentLimitExceeded", text)
            success = records.last_with(earlier, "Succeeded")
            info |= {"account": self.current_account}
            info |= {"previousRevision": success["info"]["revision"]} if success else {}
            records.put_deployment(world().store, deployment_id, document)
        params = {"deploymentId": deployment_id, "status": "Created"}
        world().effects.record("codedeploy", "deployment_state", engine.CALLER, params)
        engine.drive(world(), deployment_id)

    def _revision(self, request: Document) -> tuple[str, Document]:
        """The AppSpec's content, and the revision as it is kept."""
        revision = request.get("revision") or refuse("RevisionRequired", "The revision was not specified.")
        kind = revision.get("revisionType")
        if kind == "S3":
            return self._from_s3(revision.get("s3Location") or {}), revision
        member = _CONTENT_IN.get(kind) or refuse("InvalidRevision", f"ECS deployments have no revision type {kind}.")
        given = revision.get(member) or {}
        content = given.get("content") or refuse("InvalidRevision", "The revision has no content.")
        sha256 = given.get("sha256") or hashlib.sha256(content.encode()).hexdigest()
        return content, {**revision, member: {"content": content, "sha256": sha256}}

    def _from_s3(self, location: Document) -> str:
        if location.get("bundleType") not in {"YAML", "JSON"}:
            refuse("InvalidRevision", "The bundleType of an ECS deployment must be YAML or JSON.")
        s3 = world().client("s3", "codedeploy", self.region)
        version = {"VersionId": location["version"]} if location.get("version") else {}
        try:
            found = s3.get_object(Bucket=location.get("bucket", ""), Key=location.get("key", ""), **version)
        except ClientError as error:
            refuse("RevisionDoesNotExist", f"The revision can't be read from S3: {error}")
        return str(found["Body"].read().decode())

    def get_deployment(self) -> ActionResult:
        """GetDeployment."""
        found = self.deployment_with(self.asked.get("deploymentId"))
        return ActionResult({"deploymentInfo": deployment_info(found)})

    def batch_get_deployments(self) -> ActionResult:
        """BatchGetDeployments: at most 25; those that do not exist are left out."""
        ids = self.asked["deploymentIds"]
        if len(ids) > _MOST_AT_ONCE:
            refuse("BatchLimitExceeded", f"At most {_MOST_AT_ONCE} deployments can be asked for at once.")
        found = [records.deployment(world().store, deployment_id) for deployment_id in ids]
        return ActionResult({"deploymentsInfo": [deployment_info(document) for document in found if document]})

    def list_deployments(self) -> ActionResult:
        """ListDeployments, newest first."""
        request = self.asked
        found = self._listed(request.get("applicationName"), request.get("deploymentGroupName"))
        wanted = request.get("includeOnlyStatuses") or STATUSES
        if unknown := [name for name in wanted if name not in STATUSES]:
            refuse("InvalidDeploymentStatus", f"No such deployment status: {unknown[0]}")
        start, end = _range(request.get("createTimeRange") or {})
        ids = [
            document["info"]["deploymentId"]
            for document in found
            if records.status(document) in wanted and start <= document["info"]["createTime"] <= end
        ]
        return ActionResult(page_of(ids, request.get("nextToken"), "deployments"))

    def _listed(self, application: str | None, group: str | None) -> list[Document]:
        if application is None and group is None:
            return self.records.deployments()
        self.group_named(application, group)
        return self.records.deployments_of(application or "", group or "")

    def list_deployment_targets(self) -> ActionResult:
        """ListDeploymentTargets: the one ECS service, once the deployment has started."""
        return ActionResult({"targetIds": [target_id(self._started())]})

    def get_deployment_target(self) -> ActionResult:
        """GetDeploymentTarget."""
        document = self._started()
        self._check_targets(document, [self.asked.get("targetId")])
        return ActionResult({"deploymentTarget": deployment_target(document, self.current_account)})

    def batch_get_deployment_targets(self) -> ActionResult:
        """BatchGetDeploymentTargets."""
        document, ids = self._started(), self.asked.get("targetIds") or []
        if len(ids) > _MOST_AT_ONCE:
            refuse("DeploymentTargetListSizeExceeded", f"At most {_MOST_AT_ONCE} targets can be asked for at once.")
        self._check_targets(document, ids)
        return ActionResult({"deploymentTargets": [deployment_target(document, self.current_account)]})

    def _started(self) -> Document:
        document = self.deployment_with(self.asked.get("deploymentId"))
        if document["progress"]["started"] is None:
            refuse("DeploymentNotStarted", "The specified deployment has not started.")
        return document

    def _check_targets(self, document: Document, ids: list[Any]) -> None:
        if not ids or None in ids:
            refuse("DeploymentTargetIdRequired", "A deployment target ID was not provided.")
        if unknown := [one for one in ids if one != target_id(document)]:
            refuse("DeploymentTargetDoesNotExist", f"The deployment target {unknown[0]} does not exist.")

    def stop_deployment(self) -> ActionResult:
        """StopDeployment: asked for; the deployment shows when it has been done."""
        deployment_id = self._running()
        rollback = self.asked.get("autoRollbackEnabled")
        self._tell(deployment_id, lambda inbox: inbox.update(stopped=True, rollback=rollback))
        return ActionResult({"status": "Pending", "statusMessage": f"Stopping the deployment {deployment_id}."})

    def continue_deployment(self) -> ActionResult:
        """ContinueDeployment: ends the wait before the traffic moves, or the one before blue's end."""
        deployment_id, wait = self._running(), self.asked.get("deploymentWaitType") or "READY_WAIT"
        stages = {"READY_WAIT": "ReadyWait", "TERMINATION_WAIT": "TerminationWait"}
        if wait not in stages:
            refuse("InvalidDeploymentWaitType", f"No such wait type: {wait}")
        document = self.deployment_with(deployment_id)
        if document["progress"]["stage"] != stages[wait]:
            refuse("DeploymentIsNotInReadyState", f"The deployment {deployment_id} does not wait for {wait}.")
        self._tell(deployment_id, lambda inbox: inbox.setdefault("go_on", []).append(wait))
        return EmptyResult()

    def put_lifecycle_event_hook_execution_status(self) -> ActionResult:
        """PutLifecycleEventHookExecutionStatus: a hook's function reports Succeeded or Failed."""
        document, execution_id = self.deployment_with(self.asked.get("deploymentId")), self.asked.get(_EXECUTION)
        deployment_id, events = document["info"]["deploymentId"], document["progress"]["events"]
        event = next((name for name in events if hook_execution_id(deployment_id, name) == execution_id), None)
        if event is None:
            refuse("InvalidLifecycleEventHookExecutionId", f"No such hook execution: {execution_id}")
        status = self.asked.get("status")
        if status not in {"Succeeded", "Failed"}:
            refuse("InvalidLifecycleEventHookExecutionStatus", "The status must be Succeeded or Failed.")
        if events[event]["status"] in {"Succeeded", "Failed", "Skipped"}:
            refuse("LifecycleEventAlreadyCompleted", f"The lifecycle event {event} is complete already.")
        self._tell(deployment_id, lambda inbox: inbox.setdefault("hooks", {}).update({execution_id: status}))
        return ActionResult({_EXECUTION: execution_id})

    def _running(self) -> str:
        document = self.deployment_with(self.asked.get("deploymentId"))
        deployment_id = str(document["info"]["deploymentId"])
        if records.status(document) in ENDED:
            refuse("DeploymentAlreadyCompleted", f"The deployment {deployment_id} is already completed.")
        if document["plan"]["rolls_back"]:
            refuse("UnsupportedActionForDeploymentType", "A rollback can be neither stopped nor continued.")
        return deployment_id

    def _tell(self, deployment_id: str, change: Callable[[Document], None]) -> None:
        records.tell(world().store, deployment_id, change)
        world().threads.wakeups.notify()


def _range(given: Document) -> tuple[float, float]:
    start, end = _epoch(given.get("start"), 0.0), _epoch(given.get("end"), float("inf"))
    if start > end:
        refuse("InvalidTimeRange", "The start of the time range is after its end.")
    return start, end


def _epoch(value: datetime | float | None, default: float) -> float:
    if value is None:
        return default
    return value.timestamp() if isinstance(value, datetime) else float(value)
