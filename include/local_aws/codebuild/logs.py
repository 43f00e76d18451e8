"""A build's log, in CloudWatch Logs while the build runs."""

from __future__ import annotations

import threading
from typing import Any

from local_aws.world import World

FLUSH_SECONDS = 0.3
LARGEST_BATCH = 1000


class BuildLog:
    """The stream of one build; lines are sent in batches by a thread of its own."""

    def __init__(self, of: World, group: str, stream: str) -> None:
        self._world, self._group, self._stream = of, group, stream
        self._client = of.client("logs", "codebuild")
        self._lines: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._closed = threading.Event()
        for create, names in (
            (self._client.create_log_group, {"logGroupName": group}),
            (self._client.create_log_stream, {"logGroupName": group, "logStreamName": stream}),
        ):
            try:
                create(**names)
            except self._client.exceptions.ResourceAlreadyExistsException:
                continue
        self._thread = of.threads.spawn(f"log-{stream[:8]}", self._send_on)

    def line(self, text: str) -> None:
        at = int(self._world.clock.now().timestamp() * 1000)
        with self._lock:
            self._lines.append({"timestamp": at, "message": text + "\n"})

    def close(self) -> None:
        """Send what is left."""
        self._closed.set()
        self._thread.join()
        self._send()

    def _send_on(self) -> None:
        while not self._closed.wait(FLUSH_SECONDS) and not self._world.threads.stopping.is_set():
            self._send()

    def _send(self) -> None:
        with self._lock:
            lines, self._lines = self._lines, []
        for begin in range(0, len(lines), LARGEST_BATCH):
            self._client.put_log_events(
                logGroupName=self._group, logStreamName=self._stream, logEvents=lines[begin : begin + LARGEST_BATCH]
            )
