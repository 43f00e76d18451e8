"""The actions on tasks: RunTask, StopTask, DescribeTasks, ListTasks; and on tags."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from moto.core.responses import ActionResult, EmptyResult

from local_aws.ecs.admission import check_network
from local_aws.ecs.definitions import snapshot
from local_aws.ecs.keeper import keep
from local_aws.ecs.records import RUN, SERVICE, TASK, TASK_SET, Document, arn, last, shown
from local_aws.ecs.refusals import ConflictError, InvalidParameterError
from local_aws.ecs.task_records import Origin, ask_to_stop, new_task, new_task_arn
from local_aws.ecs.task_sets import TaskSets
from local_aws.world import world

MOST_AT_ONCE = 10
_KINDS = {"service": SERVICE, "task-set": TASK_SET, "task": TASK}


class Tasks(TaskSets):
    """The actions on tasks."""

    def run_task(self) -> ActionResult:
        """Start tasks outside of any service; the same client token returns the same tasks."""
        given = dict(self._get_params())
        count = int(given.get("count") or 1)
        if not 1 <= count <= MOST_AT_ONCE:
            raise InvalidParameterError("Count must be between 1 and 10.")
        cluster = self._cluster()
        definition = self.definition(given["taskDefinition"])
        check_network(definition, given.get("networkConfiguration"))
        _check_overrides(definition, given.get("overrides") or {})
        origin = Origin(
            cluster=cluster.arn,
            group=given.get("group") or f"family:{definition.family}",
            started_by=given.get("startedBy"),
            network=given.get("networkConfiguration"),
            overrides=given.get("overrides") or {},
            tags=given.get("tags") or [],
            launch_type=given.get("launchType") or "FARGATE",
            platform_version=given.get("platformVersion") or "LATEST",
        )
        arns = self._planned(given, count, cluster.arn)
        for task_arn in arns:
            new_task(world(), snapshot(definition), origin, task_arn)
            keep(world(), task_arn)
        tasks = [world().store.get(TASK, task_arn) for task_arn in arns]
        return ActionResult({"tasks": shown([task for task in tasks if task]), "failures": []})

    def stop_task(self) -> ActionResult:
        """Stop a task; it drains first when a balancer knows it."""
        task = self._task(self._get_param("task"))
        if task is None:
            raise InvalidParameterError("The referenced task was not found.")
        reason = self._get_param("reason") or "Task stopped by user"
        if task["lastStatus"] != "STOPPED":
            task = ask_to_stop(world(), task["taskArn"], "UserInitiated", reason)
        return ActionResult({"task": shown(task)})

    def describe_tasks(self) -> ActionResult:
        """Tasks by id or ARN."""
        names = self._get_param("tasks", [])
        if not names:
            raise InvalidParameterError("Tasks cannot be empty.")
        tags = "TAGS" in self._get_param("include", [])
        found = {name: self._task(name) for name in names}
        tasks = [task if tags else {**task, "tags": []} for task in found.values() if task]
        missing = [name for name, task in found.items() if task is None]
        failures = [{"arn": self._task_arn(name), "reason": "MISSING"} for name in missing]
        return ActionResult({"tasks": shown(tasks), "failures": failures})

    def list_tasks(self) -> ActionResult:
        """The ARNs of a cluster's tasks, newest first, a page at a time; RUNNING ones unless asked otherwise."""
        wanted = self._get_param("desiredStatus") or "RUNNING"
        name, family = self._get_param("serviceName"), self._get_param("family")
        service = self.service(name)["serviceArn"] if name else None
        arns = [
            task["taskArn"]
            for task in reversed(world().store.all(TASK))
            if task["clusterArn"] == self._cluster().arn
            and task["desiredStatus"] == wanted
            and service in (None, task["_"]["service"])
            and family in (None, task["_"]["definition"]["family"])
            and self._get_param("startedBy") in (None, task.get("startedBy"))
            and self._get_param("launchType") in (None, task["launchType"])
        ]
        return ActionResult(self._page("taskArns", arns))

    def start_task(self) -> ActionResult:
        """Not offered: there are no container instances."""
        raise NotImplementedError("start_task")

    def tag_resource(self) -> ActionResult:
        """Add tags to a resource."""
        added = {tag["key"]: tag for tag in self._get_param("tags", [])}
        return self._retag(lambda tags: [*(tag for tag in tags if tag["key"] not in added), *added.values()]) or (
            super().tag_resource()
        )

    def untag_resource(self) -> ActionResult:
        """Take tags off a resource."""
        keys = self._get_param("tagKeys", [])
        return self._retag(lambda tags: [tag for tag in tags if tag["key"] not in keys]) or super().untag_resource()

    def list_tags_for_resource(self) -> ActionResult:
        """A resource's tags."""
        kind = self._kind()
        if kind is None:
            return super().list_tags_for_resource()
        found = world().store.get(kind, self._get_param("resourceArn"))
        if found is None:
            raise InvalidParameterError("The specified resource was not found.")
        return ActionResult({"tags": found.get("tags", [])})

    def _planned(self, given: Document, count: int, cluster: str) -> list[str]:
        """The ARNs of the tasks to start, settled before any is started: a repeated call means the same ones."""
        arns = [new_task_arn(cluster) for _ in range(count)]
        token = given.get("clientToken")
        if not token:
            return arns
        asked = hashlib.sha256(json.dumps(given, sort_keys=True, default=str).encode()).hexdigest()
        plan = {"asked": asked, "tasks": arns}
        run = world().store.update(RUN, f"{self.region}/{token}", lambda known: known or plan)
        if run["asked"] != asked:
            raise ConflictError
        return list(run["tasks"])

    def _task(self, name: str) -> Document | None:
        return world().store.get(TASK, self._task_arn(name))

    def _task_arn(self, name: str) -> str:
        cluster = self._cluster()
        return arn(cluster.arn, "task", cluster.name, last(name))

    def _kind(self) -> str | None:
        return _KINDS.get(self._get_param("resourceArn").split(":")[5].partition("/")[0])

    def _retag(self, change: Any) -> ActionResult | None:
        kind, key = self._kind(), self._get_param("resourceArn")
        if kind is None:
            return None
        if world().store.get(kind, key) is None:
            raise InvalidParameterError("The specified resource was not found.")
        world().store.update(kind, key, lambda document: {**document, "tags": change(document.get("tags", []))})
        return EmptyResult()


def _check_overrides(definition: Any, overrides: Document) -> None:
    known = {container["name"] for container in definition.container_definitions}
    for override in overrides.get("containerOverrides", []):
        if override.get("name") not in known:
            name = override.get("name")
            raise InvalidParameterError(
                f"Override for container named {name} is not a container in the TaskDefinition."
            )
