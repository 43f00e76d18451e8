"""What all of CodeDeploy's actions share: the request, the records of its region, and looking things up."""

from __future__ import annotations

import re
from typing import Any

from moto.core.responses import BaseResponse

from local_aws.codedeploy import records
from local_aws.codedeploy.records import Records
from local_aws.codedeploy.refusals import refuse
from local_aws.codedeploy.traffic import PREDEFINED, Config
from local_aws.world import world

Document = dict[str, Any]
_DEPLOYMENT_ID = re.compile(r"d-[A-Z0-9]{9}")
_PAGE = 100


class Api(BaseResponse):
    """The base of the actions' classes."""

    @property
    def records(self) -> Records:
        """What is kept in the region of the request."""
        return Records(world().store, self.region)

    @property
    def asked(self) -> Document:
        """The members of the action's request."""
        return dict(self.params)

    def application_named(self, name: str | None) -> Document:
        """An application.

        Raises Refused with ApplicationNameRequiredException or ApplicationDoesNotExistException.
        """
        if not name:
            refuse("ApplicationNameRequired", "The minimum number of required application names was not specified.")
        found = self.records.get("application", name)
        return found or refuse("ApplicationDoesNotExist", f"No application found for name: {name}")

    def group_named(self, application: str | None, name: str | None) -> Document:
        """A deployment group.

        Raises Refused as `application_named` does, and the same for the group.
        """
        found = self.application_named(application)
        if not name:
            refuse("DeploymentGroupNameRequired", "The deployment group name was not specified.")
        group = self.records.get("group", found["applicationName"], name)
        return group or refuse("DeploymentGroupDoesNotExist", f"No Deployment Group found for name: {name}")

    def config_named(self, name: str) -> Config:
        """The traffic routing of a deployment configuration, predefined or custom.

        Raises Refused with InvalidDeploymentConfigNameException or DeploymentConfigDoesNotExistException.
        """
        if not 1 <= len(name) <= 100:
            refuse("InvalidDeploymentConfigName", "The deployment configuration name has an invalid format.")
        if name in PREDEFINED:
            return PREDEFINED[name]
        custom = self.records.get("config", name)
        if custom is None:
            refuse("DeploymentConfigDoesNotExist", f"No Deployment Configuration found for name: {name}")
        return dict(custom["trafficRoutingConfig"])

    def deployment_with(self, deployment_id: str | None) -> Document:
        """A deployment.

        Raises Refused with DeploymentIdRequired-, InvalidDeploymentId- or DeploymentDoesNotExistException.
        """
        if not deployment_id:
            refuse("DeploymentIdRequired", "At least one deployment ID must be specified.")
        if not _DEPLOYMENT_ID.fullmatch(deployment_id):
            refuse("InvalidDeploymentId", f"Specified DeploymentId is not in the valid format: {deployment_id}")
        found = records.deployment(world().store, deployment_id)
        return found or refuse("DeploymentDoesNotExist", f"The deployment {deployment_id} could not be found")


def page_of(names: list[str], token: str | None, member: str) -> Document:
    """One page of names as the members of an answer; the token is the last name of the page before.

    Raises Refused with InvalidNextTokenException.
    """
    if token and token not in names:
        refuse("InvalidNextToken", "The next token was specified in an invalid format.")
    rest = names[names.index(token) + 1 :] if token else names
    page: Document = {member: rest[:_PAGE]}
    return page | {"nextToken": rest[_PAGE - 1]} if len(rest) > _PAGE else page
