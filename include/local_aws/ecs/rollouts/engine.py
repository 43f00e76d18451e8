"""One thread per service deployment: ask for the next step, do it, commit, again. All state is in the store.

Effects are recorded before the state is committed, so that a poller who sees a status finds everything behind it
done. A process that dies in between does the act again, which changes nothing, and records nothing twice.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from local_aws.ecs.records import SERVICE, Document, region_of, tasks_of
from local_aws.ecs.rollouts import records
from local_aws.ecs.rollouts.acts import Answer, Rest
from local_aws.ecs.rollouts.answers import absorb
from local_aws.ecs.rollouts.hands import Hands
from local_aws.ecs.rollouts.news import changed_hooks, effects_between, hook_event
from local_aws.ecs.rollouts.progress import Inbox, Plan, Progress, as_document, plan_from, progress_from
from local_aws.ecs.rollouts.sight import sight_of
from local_aws.ecs.rollouts.steps import decide
from local_aws.world import World

_driven: set[tuple[int, str]] = set()
_driven_lock = threading.Lock()


def start(world: World) -> None:
    """Go on with every service deployment that an earlier life of this process left unfinished."""
    for document in world.store.all(records.DEPLOYMENT):
        if not records.is_over(document):
            drive(world, document["plan"]["arn"])


def drive(world: World, deployment_arn: str) -> None:
    """Have one thread that carries a service deployment to its end."""
    key = (id(world), deployment_arn)
    with _driven_lock:
        if key in _driven:
            return
        _driven.add(key)
    world.threads.spawn(f"ecs {deployment_arn.rpartition('/')[2]}", _run, world, deployment_arn, key)


def _run(world: World, deployment_arn: str, key: tuple[int, str]) -> None:
    try:
        Drive(world, deployment_arn).to_the_end()
    finally:
        with _driven_lock:
            _driven.discard(key)


class Drive:
    """One service deployment on its way."""

    def __init__(self, world: World, deployment_arn: str) -> None:
        document = world.store.get(records.DEPLOYMENT, deployment_arn)
        assert document is not None
        self._world = world
        self._document = document
        self._plan: Plan = plan_from(document["plan"])
        self._progress: Progress = progress_from(document["progress"])
        revisions = {self._plan.target: document["revision"], **document["sources"]}
        self._hands = Hands(world, self._plan, revisions)

    def to_the_end(self) -> None:
        """Until the deployment is over, or the process is asked to end."""
        while not self._progress.over and not self._world.threads.stopping.is_set():
            self._step()

    def _step(self) -> None:
        service = self._world.store.get(SERVICE, self._plan.service) or {"deployments": []}
        sight = sight_of(service, self._plan, self._waits())
        inbox = Inbox(**records.inbox(self._world.store, self._plan.arn))
        move = decide(self._plan, self._progress, inbox, sight, self._now())
        if isinstance(move, Rest):
            self._world.clock.wait(move.seconds)
        elif isinstance(move, Progress):
            self._commit(move)
        else:
            answer: Answer = self._hands.perform(move, self._progress)
            # Time passed in the act: a hold begins when the traffic has moved, not when it was asked to.
            self._commit(absorb(self._plan, self._progress, move, answer, self._now()))

    def _now(self) -> float:
        return self._world.clock.now().timestamp()

    def _waits(self) -> bool:
        """An earlier deployment of the service has to end first; only a beginning one asks."""
        if self._progress.stage != "START":
            return False
        older = records.of_service(self._world.store, self._plan.service)
        arns = [document["plan"]["arn"] for document in older]
        return not all(map(records.is_over, older[arns.index(self._plan.arn) + 1 :]))

    def _commit(self, after: Progress) -> None:
        before, self._progress = self._progress, replace(after, updated=self._now())
        for operation, params in effects_between(self._plan, self._document["revision"], before, after):
            self._record_once(operation, params)
        self._note_digests()
        self._document = {**self._document, "progress": as_document(self._progress)}
        self._world.store.put(records.DEPLOYMENT, self._plan.arn, self._document)
        for run in changed_hooks(before, after):
            detail = hook_event(self._plan, run, datetime.fromtimestamp(run.expires, UTC).isoformat())
            self._announce(detail)
        self._world.threads.wakeups.notify()

    def _record_once(self, operation: str, params: dict[str, Any]) -> None:
        mine = [
            entry["params"]
            for entry in self._world.effects.entries("ecs", operation)
            if entry["params"]["serviceDeploymentArn"] == self._plan.arn
            and entry["params"].get("route") == params.get("route")
            and entry["params"].get("hookId") == params.get("hookId")
        ]
        if mine[-1:] != [params]:
            self._world.effects.record("ecs", operation, "ecs", params)

    def _note_digests(self) -> None:
        own = [task for task in tasks_of(self._world, self._plan.service) if task["_"]["owner"] == self._plan.target]
        found: dict[str, str] = {}
        for container in (container for task in own for container in task["containers"]):
            found.setdefault(container["name"], container.get("imageDigest", ""))
        records.note_digests(self._world, self._document["revision"], {k: v for k, v in found.items() if v})

    def _announce(self, detail: Document) -> None:
        """Best effort, as in AWS: an event only wakes."""
        resources = [self._plan.service]
        region = region_of(self._plan.service)
        try:
            self._world.events.emit("aws.ecs", "ECS Hook State Change", detail, resources, region)
        except Exception:
            self._world.log.warning("an event of %s could not be put", self._plan.arn, exc_info=True)
