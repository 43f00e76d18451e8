"""CodeDeploy deployments that are created exactly once, though CodeDeploy has no idempotency token.

The description of a deployment carries its delivery's marker. Before creating, and again after any error of creating
(the reply alone may be lost), CodeDeploy is asked for a deployment with the marker. Its limit of one active
deployment per group is the fence behind that.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from airdock.aws.faults import error_code, spoken
from airdock.aws.hooks import Account
from airdock.errors import AirdockError, Fault

if TYPE_CHECKING:
    from airdock.spec.environment import Environment

MOST_LOOKED_AT = 500
BATCH = 25
CLOCKS_DISAGREE = timedelta(hours=1)
ROLLBACK_EVENTS = ("DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST")
DEPLOYMENT_ID = re.compile(r"d-[A-Z0-9]{9}")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Group:
    """A CodeDeploy application and deployment group: where one service is deployed."""

    account: Account
    application: str
    name: str

    @classmethod
    def of(cls, target: Environment) -> Group:
        account = Account(target.aws_connection, target.region)
        return cls(account, target.rollout.application, target.rollout.deployment_group)

    def __str__(self) -> str:
        return f"{self.application}/{self.name}"


@dataclass(frozen=True, slots=True)
class Order:
    """What one deployment is to be: the AppSpec's text, the traffic configuration, and the marker it is known by."""

    appspec: str
    config: str
    marker: str


class Choice(Protocol):
    """Which of the deployments (newest first) is this delivery's own; "" for none. Pure."""

    def __call__(self, deployments: Sequence[Mapping[str, Any]]) -> str: ...


def adopt_or_create(group: Group, order: Order, choose: Choice, since: datetime) -> str:
    """The id of the delivery's one deployment, created now if there is none.

    Raises:
        Refused: CodeDeploy does not accept the deployment.
        Fault: it may accept it later: out of reach, or busy with somebody else's deployment.
    """
    if known := adopted(group, choose, since):
        return known
    try:
        return _create(group, order)
    except AirdockError as error:
        log.info("%s. Looking whether the deployment was created all the same", error.sentence)
        if ours := adopted(group, choose, since):
            return ours
        raise


def adopted(group: Group, choose: Choice, since: datetime) -> str:
    """The id of the delivery's deployment that CodeDeploy already has, or ""."""
    ours = choose(recent(group, since))
    if ours:
        log.info("CodeDeploy has this delivery's deployment already: %s", ours)
    return ours


def recent(group: Group, since: datetime) -> list[dict[str, Any]]:
    """`deploymentInfo` of the group's deployments since then, newest first; at most 500."""
    client = group.account.client("codedeploy")
    with spoken(f"asking CodeDeploy for the deployments of {group}"):
        ids = _ids(client, group, since)
        found = [
            info
            for start in range(0, len(ids), BATCH)
            for info in client.batch_get_deployments(deploymentIds=ids[start : start + BATCH])["deploymentsInfo"]
        ]
    return sorted(found, key=lambda info: info["createTime"], reverse=True)


def run_since(context: Mapping[str, Any]) -> datetime:
    """From when on a deployment can be this run's: long before it was due, in case the clocks disagree.

    Not the run's start, which a clear moves; deployments from before a clear are still the run's own.
    """
    run = context["dag_run"]
    due = [moment for name in ("run_after", "start_date") if (moment := getattr(run, name, None))]
    return min([*due, datetime.now(UTC)]) - CLOCKS_DISAGREE


def stop(account: Account, deployment_id: str) -> bool:
    """Stop with rollback; False when the deployment had ended already. Raises Refused or Fault."""
    from botocore.exceptions import ClientError

    with spoken(f"stopping the deployment {deployment_id}"):
        try:
            account.client("codedeploy").stop_deployment(deploymentId=deployment_id, autoRollbackEnabled=True)
        except ClientError as error:
            if error_code(error) == "DeploymentAlreadyCompletedException":
                return False
            raise
    return True


def console_url(group: Group, deployment_id: str) -> str:
    """The page of a deployment, in the form that the CodeDeploy console itself links to."""
    region = group.account.client("codedeploy").meta.region_name
    return f"https://{region}.console.aws.amazon.com/codesuite/codedeploy/deployments/{deployment_id}?region={region}"


def _ids(client: Any, group: Group, since: datetime) -> list[str]:
    pages = client.get_paginator("list_deployments").paginate(
        applicationName=group.application,
        deploymentGroupName=group.name,
        createTimeRange={"start": since},
        PaginationConfig={"MaxItems": MOST_LOOKED_AT},
    )
    return [deployment_id for page in pages for deployment_id in page["deployments"]]


def _create(group: Group, order: Order) -> str:
    """One request, one time. A group that is busy is a Fault: it will be free later."""
    from botocore.exceptions import ClientError

    with spoken(f"creating the deployment in {group}"):
        try:
            answer = group.account.client("codedeploy", once=True).create_deployment(**_request(group, order))
        except ClientError as error:
            if error_code(error) == "DeploymentLimitExceededException":
                raise Fault(_busy(group, str(error))) from error
            raise
    return str(answer["deploymentId"])


def _request(group: Group, order: Order) -> dict[str, Any]:
    from hashlib import sha256

    digest = sha256(order.appspec.encode()).hexdigest()
    return {
        "applicationName": group.application,
        "deploymentGroupName": group.name,
        "deploymentConfigName": order.config,
        "description": order.marker,
        "revision": {
            "revisionType": "AppSpecContent",
            "appSpecContent": {"content": order.appspec, "sha256": digest},
        },
        "autoRollbackConfiguration": {"enabled": True, "events": list(ROLLBACK_EVENTS)},
    }


def _busy(group: Group, told: str) -> str:
    """CodeDeploy names the active deployment in its message: "... already has an active Deployment 'd-...'"."""
    named = DEPLOYMENT_ID.search(told)
    who = f"the deployment {named.group()}" if named else "another deployment"
    return f"{group} is busy with {who}, which is not this delivery's; CodeDeploy runs one at a time"
