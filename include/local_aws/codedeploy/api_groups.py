"""Applications, revisions, deployment configurations and deployment groups."""

from __future__ import annotations

import uuid
from typing import Any

from botocore.exceptions import ClientError
from moto.core.responses import ActionResult, EmptyResult

from local_aws.codedeploy import records
from local_aws.codedeploy.api import Api, page_of
from local_aws.codedeploy.groups import KEPT, check, completed
from local_aws.codedeploy.refusals import refuse
from local_aws.codedeploy.traffic import PREDEFINED, TrafficConfigError, schedule
from local_aws.codedeploy.views import moment, without_content
from local_aws.world import world

Document = dict[str, Any]


class Applications(Api):
    """Actions on applications and their revisions."""

    def create_application(self) -> ActionResult:
        """CreateApplication, of the ECS platform."""
        name, platform = self.asked["applicationName"], self.asked.get("computePlatform", "Server")
        if platform != "ECS":
            refuse("InvalidComputePlatform", f"The local AWS deploys to ECS only, not to {platform}.")
        if self.records.get("application", name):
            refuse("ApplicationAlreadyExists", f"Application already exists: {name}")
        document = {"applicationName": name, "applicationId": str(uuid.uuid4()), "computePlatform": platform}
        self.records.put("application", {**document, "createTime": world().clock.now().timestamp()}, name)
        return ActionResult({"applicationId": document["applicationId"]})

    def get_application(self) -> ActionResult:
        """GetApplication."""
        found = self.application_named(self.asked.get("applicationName"))
        return ActionResult({"application": _application(found)})

    def batch_get_applications(self) -> ActionResult:
        """BatchGetApplications."""
        found = [_application(self.application_named(name)) for name in self.asked["applicationNames"]]
        return ActionResult({"applicationsInfo": found})

    def list_applications(self) -> ActionResult:
        """ListApplications."""
        names = sorted(document["applicationName"] for document in self.records.all("application"))
        return ActionResult(page_of(names, self.asked.get("nextToken"), "applications"))

    def delete_application(self) -> ActionResult:
        """DeleteApplication, with its groups; of one that is not there it is no error."""
        name = self.asked["applicationName"]
        for group in self.records.all("group"):
            if group["applicationName"] == name:
                self.records.delete("group", name, group["deploymentGroupName"])
        self.records.delete("application", name)
        return EmptyResult()

    def register_application_revision(self) -> ActionResult:
        """RegisterApplicationRevision: kept, for GetApplicationRevision."""
        self.application_named(self.asked.get("applicationName"))
        self.keep_revision(self.asked["applicationName"], self.asked["revision"])
        return EmptyResult()

    def get_application_revision(self) -> ActionResult:
        """GetApplicationRevision: the only place that shows an AppSpec's content again."""
        name, revision = self.asked["applicationName"], self.asked["revision"]
        self.application_named(name)
        found = self.records.get("revision", name, _revision_key(revision))
        if found is None:
            refuse("RevisionDoesNotExist", "The specified revision does not exist.")
        return ActionResult({"applicationName": name, "revision": found["revision"], "revisionInfo": {}})

    def keep_revision(self, application: str, revision: Document) -> None:
        """Keep a revision of an application under what identifies it."""
        self.records.put("revision", {"revision": revision}, application, _revision_key(revision))


class Configs(Api):
    """Actions on deployment configurations."""

    def create_deployment_config(self) -> ActionResult:
        """CreateDeploymentConfig, for ECS."""
        name, routing = self.asked["deploymentConfigName"], self.asked.get("trafficRoutingConfig") or {}
        if name.startswith("CodeDeployDefault."):
            refuse("InvalidDeploymentConfigName", "Names that begin with CodeDeployDefault. are reserved.")
        if self.asked.get("computePlatform", "Server") != "ECS":
            refuse("InvalidComputePlatform", "The local AWS deploys to ECS only.")
        if self.records.get("config", name):
            refuse("DeploymentConfigAlreadyExists", f"Deployment Configuration already exists: {name}")
        try:
            schedule(routing)
        except TrafficConfigError as error:
            refuse("InvalidTrafficRoutingConfiguration", str(error))
        config_id = str(uuid.uuid4())
        document = {"deploymentConfigId": config_id, "trafficRoutingConfig": routing}
        document |= {"deploymentConfigName": name, "createTime": world().clock.now().timestamp()}
        self.records.put("config", document, name)
        return ActionResult({"deploymentConfigId": config_id})

    def get_deployment_config(self) -> ActionResult:
        """GetDeploymentConfig."""
        name = self.asked["deploymentConfigName"]
        routing, custom = self.config_named(name), self.records.get("config", name) or {}
        info = {
            "deploymentConfigId": custom.get("deploymentConfigId", f"00000000-0000-0000-0000-{len(name):012}"),
            "deploymentConfigName": name,
            "computePlatform": "ECS",
            "trafficRoutingConfig": routing,
            "createTime": moment(custom.get("createTime", 0.0)),
        }
        return ActionResult({"deploymentConfigInfo": info})

    def list_deployment_configs(self) -> ActionResult:
        """ListDeploymentConfigs."""
        custom = [document["deploymentConfigName"] for document in self.records.all("config")]
        return ActionResult(
            page_of(sorted([*PREDEFINED, *custom]), self.asked.get("nextToken"), "deploymentConfigsList")
        )

    def delete_deployment_config(self) -> ActionResult:
        """DeleteDeploymentConfig, of one that no group uses."""
        name = self.asked["deploymentConfigName"]
        if any(group["deploymentConfigName"] == name for group in self.records.all("group")):
            refuse("DeploymentConfigInUse", f"The deployment configuration {name} is still in use.")
        self.records.delete("config", name)
        return EmptyResult()


