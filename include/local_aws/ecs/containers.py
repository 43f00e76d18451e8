"""The containers of one task, in the hands of a runtime."""

from __future__ import annotations

import time
from dataclasses import replace

from botocore.exceptions import ClientError

from local_aws.ecs.log_stream import log_stream
from local_aws.ecs.records import TASK, Document, last
from local_aws.ecs.start_plan import STOP_SECONDS, start_of
from local_aws.runtime.container import Place, Runtime
from local_aws.world import World

# A real program needs real time to end, however fast the clock runs.
SHORTEST_GRACE_SECONDS = 1.0
SHIP_SECONDS = 1.0


class Containers:
    """Starts, reads, stops and removes them; what is to be known for ever goes into the task's document."""

    def __init__(self, world: World, runtime: Runtime, task_arn: str) -> None:
        self._world = world
        self._runtime = runtime
        self._arn = task_arn
        self._ship_at = 0.0

    def place(self, name: str) -> Place:
        """Where a container is."""
        return Place(self._arn, name, self._world.settings.state_dir / "containers" / last(self._arn) / name)

    def start(self, task: Document) -> tuple[str, list[Document]]:
        """Start those which do not run yet; the task's address, and how the containers look now.

        Raises CannotPullError, CannotStartError and ResourceInitializationError.
        """
        address, running = str(task["_"]["address"]), []
        for container in task["_"]["definition"]["containers"]:
            place = self.place(container["name"])
            image = self._runtime.pull(container["image"])
            start = start_of(self._world, task, container, image)
            stream = log_stream(self._world, task, container)
            if stream:
                stream.create()
            # One that was started by the process before us is adopted.
            if not self._runtime.found(place):
                address = self._runtime.start(place, replace(start, address=address))
            running.append({"name": container["name"], "imageDigest": image.digest, "lastStatus": "RUNNING"})
        return address, _merged(task["containers"], running, address)

    def essential_ended(self, task: Document) -> bool:
        """Whether a container without which the task is nothing has ended."""
        return any(
            self._runtime.exit_code(self.place(container["name"])) is not None
            for container in task["_"]["definition"]["containers"]
            if container.get("essential", True)
        )

    def newly_ended(self, task: Document) -> list[Document] | None:
        """How the containers look when some have ended since the last look, and the task goes on; None if none have."""
        news = [
            {"name": container["name"], "lastStatus": "STOPPED", "exitCode": code}
            for container in task["containers"]
            if container["lastStatus"] != "STOPPED"
            and (code := self._runtime.exit_code(self.place(container["name"]))) is not None
        ]
        return _merged(task["containers"], news, "") if news else None

    def stop(self, task: Document, longest_grace_seconds: float | None = None) -> None:
        """Stop all of them, each with its own stop timeout."""
        for container in task["_"]["definition"]["containers"]:
            seconds = self._world.clock.seconds(container.get("stopTimeout") or STOP_SECONDS, SHORTEST_GRACE_SECONDS)
            place = self.place(container["name"])
            if self._runtime.found(place):
                self._runtime.stop(place, min(seconds, longest_grace_seconds or seconds))

    def ended(self, task: Document) -> list[Document]:
        """How the containers look now that they have ended."""
        known = []
        for container in task["containers"]:
            place = self.place(container["name"])
            told: Document = {"name": container["name"], "lastStatus": "STOPPED"}
            if self._runtime.found(place):
                told["exitCode"] = self._runtime.exit_code(place)
            elif task.get("stopCode") == "TaskFailedToStart":
                told["reason"] = task["stoppedReason"]
            known.append(told)
        return _merged(task["containers"], known, "")

    def ship_logs(self, task: Document, to_the_end: bool = False) -> None:
        """Send what they wrote since the last time to their log streams, every few seconds and at the end."""
        if time.monotonic() < self._ship_at and not to_the_end:
            return
        self._ship_at = time.monotonic() + SHIP_SECONDS
        for container in task["_"]["definition"]["containers"]:
            name, stream = container["name"], log_stream(self._world, task, container)
            offset = task["_"]["offsets"].get(name, 0)
            output = self._runtime.output(self.place(name), offset) if stream else b""
            if stream and output:
                try:
                    shipped = stream.write(output, to_the_end)
                except ClientError as error:
                    self._world.log.warning("logs of %s are lost: %s", name, error)
                    shipped = len(output)
                self._remember(name, offset + shipped)

    def remove(self, task: Document) -> None:
        """Remove what is left of them."""
        for container in task["_"]["definition"]["containers"]:
            self._runtime.remove(self.place(container["name"]))

    def _remember(self, name: str, offset: int) -> None:
        def change(task: Document) -> None:
            task["_"]["offsets"][name] = offset

        self._world.store.update(TASK, self._arn, change)


def _merged(containers: list[Document], told: list[Document], address: str) -> list[Document]:
    news = {entry["name"]: entry for entry in told}
    interfaces = {"networkInterfaces": [{"privateIpv4Address": address}]} if address else {}
    return [{**container, **interfaces, **news.get(container["name"], {})} for container in containers]
