"""A stand-in for CodeBuild, and for an SQS queue that EventBridge feeds with the starts and ends of its builds.

A build's id tells when it ends: `timer:<second>`, or `held:<share>`, that share of the way through the ends that the
service is told of when all builds wait. StartBuild starts a held one, whose project is named by the share.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import inf
from typing import Any

EVENT_SECONDS = 0.1
"""How long EventBridge takes to tell of a start or an end."""
MESSAGES_AT_ONCE = 10


def build(build_id: str, end: float) -> dict[str, Any]:
    over = time.time() >= end
    return {
        "id": build_id,
        "arn": _arn(build_id),
        "buildStatus": "SUCCEEDED" if over else "IN_PROGRESS",
        "buildComplete": over,
        "phases": [],
    }


def _arn(build_id: str) -> str:
    return f"arn:aws:codebuild:eu-west-1:123456789012:build/{build_id}"


class Queue:
    """The starts and ends of all builds that were ever asked for, each once; a build starts when it is first asked for.

    `silent_after`: only so many builds are told of, as if EventBridge's rule were gone then.
    """

    def __init__(self, silent_after: float) -> None:
        self._silent_after = silent_after
        self._coming: dict[tuple[str, str], float] = {}
        self._known: set[str] = set()
        self._changed = threading.Condition()

    def expect(self, build_ids: list[str]) -> None:
        with self._changed:
            for build_id in set(build_ids) - self._known:
                self._known.add(build_id)
                if len(self._known) <= self._silent_after:
                    self._coming[build_id, "IN_PROGRESS"] = time.time() + EVENT_SECONDS
                    self._coming[build_id, "SUCCEEDED"] = float(build_id.partition(":")[2]) + EVENT_SECONDS
            self._changed.notify_all()

    def receive(self, wait_seconds: float) -> list[dict[str, str]]:
        """What EventBridge has told by now, or the first that it tells within the long poll."""
        until = time.time() + wait_seconds
        with self._changed:
            while not (told := [each for each, at in self._coming.items() if at <= time.time()]):
                next_at = min([until, *self._coming.values()])
                if time.time() >= until:
                    return []
                self._changed.wait(max(0.001, next_at - time.time()))
            for each in told[:MESSAGES_AT_ONCE]:
                del self._coming[each]
        return [_message(*each) for each in told[:MESSAGES_AT_ONCE]]


def _message(build_id: str, status: str) -> dict[str, str]:
    detail = {"build-id": _arn(build_id), "build-status": status}
    event = {"source": "aws.codebuild", "detail-type": "CodeBuild Build State Change", "detail": detail}
    name = f"{build_id}/{status}"
    return {"MessageId": name, "ReceiptHandle": name, "Body": json.dumps(event)}


class Service(ThreadingHTTPServer):
    """Both services at one address, with room for a connection of every wait.

    `called`: when, for every call; `looked`: for those that asked for builds. `started`: the held builds, in their
    order. `told`: when each build's end was told the first time. `held`: between which two moments the builds end that
    wait for it, None as long as they go on.
    """

    request_queue_size = 1024
    daemon_threads = True

    def __init__(self, port: int = 0, silent_after: float = inf) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.called: list[float] = []
        self.looked: list[float] = []
        self.started: list[str] = []
        self.told: dict[str, float] = {}
        self.held: tuple[float, float] | None = None
        self.queue = Queue(silent_after)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who is stopped while it asks hangs up: that is no error."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def end_of(self, build_id: str) -> float:
        kind, _, number = build_id.partition(":")
        if kind == "timer":
            return float(number)
        return self.held[0] + float(number) * (self.held[1] - self.held[0]) if self.held else inf

    def start(self, share: str) -> dict[str, Any]:
        self.started.append(f"held:{share}")
        return build(self.started[-1], inf)

    def builds(self, ids: list[str]) -> list[dict[str, Any]]:
        self.looked.append(time.time())
        found = [build(build_id, self.end_of(build_id)) for build_id in ids]
        for each in found:
            if each["buildComplete"]:
                self.told.setdefault(each["id"], time.time())
        return found


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Service

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.called.append(time.time())
        body = json.dumps(self._answer(self.headers["X-Amz-Target"].partition(".")[2], asked)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _answer(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        if operation == "ReceiveMessage":
            return {"Messages": self.server.queue.receive(float(asked["WaitTimeSeconds"]))}
        if operation == "DeleteMessageBatch":
            return {"Successful": [{"Id": each["Id"]} for each in asked["Entries"]], "Failed": []}
        if operation == "StartBuild":
            return {"build": self.server.start(asked["projectName"])}
        self.server.queue.expect([each for each in asked["ids"] if each.startswith("timer:")])
        return {"builds": self.server.builds(asked["ids"])}

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: a line a poll is noise."""


def serve(port: int) -> Service:
    return Service(port)
