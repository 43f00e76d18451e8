"""The actions on task sets, through which CodeDeploy and external controllers deploy."""

from __future__ import annotations

from moto.core.responses import ActionResult

from local_aws.ecs.admission import check_balancers, check_network
from local_aws.ecs.decisions import scaled
from local_aws.ecs.deployments import amend, launch_type, rescale
from local_aws.ecs.records import SERVICE, TASK_SET, Document, arn, deployment_id, last, now, task_sets_of
from local_aws.ecs.refusals import InvalidParameterError, ServiceNotActiveError, TaskSetNotFoundError
from local_aws.ecs.service_views import described_task_set
from local_aws.ecs.services import Services
from local_aws.world import world

_COPIED = (
    "externalId",
    "networkConfiguration",
    "loadBalancers",
    "serviceRegistries",
    "launchType",
    "capacityProviderStrategy",
    "platformVersion",
    "tags",
)
_SERVED = (
    "taskDefinition",
    "loadBalancers",
    "networkConfiguration",
    "platformVersion",
    "launchType",
    "capacityProviderStrategy",
)
"""What a service shows of its primary task set."""


class TaskSets(Services):
    """The actions on task sets."""

    def create_task_set(self) -> ActionResult:
        """Create a task set; the same client token returns the same one."""
        given = dict(self._get_params())
        service = self.service(given["service"])
        self._check_task_set(given, service)
        token = given.get("clientToken")
        for known in task_sets_of(world(), service["serviceArn"]):
            if token and known["_"].get("token") == token:
                return self._task_set_answer(known["taskSetArn"])
        task_set = self._new_task_set(given, service)
        world().store.put(TASK_SET, task_set["taskSetArn"], task_set)
        world().threads.wakeups.notify()
        return self._task_set_answer(task_set["taskSetArn"])

    def describe_task_sets(self) -> ActionResult:
        """A service's task sets, or those of them that are named."""
        known = task_sets_of(world(), self.service(self._get_param("service"))["serviceArn"])
        named = self._get_param("taskSets", [])
        found = [task_set for task_set in known if not named or _is_named(task_set, named)]
        missing = [name for name in named if not any(_is_named(task_set, [name]) for task_set in known)]
        tags = "TAGS" in self._get_param("include", [])
        return ActionResult(
            {
                "taskSets": [described_task_set(world(), task_set, tags) for task_set in found],
                "failures": [{"arn": name, "reason": "MISSING"} for name in missing],
            }
        )

    def update_task_set(self) -> ActionResult:
        """Change a task set's scale."""
        task_set = self._task_set(self._get_param("taskSet"))
        service = self.service(self._get_param("service"))
        rescale(task_set, service["desiredCount"], _percent(self._get_param("scale")))
        world().threads.wakeups.notify()
        return self._task_set_answer(task_set["taskSetArn"])

    def update_service_primary_task_set(self) -> ActionResult:
        """Make a task set the one that the service shows as its own."""
        chosen = self._task_set(self._get_param("primaryTaskSet"))
        if chosen["status"] == "DRAINING":
            raise InvalidParameterError("A task set that is DRAINING cannot become the primary task set.")
        service = self.service(self._get_param("service"))
        world().store.update(SERVICE, service["serviceArn"], lambda document: _serving(document, chosen))
        for task_set in task_sets_of(world(), service["serviceArn"]):
            is_chosen = task_set["taskSetArn"] == chosen["taskSetArn"]
            if task_set["status"] != "DRAINING":
                status = "PRIMARY" if is_chosen else "ACTIVE"
                amend(TASK_SET, task_set["taskSetArn"], status=status, updatedAt=now(world()))
        world().threads.wakeups.notify()
        return self._task_set_answer(chosen["taskSetArn"])

    def delete_task_set(self) -> ActionResult:
        """Begin to drain a task set; it is gone once its last task has stopped."""
        task_set = self._task_set(self._get_param("taskSet"))
        if task_set["status"] == "PRIMARY":
            raise InvalidParameterError("The primary task set cannot be deleted.")
        if not self._get_param("force") and task_set["scale"]["value"] > 0:
            raise InvalidParameterError("The task set must be scaled down to zero before deleting.")
        fields = {"status": "DRAINING", "computedDesiredCount": 0, "updatedAt": now(world())}
        amend(TASK_SET, task_set["taskSetArn"], **fields)
        answer = self._task_set_answer(task_set["taskSetArn"])
        world().threads.wakeups.notify()
        return answer

    def _task_set(self, name: str) -> Document:
        for task_set in task_sets_of(world(), self.service(self._get_param("service"))["serviceArn"]):
            if _is_named(task_set, [name]):
                return task_set
        raise TaskSetNotFoundError

    def _task_set_answer(self, task_set_arn: str) -> ActionResult:
        task_set = world().store.get(TASK_SET, task_set_arn)
        if task_set is None:
            raise TaskSetNotFoundError
        return ActionResult({"taskSet": described_task_set(world(), task_set, with_tags=True)})

    def _check_task_set(self, given: Document, service: Document) -> None:
        if service["status"] != "ACTIVE":
            raise ServiceNotActiveError
        if service["deploymentController"]["type"] == "ECS":
            raise InvalidParameterError("Task sets are not supported by services with an ECS deployment controller.")
        definition = self.definition(given["taskDefinition"])
        check_balancers(definition, given.get("loadBalancers") or [])
        check_network(definition, given.get("networkConfiguration"))

    def _new_task_set(self, given: Document, service: Document) -> Document:
        key, moment, percent = deployment_id(), now(world()), _percent(given.get("scale"))
        return {
            "loadBalancers": [],
            "serviceRegistries": [],
            **launch_type(given),
            "platformVersion": "LATEST",
            "tags": [],
            **{name: given[name] for name in _COPIED if given.get(name) is not None},
            "id": key,
            "taskSetArn": arn(
                service["clusterArn"], "task-set", last(service["clusterArn"]), service["serviceName"], key
            ),
            "serviceArn": service["serviceArn"],
            "clusterArn": service["clusterArn"],
            "startedBy": service["deploymentController"]["type"],
            "status": "ACTIVE",
            "taskDefinition": self.definition(given["taskDefinition"]).arn,
            "computedDesiredCount": scaled(service["desiredCount"], percent),
            "createdAt": moment,
            "updatedAt": moment,
            "platformFamily": "Linux",
            "scale": {"value": percent, "unit": "PERCENT"},
            "stabilityStatus": "STABILIZING",
            "stabilityStatusAt": moment,
            "_": {"token": given.get("clientToken")},
        }


def _percent(scale: Document | None) -> float:
    """A scale's percentage; without one it is all of the tasks."""
    return float((scale or {}).get("value", 100.0))


def _serving(service: Document, task_set: Document) -> Document:
    others = {name: value for name, value in service.items() if name not in _SERVED}
    return others | {name: task_set[name] for name in _SERVED if name in task_set}


def _is_named(task_set: Document, names: list[str]) -> bool:
    return task_set["taskSetArn"] in names or task_set["id"] in names
