"""A new deployment's document, from its group, the request and the clock."""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict
from typing import Any

from local_aws.clock import Clock
from local_aws.codedeploy.appspec import AppSpec, AppSpecError, parse
from local_aws.codedeploy.progress import Plan, Progress, as_document
from local_aws.codedeploy.refusals import refuse
from local_aws.codedeploy.tasksets import Target
from local_aws.codedeploy.traffic import Config, schedule

Document = dict[str, Any]
_HOOK_MINUTES = 60
_ALARM_POLL_SECONDS = 10
SHORTEST_GREEN_SECONDS = 15.0
"""The replacement's tasks are real programs, which take their time to start, however fast the clock."""
_FROM_GROUP = ("deploymentStyle", "blueGreenDeploymentConfiguration", "loadBalancerInfo", "deploymentGroupId")


def checked_appspec(content: str, sha256: str | None) -> AppSpec:
    """The AppSpec in a revision.

    Raises Refused with InvalidRevisionException, also when `sha256` is not that of the content.
    """
    if sha256 and hashlib.sha256(content.encode()).hexdigest() != sha256.lower():
        refuse("InvalidRevision", "The SHA256 hash of the AppSpec content does not match the one that was given.")
    try:
        return parse(content)
    except AppSpecError as error:
        refuse("InvalidRevision", f"The AppSpec file is not valid: {error}")


def new_document(
    deployment_id: str, request: Document, group: Document, config: Config, appspec: AppSpec, clock: Clock
) -> Document:
    """The document of a deployment that was just created."""
    now = clock.now().timestamp()
    plan = _plan(deployment_id, _settings(request, group), config, appspec, clock)
    return {
        "region": group["region"],
        "info": _info(deployment_id, request, group, now),
        "plan": as_document(plan),
        "target": asdict(_target(group, appspec)),
        "progress": as_document(Progress(entered=now)),
    }


def green_timeout_minutes() -> float:
    """AWS minutes that a replacement task set has to become healthy: CodeDeploy's 60 would be long to look at."""
    return float(os.environ.get("LOCAL_AWS_GREEN_TIMEOUT_MINUTES", "10"))


def _settings(request: Document, group: Document) -> Document:
    """The group's settings, with what the request overrides."""
    return {
        "alarms": request.get("overrideAlarmConfiguration") or group.get("alarmConfiguration") or {},
        "rollback": request.get("autoRollbackConfiguration") or group.get("autoRollbackConfiguration") or {},
        **{key: group[key] for key in ("blueGreenDeploymentConfiguration", "loadBalancerInfo")},
    }


def _plan(deployment_id: str, settings: Document, config: Config, appspec: AppSpec, clock: Clock) -> Plan:
    alarms, rollback = settings["alarms"], settings["rollback"]
    blue_green = settings["blueGreenDeploymentConfiguration"]
    ready = blue_green["deploymentReadyOption"]
    terminate = blue_green["terminateBlueInstancesOnDeploymentSuccess"]
    waits = ready["actionOnTimeout"] == "STOP_DEPLOYMENT"
    keeps = terminate["action"] == "KEEP_ALIVE"
    return Plan(
        deployment_id,
        schedule=tuple((shift.percent, clock.minutes(shift.hold_minutes)) for shift in schedule(config)),
        hooks=appspec.hooks,
        has_test_route=_listener(settings["loadBalancerInfo"], "testTrafficRoute") is not None,
        ready_seconds=clock.minutes(ready["waitTimeInMinutes"]) if waits else None,
        ready_minutes=ready["waitTimeInMinutes"],
        termination_seconds=None if keeps else clock.minutes(terminate["terminationWaitTimeInMinutes"]),
        alarms=tuple(alarm["name"] for alarm in alarms.get("alarms", ())) if alarms.get("enabled") else (),
        ignores_alarm_failures=bool(alarms.get("ignorePollAlarmFailure")),
        rollback_on=tuple(rollback.get("events", ())) if rollback.get("enabled") else (),
        alarm_poll_seconds=clock.seconds(_ALARM_POLL_SECONDS, floor=0.2),
        green_timeout_seconds=max(clock.minutes(green_timeout_minutes()), SHORTEST_GREEN_SECONDS),
        green_timeout_minutes=green_timeout_minutes(),
        hook_timeout_seconds=clock.minutes(_HOOK_MINUTES),
    )


def _target(group: Document, appspec: AppSpec) -> Target:
    service, balancer = group["ecsServices"][0], group["loadBalancerInfo"]
    pair = balancer["targetGroupPairInfoList"][0]
    return Target(
        region=group["region"],
        cluster=service.get("clusterName") or "default",
        service=service["serviceName"],
        target_groups=[entry["name"] for entry in pair["targetGroups"]],
        production_route=_listener(balancer, "prodTrafficRoute") or "",
        test_route=_listener(balancer, "testTrafficRoute"),
        task_definition=appspec.task_definition,
        container_name=appspec.container_name,
        container_port=appspec.container_port,
        platform_version=appspec.platform_version,
        network=appspec.network,
        capacity_providers=appspec.capacity_providers,
    )


def _listener(balancer: Document, route: str) -> str | None:
    arns: list[str] = (balancer["targetGroupPairInfoList"][0].get(route) or {}).get("listenerArns") or []
    return arns[0] if arns else None


def _info(deployment_id: str, request: Document, group: Document, now: float) -> Document:
    given = ("description", "overrideAlarmConfiguration", "revision", "fileExistsBehavior")
    return {
        **{key: group[key] for key in _FROM_GROUP},
        **{key: request[key] for key in given if key in request},
        "deploymentId": deployment_id,
        "applicationName": request["applicationName"],
        "deploymentGroupName": request["deploymentGroupName"],
        "deploymentConfigName": request.get("deploymentConfigName") or group["deploymentConfigName"],
        "autoRollbackConfiguration": (
            request.get("autoRollbackConfiguration") or group.get("autoRollbackConfiguration") or {"enabled": False}
        ),
        "ignoreApplicationStopFailures": False,
        "updateOutdatedInstancesOnly": False,
        "computePlatform": "ECS",
        "creator": "user",
        "createTime": now,
    }
