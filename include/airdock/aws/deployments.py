"""CodeDeploy deployments that are created exactly once, though CodeDeploy has no idempotency token.

The description of a deployment carries its delivery's marker. Before creating, and again after any error of creating
(the reply alone may be lost), CodeDeploy is asked for a deployment with the marker. Its limit of one active
deployment per group is the fence behind that.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airdock.aws.faults import error_code, spoken
from airdock.aws.hooks import Account
from airdock.errors import AirdockError, Fault
from airdock.names import Marker, parse_marker
from airdock.plan.adoption import Adopt, Candidate, State, choose
from airdock.plan.appspec import AppSpec
from airdock.plan.deployment_result import deployment_state

if TYPE_CHECKING:
    from airdock.plan.traffic import TrafficConfiguration
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
        rollout = target.rollout
        if rollout.strategy != "codedeploy":
            raise TypeError(f"{target.service} is not deployed by CodeDeploy, but with the strategy {rollout.strategy}")
        return cls(Account(target.aws_connection, target.region), rollout.application, rollout.deployment_group)

    def __str__(self) -> str:
        return f"{self.application}/{self.name}"


@dataclass(frozen=True, slots=True)
class Order:
    """What one deployment is to be, and the mark it is known by.

    `task_definition` is the one in the AppSpec; `config` names the traffic configuration; `alarms` are watched instead
    of the group's, if there are any.
    """

    task_definition: str
    appspec: AppSpec
    config: str
    mark: Marker
    alarms: tuple[str, ...] = ()


def adopt_or_create(group: Group, order: Order, since: datetime, runs_now: str, insist: Callable[[], None]) -> str:
    """The id of the delivery's one deployment, created now if there is none.

    `runs_now`: production's task definition. A success of an earlier attempt counts only while production runs it.
    `insist`: called before one is created, and not where one is found; raises where none may be.

    Raises:
        Refused: CodeDeploy does not accept the deployment.
        Fault: it may accept it later: out of reach, or busy with somebody else's deployment.
    """
    if ours := _adopted(group, order, since, runs_now):
        return ours
    insist()
    try:
        return _create(group, order)
    except AirdockError as error:
        log.info("%s. Looking whether the deployment was created all the same", error.sentence)
        if ours := _adopted(group, order, since, runs_now):
            return ours
        raise


def of_delivery(group: Group, base: str, since: datetime) -> str:
    """The id of the newest deployment that a delivery has made, in whichever attempt, or ""."""
    marks = ((info["deploymentId"], parse_marker(info.get("description", ""))) for info in recent(group, since))
    return next((deployment_id for deployment_id, mark in marks if mark and mark.base == base), "")


def ensure_config(account: Account, wanted: TrafficConfiguration) -> str:
    """The name of the traffic configuration, created if it is one of ours and absent. Raises Refused or Fault."""
    from botocore.exceptions import ClientError

    log.info(wanted.sentence)
    if wanted.definition is None:
        return wanted.name
    client = account.client("codedeploy")
    with spoken(f"looking for the deployment configuration {wanted.name}"):
        try:
            client.get_deployment_config(deploymentConfigName=wanted.name)
        except ClientError as error:
            if error_code(error) != "DeploymentConfigDoesNotExistException":
                raise
            _create_config(client, wanted.definition)
    return wanted.name


def _create_config(client: Any, definition: Mapping[str, Any]) -> None:
    """Create it, unless another delivery just did: the name says all that is in it."""
    from botocore.exceptions import ClientError

    try:
        client.create_deployment_config(**definition)
    except ClientError as error:
        if error_code(error) != "DeploymentConfigAlreadyExistsException":
            raise


def _adopted(group: Group, order: Order, since: datetime, runs_now: str) -> str:
    live = runs_now == order.task_definition
    chosen = choose(order.mark, [_candidate(info, live) for info in recent(group, since)])
    log.info(chosen.reason)
    return chosen.id if isinstance(chosen, Adopt) else ""


def _candidate(info: Mapping[str, Any], live: bool) -> Candidate:
    state = deployment_state(info["status"])
    if state is State.SUCCEEDED and not live:
        state = State.FAILED
    return Candidate(info["deploymentId"], info.get("description", ""), state)


def recent(group: Group, since: datetime) -> list[dict[str, Any]]:
    """`deploymentInfo` of the deployments since then, newest first, without CodeDeploy's own rollbacks; at most 500."""
    client = group.account.client("codedeploy")
    with spoken(f"asking CodeDeploy for the deployments of {group}"):
        ids = _ids(client, group, since)
        found = [
            info
            for start in range(0, len(ids), BATCH)
            for info in client.batch_get_deployments(deploymentIds=ids[start : start + BATCH])["deploymentsInfo"]
        ]
    made = [info for info in found if info.get("creator") != "codeDeployRollback"]
    return sorted(made, key=lambda info: info["createTime"], reverse=True)


def run_since(context: Mapping[str, Any]) -> datetime:
    """From when on a deployment can be this run's: long before it was due, in case the clocks disagree.

    Not the run's start, which a clear moves; deployments from before a clear are still the run's own.
    """
    run = context["dag_run"]
    due: list[datetime] = [moment for name in ("run_after", "start_date") if (moment := getattr(run, name, None))]
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
    watched = {"enabled": True, "alarms": [{"name": name} for name in order.alarms]}
    return {
        **({"overrideAlarmConfiguration": watched} if order.alarms else {}),
        "applicationName": group.application,
        "deploymentGroupName": group.name,
        "deploymentConfigName": order.config,
        "description": str(order.mark),
        "revision": {
            "revisionType": "AppSpecContent",
            "appSpecContent": {"content": order.appspec.content, "sha256": order.appspec.sha256},
        },
        "autoRollbackConfiguration": {"enabled": True, "events": list(ROLLBACK_EVENTS)},
    }


def _busy(group: Group, told: str) -> str:
    """CodeDeploy names the active deployment in its message: "... already has an active Deployment 'd-...'"."""
    named = DEPLOYMENT_ID.search(told)
    who = f"the deployment {named.group()}" if named else "another deployment"
    return f"{group} is busy with {who}, which is not this delivery's; CodeDeploy runs one at a time"
