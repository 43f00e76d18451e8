"""What ECS refuses of services and task sets, in its words."""

from __future__ import annotations

from typing import Any

from local_aws.ecs.records import Document, region_of
from local_aws.ecs.refusals import InvalidParameterError, UnsupportedFeatureError
from local_aws.ecs.rollouts.planning import pair
from local_aws.world import world

_NOT_BY_UPDATE = {
    "taskDefinition": "Unable to update task definition on services with a CODE_DEPLOY deployment controller. "
    "Use AWS CodeDeploy to trigger a new deployment.",
    "networkConfiguration": "Unable to update network parameters on services with a CODE_DEPLOY deployment controller. "
    "Use AWS CodeDeploy to trigger a new deployment.",
    "platformVersion": "Unable to update platform version on services with a CODE_DEPLOY deployment controller. "
    "Use AWS CodeDeploy to trigger a new deployment.",
    "loadBalancers": "Unable to update load balancers on services with a CODE_DEPLOY deployment controller. "
    "Use AWS CodeDeploy to trigger a new deployment.",
    "forceNewDeployment": "Cannot force a new deployment on services with a CODE_DEPLOY deployment controller. "
    "Use AWS CodeDeploy to trigger a new deployment.",
}


def check_balancers(definition: Any, balancers: list[Document]) -> None:
    """Raises InvalidParameterError for a load balancer that no container answers, or whose group is not there."""
    ports = {
        (container["name"], mapping.get("containerPort"))
        for container in definition.container_definitions
        for mapping in container["portMappings"]
    }
    for balancer in balancers:
        name, port = balancer.get("containerName"), balancer.get("containerPort")
        if (name, port) not in ports:
            raise InvalidParameterError(
                f"The container {name} did not have a container port {port} defined in the task definition."
            )
        for group in pair(balancer):
            _check_group(group)


def _check_group(group_arn: str) -> None:
    elbv2 = world().client("elbv2", "ecs", region_of(group_arn))
    try:
        elbv2.describe_target_groups(TargetGroupArns=[group_arn])
    except elbv2.exceptions.TargetGroupNotFoundException as missing:
        raise InvalidParameterError(f"The specified target group does not exist: {group_arn}") from missing


def check_network(definition: Any, network: Document | None) -> None:
    """Raises InvalidParameterError for a task of its own network that is not told which."""
    if definition.network_mode == "awsvpc" and not (network or {}).get("awsvpcConfiguration"):
        raise InvalidParameterError("Network Configuration must be provided when networkMode 'awsvpc' is specified.")


def check_offered(given: Document) -> None:
    """Raises UnsupportedFeatureError for what the local AWS does not do."""
    if (given.get("serviceConnectConfiguration") or {}).get("enabled"):
        raise UnsupportedFeatureError("not implemented by the local AWS: ecs Service Connect")


def check_update(given: Document, controller: str) -> None:
    for name, message in _NOT_BY_UPDATE.items():
        if given.get(name):
            if controller == "EXTERNAL":
                message = (
                    f"{name} cannot be updated on services with an EXTERNAL deployment controller; use a task set."
                )
            raise InvalidParameterError(message)
