"""The actions on services: CreateService, UpdateService, DeleteService, DescribeServices, ListServices."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult

from local_aws.ecs.decisions import scaled
from local_aws.ecs.definitions import Definitions
from local_aws.ecs.records import (
    SERVICE,
    TASK_SET,
    Document,
    arn,
    deployment_id,
    last,
    now,
    region_of,
    task_sets_of,
)
from local_aws.ecs.refusals import (
    ClientError,
    InvalidParameterError,
    ServiceNotActiveError,
    ServiceNotFoundError,
    UnsupportedFeatureError,
)
from local_aws.ecs.service_views import described
from local_aws.world import world

CONTROLLERS = ("ECS", "CODE_DEPLOY", "EXTERNAL")
_COPIED = (
    "loadBalancers",
    "serviceRegistries",
    "launchType",
    "capacityProviderStrategy",
    "platformVersion",
    "networkConfiguration",
    "placementConstraints",
    "placementStrategy",
    "healthCheckGracePeriodSeconds",
    "enableECSManagedTags",
    "propagateTags",
    "enableExecuteCommand",
    "availabilityZoneRebalancing",
    "tags",
)
_DEPLOYED = ("launchType", "capacityProviderStrategy", "platformVersion", "networkConfiguration", "loadBalancers")
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
_UPDATED = (
    "desiredCount",
    "healthCheckGracePeriodSeconds",
    "placementConstraints",
    "placementStrategy",
    "enableECSManagedTags",
    "propagateTags",
    "enableExecuteCommand",
)


class Services(Definitions):
    """The actions on services."""

    def create_service(self) -> ActionResult:
        """Create a service; the reconciler then starts its tasks."""
        given = dict(self._get_params())
        cluster = self._cluster()
        service_arn = arn(cluster.arn, "service", cluster.name, given["serviceName"])
        found = world().store.get(SERVICE, service_arn)
        if found and found["status"] != "INACTIVE":
            raise InvalidParameterError("Creation of service was not idempotent.")
        controller = (given.get("deploymentController") or {}).get("type", "ECS")
        self._check_creation(given, controller)
        service = self._new_service(given, controller, service_arn, cluster.arn)
        world().store.put(SERVICE, service_arn, service)
        if controller == "CODE_DEPLOY":
            self._make_primary(service)
        world().threads.wakeups.notify()
        return self._answer(service_arn)

    def update_service(self) -> ActionResult:
        """Change a service; a new task definition is a new deployment."""
        given = dict(self._get_params())
        service = self.service(given["service"])
        if service["status"] != "ACTIVE":
            raise ServiceNotActiveError
        controller = service["deploymentController"]["type"]
        _check_strategy(given)
        if controller != "ECS":
            _check_update(given, controller)
        deployment = self._new_deployment(service, given) if controller == "ECS" else None

        def change(document: Document) -> None:
            document |= {name: given[name] for name in _UPDATED if given.get(name) is not None}
            document["deploymentConfiguration"] |= given.get("deploymentConfiguration") or {}
            if deployment:
                _deploy(document, deployment)
            _set_desired(document)

        world().store.update(SERVICE, service["serviceArn"], change)
        self._rescale_task_sets(service["serviceArn"])
        world().threads.wakeups.notify()
        return self._answer(service["serviceArn"])

    def delete_service(self) -> ActionResult:
        """Begin to stop a service; it is INACTIVE once its last task has stopped."""
        service = self.service(self._get_param("service"))
        key = service["serviceArn"]
        if service["desiredCount"] > 0 and not self._get_param("force"):
            raise InvalidParameterError("The service cannot be stopped while it is scaled above 0.")

        def change(document: Document) -> None:
            document |= {"status": "DRAINING", "desiredCount": 0}
            _set_desired(document)

        world().store.update(SERVICE, key, change)
        for task_set in task_sets_of(world(), key):
            amend(TASK_SET, task_set["taskSetArn"], status="DRAINING", computedDesiredCount=0)
        world().threads.wakeups.notify()
        return self._answer(key)

    def describe_services(self) -> ActionResult:
        """Services with their deployments, task sets, events and counts."""
        names = self._get_param("services", [])
        if not 1 <= len(names) <= 10:
            raise InvalidParameterError("Services cannot be empty." if not names else "Too many services.")
        found, failures = [], []
        for name in names:
            key = self._service_arn(name)
            service = world().store.get(SERVICE, key)
            if service:
                found.append(described(world(), service, "TAGS" in self._get_param("include", [])))
            else:
                failures.append({"arn": key, "reason": "MISSING"})
        return ActionResult({"services": found, "failures": failures})

    def list_services(self) -> ActionResult:
        """The ARNs of a cluster's services, a page at a time."""
        wanted = {name: self._get_param(name) for name in ("launchType", "schedulingStrategy")}
        arns = [
            service["serviceArn"]
            for service in world().store.all(SERVICE)
            if service["clusterArn"] == self._cluster().arn
            and service["status"] != "INACTIVE"
            and all(value in (None, service.get(name)) for name, value in wanted.items())
        ]
        return ActionResult(self._page("serviceArns", arns))

    def service(self, name: str) -> Document:
        """The service that a request names, in its cluster.

        Raises ServiceNotFoundError.
        """
        found = world().store.get(SERVICE, self._service_arn(name))
        if found is None:
            raise ServiceNotFoundError
        return found

    def _cluster(self) -> Any:
        return self.ecs_backend._get_cluster(self._get_param("cluster") or "default")

    def _service_arn(self, name: str) -> str:
        cluster = self._cluster()
        return arn(cluster.arn, "service", cluster.name, last(name))

    def _answer(self, service_arn: str) -> ActionResult:
        service = world().store.get(SERVICE, service_arn) or {}
        return ActionResult({"service": described(world(), service, with_tags=True)})

    def _check_creation(self, given: Document, controller: str) -> None:
        if controller not in CONTROLLERS:
            raise InvalidParameterError(f"Unknown deployment controller type {controller}.")
        _check_strategy(given)
        if (given.get("schedulingStrategy") or "REPLICA") != "REPLICA":
            raise UnsupportedFeatureError("not implemented by the local AWS: ecs:CreateService DAEMON")
        if controller == "EXTERNAL":
            if given.get("taskDefinition"):
                raise InvalidParameterError("Task definition is not supported for EXTERNAL deployment controllers.")
        elif not given.get("taskDefinition"):
            raise ClientError("TaskDefinition cannot be null or empty.")
        if given.get("desiredCount") is None:
            raise InvalidParameterError("The desiredCount parameter is required for REPLICA services.")
        if given.get("taskDefinition"):
            definition = self.definition(given["taskDefinition"])
            check_balancers(definition, given.get("loadBalancers") or [])
            check_network(definition, given.get("networkConfiguration"))

    def _new_service(self, given: Document, controller: str, service_arn: str, cluster_arn: str) -> Document:
        named = given.get("taskDefinition")
        service: Document = {
            "serviceArn": service_arn,
            "serviceName": given["serviceName"],
            "clusterArn": cluster_arn,
            "status": "ACTIVE",
            "loadBalancers": [],
            "serviceRegistries": [],
            "launchType": "FARGATE",
            **{name: given[name] for name in _COPIED if given.get(name) is not None},
            "desiredCount": int(given["desiredCount"]),
            "schedulingStrategy": "REPLICA",
            "deploymentController": {"type": controller},
            "deploymentConfiguration": {"maximumPercent": 200, "minimumHealthyPercent": 100}
            | (given.get("deploymentConfiguration") or {}),
            "createdAt": now(world()),
            "createdBy": f"arn:aws:iam::{self.current_account}:root",
            "events": [],
            "deployments": [],
            "_": {"failures": {}, "retry": {}, "steady": []},
        }
        if service["launchType"] == "FARGATE":
            service |= {"platformVersion": given.get("platformVersion") or "LATEST", "platformFamily": "Linux"}
        if named:
            service["taskDefinition"] = self.definition(named).arn
        if controller == "ECS":
            _deploy(service, _deployment(service, service["taskDefinition"]))
        return service

    def _make_primary(self, service: Document) -> None:
        """ECS makes a CODE_DEPLOY service's first task set itself; it is the first deployment's blue."""
        key = deployment_id()
        task_set = {
            "id": key,
            "taskSetArn": arn(
                service["clusterArn"], "task-set", last(service["clusterArn"]), service["serviceName"], key
            ),
            "serviceArn": service["serviceArn"],
            "clusterArn": service["clusterArn"],
            "status": "PRIMARY",
            "taskDefinition": service["taskDefinition"],
            "computedDesiredCount": service["desiredCount"],
            "createdAt": now(world()),
            "updatedAt": now(world()),
            "scale": {"value": 100.0, "unit": "PERCENT"},
            "stabilityStatus": "STABILIZING",
            "stabilityStatusAt": now(world()),
            "tags": [],
            "serviceRegistries": service["serviceRegistries"],
            **{name: service[name] for name in (*_DEPLOYED, "platformFamily") if name in service},
            "_": {},
        }
        world().store.put(TASK_SET, task_set["taskSetArn"], task_set)

    def _new_deployment(self, service: Document, given: Document) -> Document | None:
        """The deployment that an update begins, None when nothing of what runs changes."""
        changed = {name: given[name] for name in _DEPLOYED if given.get(name) is not None}
        named = given.get("taskDefinition")
        if not named and not changed and not given.get("forceNewDeployment"):
            return None
        definition = self.definition(named or service["taskDefinition"])
        if not given.get("forceNewDeployment") and not changed and definition.arn == service["taskDefinition"]:
            return None
        check_balancers(definition, changed.get("loadBalancers") or service["loadBalancers"])
        return _deployment({**service, **changed}, definition.arn)

    def _rescale_task_sets(self, service_arn: str) -> None:
        service = world().store.get(SERVICE, service_arn) or {}
        for task_set in task_sets_of(world(), service_arn):
            if task_set["status"] != "DRAINING":
                rescale(task_set, service["desiredCount"])