class Groups(Api):
    """Actions on deployment groups."""

    def create_deployment_group(self) -> ActionResult:
        """CreateDeploymentGroup."""
        request = self.asked
        application, name = request["applicationName"], request["deploymentGroupName"]
        self.application_named(application)
        if self.records.get("group", application, name):
            refuse("DeploymentGroupAlreadyExists", f"Deployment group already exists: {name}")
        group = {key: request[key] for key in KEPT if key in request}
        group |= {"applicationName": application, "deploymentGroupName": name, "deploymentGroupId": str(uuid.uuid4())}
        self._keep_group(completed(group))
        return ActionResult({"deploymentGroupId": group["deploymentGroupId"]})

    def update_deployment_group(self) -> ActionResult:
        """UpdateDeploymentGroup: members that are not given stay; it may be renamed."""
        request = self.asked
        application, name = request["applicationName"], request["currentDeploymentGroupName"]
        current = self.group_named(application, name)
        given = {key: request[key] for key in KEPT if key in request}
        new_name = request.get("newDeploymentGroupName") or name
        if new_name != name and self.records.get("group", application, new_name):
            refuse("DeploymentGroupAlreadyExists", f"Deployment group already exists: {new_name}")
        self._keep_group(completed({**current, **given, "deploymentGroupName": new_name}))
        if new_name != name:
            self.records.delete("group", application, name)
        return ActionResult({"hooksNotCleanedUp": []})

    def get_deployment_group(self) -> ActionResult:
        """GetDeploymentGroup."""
        group = self.group_named(self.asked.get("applicationName"), self.asked.get("deploymentGroupName"))
        return ActionResult({"deploymentGroupInfo": self._shown(group)})

    def batch_get_deployment_groups(self) -> ActionResult:
        """BatchGetDeploymentGroups: those that do not exist are left out, and named."""
        application, names = self.asked["applicationName"], self.asked["deploymentGroupNames"]
        self.application_named(application)
        found = {name: self.records.get("group", application, name) for name in names}
        missing = [name for name, group in found.items() if group is None]
        message = f"Deployment groups not found: {', '.join(missing)}" if missing else None
        shown = [self._shown(group) for group in found.values() if group]
        return ActionResult({"deploymentGroupsInfo": shown, "errorMessage": message})

    def list_deployment_groups(self) -> ActionResult:
        """ListDeploymentGroups."""
        application = self.application_named(self.asked.get("applicationName"))["applicationName"]
        groups = [group for group in self.records.all("group") if group["applicationName"] == application]
        names = sorted(group["deploymentGroupName"] for group in groups)
        page = page_of(names, self.asked.get("nextToken"), "deploymentGroups")
        return ActionResult({**page, "applicationName": application})

    def delete_deployment_group(self) -> ActionResult:
        """DeleteDeploymentGroup; of one that is not there it is no error."""
        self.records.delete("group", self.asked["applicationName"], self.asked["deploymentGroupName"])
        return ActionResult({"hooksNotCleanedUp": []})

    def _keep_group(self, group: Document) -> None:
        check(group)
        self.config_named(group["deploymentConfigName"])
        self._check_service(group)
        self.records.put("group", group, group["applicationName"], group["deploymentGroupName"])

    def _check_service(self, group: Document) -> None:
        wanted = group["ecsServices"][0]
        for other in self.records.all("group"):
            same = other["deploymentGroupId"] == group["deploymentGroupId"]
            if not same and other["ecsServices"][0] == wanted:
                text = f"The ECS service {wanted['serviceName']} belongs to the group {other['deploymentGroupName']}."
                refuse("ECSServiceMappingLimitExceeded", text)
        service = self._service(wanted)
        if service is None or service.get("status") != "ACTIVE":
            refuse("InvalidECSService", f"The ECS service {wanted['serviceName']} does not exist.")
        if service.get("deploymentController", {}).get("type") != "CODE_DEPLOY":
            text = "Deployment group's ECS service must be configured for a CODE_DEPLOY deployment controller."
            refuse("InvalidECSService", text)

    def _service(self, wanted: Document) -> Document | None:
        ecs, cluster = world().client("ecs", "codedeploy", self.region), wanted.get("clusterName") or "default"
        try:
            found = ecs.describe_services(cluster=cluster, services=[wanted["serviceName"]])["services"]
        except ClientError:
            return None
        return found[0] if found else None

    def _shown(self, group: Document) -> Document:
        deployments = self.records.deployments_of(group["applicationName"], group["deploymentGroupName"])
        success = records.last_with(deployments, "Succeeded")
        shown = {
            **group,
            "computePlatform": "ECS",
            "targetRevision": without_content(success["info"]["revision"]) if success else None,
            "lastSuccessfulDeployment": _last(success),
            "lastAttemptedDeployment": _last(deployments[0] if deployments else None),
        }
        return {key: value for key, value in shown.items() if value is not None}


def _application(document: Document) -> Document:
    return {**document, "createTime": moment(document["createTime"]), "linkedToGitHub": False}


def _last(document: Document | None) -> Document | None:
    if document is None:
        return None
    return {
        "deploymentId": document["info"]["deploymentId"],
        "status": records.status(document),
        "createTime": moment(document["info"]["createTime"]),
        "endTime": moment(document["progress"]["completed"]),
    }


def _revision_key(revision: Document) -> str:
    content = revision.get("appSpecContent") or revision.get("string") or revision.get("s3Location") or {}
    return str(content.get("sha256") or "/".join(str(content.get(key, "")) for key in ("bucket", "key", "version")))
