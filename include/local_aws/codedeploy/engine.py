"""One thread per deployment: ask for the next step, do it, commit, again. All state is in the store.

Effects are recorded before the state is committed, so that a poller who sees a status finds everything behind it
done. A process that dies in between does the act again, which changes nothing, and records nothing twice.
"""

from __future__ import annotations

import threading
from typing import Any

from local_aws.codedeploy import acts, records
from local_aws.codedeploy.acts import Act, Answer, Rest
from local_aws.codedeploy.answers import absorb
from local_aws.codedeploy.hands import Hands
from local_aws.codedeploy.news import effects_between, event_of
from local_aws.codedeploy.progress import Plan, Progress, as_document, inbox_from, plan_from, progress_from
from local_aws.codedeploy.rollback import rollback_document
from local_aws.codedeploy.steps import decide
from local_aws.codedeploy.tasksets import Target
from local_aws.world import World

CALLER = "codedeploy"
_driven: set[tuple[int, str]] = set()
_driven_lock = threading.Lock()


def start(world: World) -> None:
    """Go on with every deployment that an earlier life of this process left unfinished."""
    for deployment_id in records.unfinished(world.store):
        drive(world, deployment_id)


def drive(world: World, deployment_id: str) -> None:
    """Have one thread that carries a deployment to its end."""
    key = (id(world), deployment_id)
    with _driven_lock:
        if key in _driven:
            return
        _driven.add(key)
    world.threads.spawn(f"codedeploy {deployment_id}", _run, world, deployment_id, key)


def _run(world: World, deployment_id: str, key: tuple[int, str]) -> None:
    try:
        Drive(world, deployment_id).to_the_end()
    finally:
        with _driven_lock:
            _driven.discard(key)


class Drive:
    """One deployment on its way."""

    def __init__(self, world: World, deployment_id: str) -> None:
        document = records.deployment(world.store, deployment_id)
        assert document is not None
        self._world = world
        self._id = deployment_id
        self._document = document
        self._plan: Plan = plan_from(document["plan"])
        self._progress: Progress = progress_from(document["progress"])
        target = Target(**document["target"])
        self._hands = Hands(lambda service: world.client(service, CALLER, target.region), self._plan, target)

    def to_the_end(self) -> None:
        """Until the deployment is over, or the process is asked to end."""
        while not self._progress.over and not self._world.threads.stopping.is_set():
            self._step()

    def _step(self) -> None:
        now = self._world.clock.now().timestamp()
        inbox = inbox_from(records.inbox(self._world.store, self._id))
        move = decide(self._plan, self._progress, inbox, now)
        if isinstance(move, Rest):
            self._world.clock.wait(move.seconds)
        elif isinstance(move, Progress):
            self._commit(move)
        else:
            answer = self._perform(move)
            # Time passed in the act: a hold begins when the traffic has moved, not when it was asked to.
            now = self._world.clock.now().timestamp()
            self._commit(absorb(self._plan, self._progress, move, answer, now))

    def _perform(self, act: Act) -> Answer:
        match act:
            case acts.BeginRollback():
                self._begin_rollback()
                return None
            case acts.WatchRollback():
                undo = records.deployment(self._world.store, self._progress.rollback_id or "")
                return records.status(undo) if undo else None
        return self._hands.perform(act, self._progress)

    def _begin_rollback(self) -> None:
        rollback_id = self._progress.rollback_id or ""
        if records.deployment(self._world.store, rollback_id) is None:
            now = self._world.clock.now().timestamp()
            previous = self._last_success()
            undo = rollback_document(self._document, self._progress, previous, now)
            records.put_deployment(self._world.store, rollback_id, undo)
        drive(self._world, rollback_id)

    def _last_success(self) -> dict[str, Any] | None:
        info, region = self._document["info"], self._document["region"]
        group = records.Records(self._world.store, region).deployments_of(
            info["applicationName"], info["deploymentGroupName"]
        )
        return records.last_with(group, "Succeeded")

    def _commit(self, after: Progress) -> None:
        before, self._progress = self._progress, after
        for operation, params in effects_between(self._id, before, after):
            self._record_once(operation, params)
        self._document = {**self._document, "progress": as_document(after)}
        records.put_deployment(self._world.store, self._id, self._document)
        if after.status != before.status:
            self._announce(before)

    def _record_once(self, operation: str, params: dict[str, Any]) -> None:
        mine = [
            entry["params"]
            for entry in self._world.effects.entries("codedeploy", operation)
            if entry["params"]["deploymentId"] == self._id
        ]
        if mine[-1:] != [params]:
            self._world.effects.record("codedeploy", operation, CALLER, params)

    def _announce(self, before: Progress) -> None:
        """Best effort, as in AWS: an event only wakes."""
        event = event_of(self._document["info"], self._document["region"], before, self._progress)
        if event is None:
            return
        try:
            self._world.events.emit(*event)
        except Exception:
            self._world.log.warning("the event of %s could not be put", self._id, exc_info=True)
