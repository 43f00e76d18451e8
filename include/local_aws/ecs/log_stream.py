"""The awslogs driver: what a container writes goes to CloudWatch Logs, line by line."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from local_aws.ecs.records import Document, last, region_of
from local_aws.ecs.start_plan import ResourceInitializationError
from local_aws.world import World

_MOST_LINES = 1000
_MOST_CHARACTERS = 250_000


class LogStream:
    """One container's stream."""

    def __init__(self, world: World, task: Document, container: Document) -> None:
        options = container["logConfiguration"].get("options") or {}
        self._world = world
        self._options = options
        region = options.get("awslogs-region") or region_of(task["taskArn"])
        self._logs: Any = world.client("logs", "ecs", region)
        self.group = options.get("awslogs-group", "")
        prefix = options.get("awslogs-stream-prefix")
        task_name = last(task["taskArn"])
        self.name = f"{prefix}/{container['name']}/{task_name}" if prefix else task_name

    def create(self) -> None:
        """Create the stream, and the group when the options say so.

        Raises ResourceInitializationError.
        """
        try:
            if self._options.get("awslogs-create-group") == "true":
                self._once(self._logs.create_log_group, logGroupName=self.group)
            self._once(self._logs.create_log_stream, logGroupName=self.group, logStreamName=self.name)
        except ClientError as error:
            raise ResourceInitializationError(
                "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: "
                f"failed to create Cloudwatch log stream: {error} : exit status 1"
            ) from error

    def write(self, output: bytes, to_the_end: bool) -> int:
        """Ship whole lines, the rest too at the end; how many bytes are shipped."""
        whole = len(output) if to_the_end else output.rfind(b"\n") + 1
        lines = [line for line in output[:whole].decode(errors="replace").splitlines() if line]
        moment = int(self._world.clock.now().timestamp() * 1000)
        for first in range(0, len(lines), _MOST_LINES):
            chunk = lines[first : first + _MOST_LINES]
            events = [{"timestamp": moment, "message": line[:_MOST_CHARACTERS]} for line in chunk]
            self._logs.put_log_events(logGroupName=self.group, logStreamName=self.name, logEvents=events)
        return whole

    def _once(self, create: Any, **names: str) -> None:
        try:
            create(**names)
        except self._logs.exceptions.ResourceAlreadyExistsException:
            return


def log_stream(world: World, task: Document, container: Document) -> LogStream | None:
    """The container's stream, None when it logs elsewhere."""
    driver = (container.get("logConfiguration") or {}).get("logDriver")
    return LogStream(world, task, container) if driver == "awslogs" else None
