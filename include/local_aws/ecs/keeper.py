"""One thread for each task, from PROVISIONING to STOPPED; it takes up a task in whatever state it finds it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from weakref import WeakKeyDictionary

from botocore.exceptions import ClientError

from local_aws.ecs.checkups import Checkups
from local_aws.ecs.containers import Containers
from local_aws.ecs.records import TASK, Document, forget_old_tasks, last, now, region_of
from local_aws.ecs.setbacks import note_setback
from local_aws.ecs.start_plan import ResourceInitializationError, ports_of
from local_aws.ecs.task_records import ask_to_stop, changed, with_address
from local_aws.runtime import runtime_of
from local_aws.runtime.container import CannotPullError, CannotStartError, Runtime
from local_aws.world import World

LOOK_SECONDS = 0.25
WATCH_AWS_SECONDS, SHORTEST_WATCH_SECONDS = 5, 0.2
"""Between two looks at a task that runs: there may be hundreds, which not every change of another should wake."""
# A shutdown waits five seconds for all engines together.
SHUTDOWN_GRACE_SECONDS = 2.0
FAILED_TO_START = "TaskFailedToStart"


class Keeper:
    """Keeps one task: each step commits the status that follows from it."""

    def __init__(self, world: World, runtime: Runtime, task_arn: str) -> None:
        self._world = world
        self._arn = task_arn
        self._runtime = runtime
        self._containers = Containers(world, runtime, task_arn)
        self._elbv2 = world.client("elbv2", "ecs", region_of(task_arn))
        self._steps: dict[str, Callable[[Document], None]] = {
            "PROVISIONING": self._provision,
            "PENDING": self._begin,
            "ACTIVATING": self._activate,
            "RUNNING": self._watch,
            "DEACTIVATING": self._drain,
            "STOPPING": self._stop,
            "DEPROVISIONING": self._finish,
        }

    def run(self) -> None:
        """Keep the task until it is STOPPED, or this process is."""
        stopping = self._world.threads.stopping
        try:
            while not stopping.is_set() and (task := self._task())["lastStatus"] != "STOPPED":
                self._steps[task["lastStatus"]](task)
        finally:
            if stopping.is_set():
                self._shut_down()

    def _task(self) -> Document:
        return self._world.store.get(TASK, self._arn) or {"lastStatus": "STOPPED"}

    def _to(self, status: str, **fields: object) -> None:
        changed(self._world, self._arn, lastStatus=status, **fields)

    def _fail(self, reason: str) -> None:
        ask_to_stop(self._world, self._arn, FAILED_TO_START, reason)
        self._to("DEACTIVATING")

    def _provision(self, task: Document) -> None:
        if task["desiredStatus"] == "STOPPED":
            self._to("DEPROVISIONING")
            return
        try:
            address = self._runtime.reserve(ports_of(task["_"]["definition"]))
        except CannotStartError as error:
            self._fail(f"ResourceInitializationError: {error}")
            return
        self._to("PENDING", _={**task["_"], "address": address}, pullStartedAt=now(self._world))

    def _begin(self, task: Document) -> None:
        if task["desiredStatus"] == "STOPPED":
            self._to("STOPPING")
            return
        try:
            address, containers = self._containers.start(task)
        except CannotPullError as error:
            self._fail(f"CannotPullContainerError: {error}")
        except CannotStartError as error:
            self._fail(f"CannotStartContainerError: Error response from daemon: {error}")
        except ResourceInitializationError as error:
            self._fail(str(error))
        else:
            own = {**task["_"], "address": address}
            known = {"containers": containers, "attachments": with_address(task, address)}
            self._to("ACTIVATING", _=own, pullStoppedAt=now(self._world), **known)

    def _activate(self, task: Document) -> None:
        address = task["_"]["address"]
        targets = [
            {"group": balancer["targetGroupArn"], "id": address, "port": balancer["containerPort"]}
            for balancer in task["_"]["loadBalancers"]
            if "targetGroupArn" in balancer
        ]
        try:
            for target in targets:
                self._elbv2.register_targets(TargetGroupArn=target["group"], Targets=[_target(target)])
        except ClientError as error:
            self._fail(f"Task failed to register with its load balancer: {error}")
            return
        self._to("RUNNING", startedAt=now(self._world), _={**task["_"], "targets": targets})
        self._record("task_started", self._task())

    def _watch(self, task: Document) -> None:
        checkups = Checkups(self._world, self._runtime, task)
        while not self._world.threads.stopping.is_set():
            task = self._task()
            self._containers.ship_logs(task)
            if task["desiredStatus"] == "STOPPED":
                self._to("DEACTIVATING")
                return
            if self._containers.essential_ended(task):
                ask_to_stop(self._world, self._arn, "EssentialContainerExited", "Essential container in task exited")
                self._to("DEACTIVATING")
                return
            if containers := self._containers.newly_ended(task):
                changed(self._world, self._arn, containers=containers)
            checkups.make_due()
            self._world.clock.pause(WATCH_AWS_SECONDS, SHORTEST_WATCH_SECONDS)

    def _drain(self, task: Document) -> None:
        """Out of the balancer first, and wait for its last requests: else the client would see a reset."""
        self._deregister(task)
        while not self._world.threads.stopping.is_set():
            serving = any(self._draining(target) for target in task["_"]["targets"])
            if not serving or self._containers.essential_ended(task):
                self._to("STOPPING")
                return
            self._containers.ship_logs(self._task())
            self._world.threads.wakeups.wait(LOOK_SECONDS)

    def _deregister(self, task: Document) -> None:
        for target in task["_"]["targets"]:
            try:
                self._elbv2.deregister_targets(TargetGroupArn=target["group"], Targets=[_target(target)])
            except self._elbv2.exceptions.TargetGroupNotFoundException:
                continue

    def _draining(self, target: Document) -> bool:
        try:
            found = self._elbv2.describe_target_health(TargetGroupArn=target["group"], Targets=[_target(target)])
        except self._elbv2.exceptions.TargetGroupNotFoundException:
            return False
        return any(entry["TargetHealth"]["State"] == "draining" for entry in found["TargetHealthDescriptions"])

    def _stop(self, task: Document) -> None:
        self._containers.stop(task)
        self._containers.ship_logs(self._task(), to_the_end=True)
        containers = self._containers.ended(self._task())
        self._to("DEPROVISIONING", containers=containers, executionStoppedAt=now(self._world))

    def _finish(self, task: Document) -> None:
        # Once more for a task that a shutdown has stopped.
        self._deregister(task)
        self._containers.remove(task)
        self._record("task_stopped", task)
        note_setback(self._world, task)
        attachments = [{**attachment, "status": "DELETED"} for attachment in task["attachments"]]
        self._to("STOPPED", stoppedAt=now(self._world), connectivity="DISCONNECTED", attachments=attachments)
        forget_old_tasks(self._world)

    def _record(self, operation: str, task: Document) -> None:
        own = task["_"]
        told = {
            "task": self._arn,
            "taskDefinition": task["taskDefinitionArn"],
            "digests": {container["name"]: container.get("imageDigest") for container in task["containers"]},
            "service": own["service"] and last(own["service"]),
            "taskSet": own["taskSet"],
            "targetGroups": [target["group"] for target in own["targets"]],
            "address": own["address"],
            "stoppedReason": task.get("stoppedReason"),
        }
        self._world.effects.record("ecs", operation, "ecs", {name: value for name, value in told.items() if value})

    def _shut_down(self) -> None:
        """Leave nothing that runs; the next start only has to write the end."""
        task = self._task()
        if task["lastStatus"] == "STOPPED":
            return
        ask_to_stop(self._world, self._arn, "TerminationNotice", "The local AWS was shut down.")
        self._containers.stop(task, SHUTDOWN_GRACE_SECONDS)
        self._to("DEPROVISIONING", containers=self._containers.ended(task), executionStoppedAt=now(self._world))
        self._containers.remove(task)


def _target(target: Document) -> Document:
    return {"Id": target["id"], "Port": target["port"]}


class Keepers:
    """The keepers of a world, at most one for each task."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._runtime = runtime_of(world)
        self._lock = threading.Lock()
        self._kept: set[str] = set()

    def keep(self, task_arn: str) -> None:
        """Begin to keep a task, unless it is kept already."""
        with self._lock:
            if task_arn in self._kept:
                return
            self._kept.add(task_arn)
        self._world.threads.spawn(f"task {last(task_arn)}", self._run, task_arn)

    def _run(self, task_arn: str) -> None:
        try:
            Keeper(self._world, self._runtime, task_arn).run()
        finally:
            with self._lock:
                self._kept.discard(task_arn)


_by_world: WeakKeyDictionary[World, Keepers] = WeakKeyDictionary()
_beginning = threading.Lock()


def keep(world: World, task_arn: str) -> None:
    """Begin to keep a task of a world."""
    with _beginning:
        if world not in _by_world:
            _by_world[world] = Keepers(world)
    _by_world[world].keep(task_arn)
