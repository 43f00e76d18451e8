"""What runs that are over have left in an environment: a lease, a deployment that nobody follows, and other tasks than
the release that was verified last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from airdock.aws import deployments, service_deployments
from airdock.aws.hooks import Account
from airdock.aws.leases import Leases
from airdock.aws.production import Service, standing
from airdock.aws.release_records import Records
from airdock.aws.task_definitions import definition
from airdock.names import RUN_TAG, marker, tag_value
from airdock.plan.adoption import State
from airdock.plan.deployment_result import deployment_state
from airdock.plan.lease import Lease
from airdock.plan.reconcile import Found, drift, left_behind
from airdock.plan.service_deployment_result import service_deployment_state

if TYPE_CHECKING:
    from airdock.spec.environment import Environment

LONGEST_DEPLOYMENT = timedelta(days=3)
State_of = Callable[[str, str], str | None]
"""The state of a run by its dag and its id."""


def look_after(application: str, environment: str, target: Environment, state_of: State_of) -> Iterator[Found]:
    """Put right what a run has left behind, and tell of it, and of what only people can put right.

    A deployment whose run has failed without an end of its own is stopped, and so rolled back; that of a run which has
    ended well, or which nobody knows any more, is told. The lease is given back once nothing moves. Raises Refused or
    Fault.
    """
    leases = Leases(Account(target.aws_connection, target.region), application, environment)
    lease = leases.newest()
    held = lease if lease and not lease.released else None
    state = state_of(*held.holder) if held else None
    found = left_behind(held, state, datetime.now(UTC))
    if held and found.act:
        under_way = _under_way(application, environment, target, held)
        if not under_way:
            leases.give_back(held.holder)
            yield Found("lease", application, environment, f"{found.sentence}: it is given back", True)
        elif state == "failed":
            told = f"{held} has failed, and {under_way} went on without it: it is stopped and rolled back"
            yield Found("deployment", application, environment, told, _stopped(target, under_way))
        else:
            yield Found("deployment", application, environment, f"{found.sentence}, and {under_way} goes on")
    elif held is None and (told := _drift(application, environment, target)):
        yield Found("drift", application, environment, told)


def _under_way(application: str, environment: str, target: Environment, lease: Lease) -> str:
    """The id of the deployment that the lease's run has begun and that is not over, or ""."""
    if target.rollout.strategy == "codedeploy":
        base = marker(application, environment, lease.holder, 0).base
        group = deployments.Group.of(target)
        deployment = deployments.of_delivery(group, base, datetime.now(UTC) - LONGEST_DEPLOYMENT)
        return deployment if deployment and _codedeploy_runs(group, deployment) else ""
    service = Service.of(target)
    newest = next(iter(service_deployments.known(service)), None)
    if newest is None or service_deployment_state(newest.status) is not State.RUNNING:
        return ""
    tags = {each["key"]: each["value"] for each in definition(service.account, newest.task_definition)["tags"]}
    return newest.id if tags.get(RUN_TAG) == tag_value(lease.run_id) else ""


def _codedeploy_runs(group: deployments.Group, deployment: str) -> bool:
    recent = deployments.recent(group, datetime.now(UTC) - LONGEST_DEPLOYMENT)
    return any(
        info["deploymentId"] == deployment and deployment_state(info["status"]) is State.RUNNING for info in recent
    )


def _stopped(target: Environment, deployment: str) -> bool:
    """Whether the deployment could be stopped; AWS then takes the traffic back."""
    if target.rollout.strategy == "codedeploy":
        return deployments.stop(Account(target.aws_connection, target.region), deployment)
    return service_deployments.stop(Service.of(target), deployment)


def _drift(application: str, environment: str, target: Environment) -> str:
    """What the service runs beside the release that is recorded as live; "" while anything moves, or for nothing."""
    live = Records(Account(target.aws_connection, target.region), application, environment).live()
    if live is None or _busy(target):
        return ""
    now = standing(Service.of(target))
    # Infrastructure code that has been told the image registers, and runs, a revision of its own.
    revision = "" if target.task_definition.type == "infrastructure" else live.task_definition
    return drift(live.digest, live.commit, now.digest, now.task_definition, revision)


def _busy(target: Environment) -> bool:
    """Whether somebody's deployment is under way."""
    if target.rollout.strategy == "codedeploy":
        recent = deployments.recent(deployments.Group.of(target), datetime.now(UTC) - LONGEST_DEPLOYMENT)
        return any(deployment_state(info["status"]) is State.RUNNING for info in recent)
    newest = next(iter(service_deployments.known(Service.of(target))), None)
    return newest is not None and service_deployment_state(newest.status) is State.RUNNING
