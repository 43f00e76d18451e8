"""A stand-in for CodeBuild that answers BatchGetBuilds from the build's id alone: `timer:<second at which it ends>`."""

from __future__ import annotations

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def build(build_id: str) -> dict[str, Any]:
    over = time.time() >= float(build_id.partition(":")[2])
    return {
        "id": build_id,
        "arn": f"arn:aws:codebuild:eu-west-1:123456789012:build/{build_id}",
        "buildStatus": "SUCCEEDED" if over else "IN_PROGRESS",
        "buildComplete": over,
        "phases": [],
    }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps({"builds": [build(build_id) for build_id in asked["ids"]]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: a line a poll is noise."""


def serve(port: int) -> ThreadingHTTPServer:
    return ThreadingHTTPServer(("127.0.0.1", port), Handler)