def amend(kind: str, key: str, **fields: Any) -> None:
    """Set fields of a document."""
    world().store.update(kind, key, lambda document: {**document, **fields})


def rescale(task_set: Document, desired: int, percent: float | None = None) -> None:
    """Give a task set its share of the desired count; a changed one has to stabilise anew."""

    def change(document: Document) -> None:
        if percent is not None:
            document["scale"] = {"value": float(percent), "unit": "PERCENT"}
        count = scaled(desired, document["scale"]["value"])
        if count != document["computedDesiredCount"]:
            moment = now(world())
            document |= {"computedDesiredCount": count, "updatedAt": moment}
            document |= {"stabilityStatus": "STABILIZING", "stabilityStatusAt": moment}

    world().store.update(TASK_SET, task_set["taskSetArn"], change)


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
        if "targetGroupArn" in balancer:
            _check_group(balancer["targetGroupArn"])


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


def _check_strategy(given: Document) -> None:
    config = given.get("deploymentConfiguration") or {}
    strategy = config.get("strategy") or "ROLLING"
    if strategy != "ROLLING":
        raise UnsupportedFeatureError(f"not implemented by the local AWS: ecs deployment strategy {strategy}")
    if (config.get("deploymentCircuitBreaker") or {}).get("enable"):
        raise UnsupportedFeatureError("not implemented by the local AWS: ecs deploymentCircuitBreaker")
    if (config.get("alarms") or {}).get("enable"):
        raise UnsupportedFeatureError("not implemented by the local AWS: ecs deployment alarms")
    if (given.get("serviceConnectConfiguration") or {}).get("enabled"):
        raise UnsupportedFeatureError("not implemented by the local AWS: ecs Service Connect")


