"""The actions on services: CreateService, UpdateService, DeleteService, DescribeServices, ListServices."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult

from local_aws.ecs.admission import check_balancers, check_network, check_offered, check_update
from local_aws.ecs.definitions import Definitions
from local_aws.ecs.deployments import DEPLOYED, amend, launch_type, make_primary, rescale, set_desired
from local_aws.ecs.records import SERVICE, TASK_SET, Document, arn, last, now, task_sets_of
from local_aws.ecs.refusals import (
    ClientError,
    InvalidParameterError,
    ServiceNotActiveError,
    ServiceNotFoundError,
    UnsupportedFeatureError,
)
from local_aws.ecs.rollouts import records
from local_aws.ecs.rollouts.admission import check_configuration, configured
from local_aws.ecs.rollouts.beginning import begin
from local_aws.ecs.rollouts.views import current
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
        if controller == "ECS":
            with records.creating:
                begin(world(), service, self.definition(given["taskDefinition"]))
        else:
            world().store.put(SERVICE, service_arn, service)
        if controller == "CODE_DEPLOY":
            make_primary(service)
        world().threads.wakeups.notify()
        return self._answer(service_arn)

    def update_service(self) -> ActionResult:
        """Change a service; a new task definition is a new deployment."""
        given = dict(self._get_params())
        service = self.service(given["service"])
        if service["status"] != "ACTIVE":
            raise ServiceNotActiveError
        controller = service["deploymentController"]["type"]
        check_offered(given)
        if controller != "ECS":
            check_update(given, controller)
        with records.creating:
            self._update(service["serviceArn"], given)
        self._rescale_task_sets(service["serviceArn"])
        world().threads.wakeups.notify()
        return self._answer(service["serviceArn"])

    def _update(self, service_arn: str, given: Document) -> None:
        service = self.service(service_arn)
        changes = {name: given[name] for name in _UPDATED if given.get(name) is not None}
        config = configured(service["deploymentConfiguration"], given.get("deploymentConfiguration") or {})
        balancers = given.get("loadBalancers") or service["loadBalancers"]
        check_configuration(config, service["deploymentController"]["type"], balancers)

        def change(document: Document) -> None:
            document |= {**changes, "deploymentConfiguration": config}
            set_desired(document)

        definition = self._newly_deployed(service, given)
        if definition is None:
            world().store.update(SERVICE, service_arn, change)
            return
        change(service)
        service |= {name: given[name] for name in DEPLOYED if given.get(name) is not None}
        begin(world(), service, definition)

    def delete_service(self) -> ActionResult:
        """Begin to stop a service; it is INACTIVE once its last task has stopped."""
        service = self.service(self._get_param("service"))
        key = service["serviceArn"]
        if service["desiredCount"] > 0 and not self._get_param("force"):
            raise InvalidParameterError("The service cannot be stopped while it is scaled above 0.")

        def change(document: Document) -> None:
            document |= {"status": "DRAINING", "desiredCount": 0}
            set_desired(document)

        with records.creating:
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
                tags = "TAGS" in self._get_param("include", [])
                found.append({**described(world(), service, tags), **current(world(), service)})
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
        return ActionResult({"service": {**described(world(), service, with_tags=True), **current(world(), service)}})

    def _check_creation(self, given: Document, controller: str) -> None:
        if controller not in CONTROLLERS:
            raise InvalidParameterError(f"Unknown deployment controller type {controller}.")
        check_offered(given)
        balancers = given.get("loadBalancers") or []
        check_configuration(given.get("deploymentConfiguration") or {}, controller, balancers)
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
            check_balancers(definition, balancers)
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
            **launch_type(given),
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
        if service.get("launchType", "FARGATE") == "FARGATE":
            service |= {"platformVersion": given.get("platformVersion") or "LATEST", "platformFamily": "Linux"}
        if named:
            service["taskDefinition"] = self.definition(named).arn
        return service

    def _newly_deployed(self, service: Document, given: Document) -> Any:
        """The task definition that an update deploys, None when nothing of what runs changes."""
        if service["deploymentController"]["type"] != "ECS":
            return None
        changed = {name: given[name] for name in DEPLOYED if given.get(name) is not None}
        named = given.get("taskDefinition")
        if not named and not changed and not given.get("forceNewDeployment"):
            return None
        definition = self.definition(named or service["taskDefinition"])
        if not given.get("forceNewDeployment") and not changed and definition.arn == service["taskDefinition"]:
            return None
        check_balancers(definition, changed.get("loadBalancers") or service["loadBalancers"])
        return definition

    def _rescale_task_sets(self, service_arn: str) -> None:
        service = world().store.get(SERVICE, service_arn) or {}
        for task_set in task_sets_of(world(), service_arn):
            if task_set["status"] != "DRAINING":
                rescale(task_set, service["desiredCount"])
