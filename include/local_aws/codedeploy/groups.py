"""What makes a deployment group of the ECS platform valid; CodeDeploy's defaults for what was not given."""

from __future__ import annotations

from typing import Any

from local_aws.codedeploy.refusals import refuse
from local_aws.codedeploy.traffic import ALL_AT_ONCE

Group = dict[str, Any]
KEPT = (
    "deploymentConfigName",
    "serviceRoleArn",
    "triggerConfigurations",
    "alarmConfiguration",
    "autoRollbackConfiguration",
    "outdatedInstancesStrategy",
    "deploymentStyle",
    "blueGreenDeploymentConfiguration",
    "loadBalancerInfo",
    "ecsServices",
)
"""The members of CreateDeploymentGroup that a group of the ECS platform keeps."""
ROLLBACK_EVENTS = frozenset({"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"})
_MOST_ALARMS = 10
_LONGEST_TERMINATION_WAIT_MINUTES = 2880


def completed(group: Group) -> Group:
    """The group with CodeDeploy's defaults."""
    blue_green = group.get("blueGreenDeploymentConfiguration") or {}
    ready = {"actionOnTimeout": "CONTINUE_DEPLOYMENT", "waitTimeInMinutes": 0}
    terminate = {"action": "TERMINATE", "terminationWaitTimeInMinutes": 0}
    return {
        **group,
        "deploymentConfigName": group.get("deploymentConfigName") or ALL_AT_ONCE,
        "blueGreenDeploymentConfiguration": {
            "deploymentReadyOption": {**ready, **blue_green.get("deploymentReadyOption", {})},
            "terminateBlueInstancesOnDeploymentSuccess": {
                **terminate,
                **blue_green.get("terminateBlueInstancesOnDeploymentSuccess", {}),
            },
        },
    }


def check(group: Group) -> None:
    """Raise Refused for a group that CodeDeploy would not take on the ECS platform."""
    if not group.get("serviceRoleArn"):
        refuse("RoleRequired", "The role ARN was not specified.")
    _check_style(group.get("deploymentStyle") or {})
    _check_blue_green(group.get("blueGreenDeploymentConfiguration") or {})
    _check_balancer(group.get("loadBalancerInfo") or {})
    services = group.get("ecsServices") or []
    if len(services) != 1 or not services[0].get("serviceName"):
        refuse("InvalidECSService", "An ECS deployment group must have exactly one ECS service.")
    check_alarms(group.get("alarmConfiguration"))
    check_rollback(group.get("autoRollbackConfiguration"))


def check_alarms(configuration: Group | None) -> None:
    """Raise Refused for an alarm configuration that says nothing, or too much."""
    alarms = (configuration or {}).get("alarms") or []
    if len(alarms) > _MOST_ALARMS:
        refuse("AlarmsLimitExceeded", f"The maximum number of alarms ({_MOST_ALARMS}) was exceeded.")
    if configuration and configuration.get("enabled") and not alarms:
        refuse("InvalidAlarmConfig", "The alarm configuration is enabled, but names no alarm.")
    if any(not alarm.get("name") for alarm in alarms):
        refuse("InvalidAlarmConfig", "The alarm configuration contains an alarm with a null or empty name.")


def check_rollback(configuration: Group | None) -> None:
    """Raise Refused for an automatic rollback without events, or with events that do not exist."""
    events = (configuration or {}).get("events") or []
    if unknown := [event for event in events if event not in ROLLBACK_EVENTS]:
        refuse("InvalidAutoRollbackConfig", f"No such automatic rollback event: {unknown[0]}")
    if configuration and configuration.get("enabled") and not events:
        refuse("InvalidAutoRollbackConfig", "Automatic rollback is enabled, but no event type is listed.")


def _check_style(style: Group) -> None:
    wanted = {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"}
    if style != wanted:
        refuse(
            "InvalidDeploymentStyle",
            "For ECS deployment group, deploymentType must be BLUE_GREEN and deploymentOption must be "
            "WITH_TRAFFIC_CONTROL.",
        )


def _check_blue_green(configuration: Group) -> None:
    terminate = configuration.get("terminateBlueInstancesOnDeploymentSuccess") or {}
    minutes = terminate.get("terminationWaitTimeInMinutes", 0)
    if not 0 <= minutes <= _LONGEST_TERMINATION_WAIT_MINUTES:
        refuse(
            "InvalidBlueGreenDeploymentConfiguration",
            f"terminationWaitTimeInMinutes must be from 0 to {_LONGEST_TERMINATION_WAIT_MINUTES}, not {minutes}.",
        )
    ready = configuration.get("deploymentReadyOption") or {}
    if ready.get("actionOnTimeout") == "STOP_DEPLOYMENT" and not ready.get("waitTimeInMinutes"):
        refuse("InvalidBlueGreenDeploymentConfiguration", "STOP_DEPLOYMENT needs waitTimeInMinutes.")


def _check_balancer(balancer: Group) -> None:
    if balancer.get("elbInfoList"):
        refuse("InvalidLoadBalancerInfo", "For ECS deployment group, loadBalancerInfo must not contain elbInfo list")
    pairs = balancer.get("targetGroupPairInfoList") or []
    if len(pairs) != 1:
        refuse("InvalidLoadBalancerInfo", "For ECS deployment group, exactly one target group pair is needed.")
    groups = [group.get("name") for group in pairs[0].get("targetGroups") or []]
    if len(set(groups)) != 2:
        refuse("InvalidTargetGroupPair", "A target group pair must have two different target groups.")
    if len((pairs[0].get("prodTrafficRoute") or {}).get("listenerArns") or []) != 1:
        refuse("InvalidTargetGroupPair", "prodTrafficRoute must have exactly one listener ARN.")
    if len((pairs[0].get("testTrafficRoute") or {}).get("listenerArns") or []) > 1:
        refuse("InvalidTargetGroupPair", "testTrafficRoute must have at most one listener ARN.")