def _check_update(given: Document, controller: str) -> None:
    for name, message in _NOT_BY_UPDATE.items():
        if given.get(name):
            if controller == "EXTERNAL":
                message = (
                    f"{name} cannot be updated on services with an EXTERNAL deployment controller; use a task set."
                )
            raise InvalidParameterError(message)


def _deployment(service: Document, definition_arn: str) -> Document:
    moment = now(world())
    key = deployment_id()
    return {
        "id": key,
        "status": "PRIMARY",
        "taskDefinition": definition_arn,
        "desiredCount": service["desiredCount"],
        "failedTasks": 0,
        "createdAt": moment,
        "updatedAt": moment,
        "rolloutState": "IN_PROGRESS",
        "rolloutStateReason": f"ECS deployment {key} in progress.",
        **{name: service[name] for name in (*_DEPLOYED, "platformFamily") if name in service},
    }


def _deploy(service: Document, deployment: Document) -> None:
    older = [{**other, "status": "ACTIVE"} for other in service["deployments"]]
    service |= {name: deployment[name] for name in _DEPLOYED if name in deployment}
    service |= {"taskDefinition": deployment["taskDefinition"], "deployments": [deployment, *older]}


def _set_desired(service: Document) -> None:
    for number, deployment in enumerate(service["deployments"]):
        deployment["desiredCount"] = service["desiredCount"] if number == 0 else 0
