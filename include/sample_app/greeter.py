"""A small web service: a page that tells which version answers, its health, and its version as JSON."""

from __future__ import annotations

import html
import json
import os
import signal
import sys
import threading
import urllib.request
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

VERSION = "1.0.0"
HERE = Path(__file__).parent

PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Greeter {version}</title></head>
<body style="font: 1.2rem system-ui; margin: 4rem auto; max-width: 32rem">
<h1>{greeting}</h1>
<p>This is version <strong>{version}</strong>, built from commit <code>{commit}</code>.</p>
</body>
</html>
"""


def greeting() -> str:
    """What the page says first."""
    return "Hello!"


def commit() -> str:
    """The commit that this was built from; the build writes it beside the program."""
    written = HERE / "commit"
    return written.read_text().strip() if written.exists() else "unknown"


def page() -> str:
    """The page that people see."""
    return PAGE.format(greeting=html.escape(greeting()), version=VERSION, commit=html.escape(commit()))


class Greeter(BaseHTTPRequestHandler):
    """Answers `/`, `/health` and `/version`; every answer names the version in a header."""

    protocol_version = "HTTP/1.1"
    timeout = 75  # longer than a balancer keeps an idle connection, so that the balancer is the one to close it
    wbufsize = -1  # head and body leave in one packet
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        try:
            status, kind, body = self.answer(self.path.partition("?")[0])
        except Exception as error:
            self.log_error("%s failed: %r", self.path, error)
            status, kind, body = HTTPStatus.INTERNAL_SERVER_ERROR, "text/plain", "Something went wrong here.\n"
        self.reply(status, kind, body.encode())

    def answer(self, path: str) -> tuple[HTTPStatus, str, str]:
        """Status, content type and body for a path."""
        if path == "/":
            return HTTPStatus.OK, "text/html", page()
        if path == "/health":
            return HTTPStatus.OK, "application/json", json.dumps({"status": "ok"})
        if path == "/version":
            return HTTPStatus.OK, "application/json", json.dumps({"version": VERSION, "commit": commit()})
        return HTTPStatus.NOT_FOUND, "text/plain", "There is no such page.\n"

    def reply(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Greeter-Version", VERSION)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        if not self.path.startswith("/health"):
            super().log_message(format, *args)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def serve(host: str, port: int) -> None:
    """Serve until SIGTERM, which is what ECS sends first."""
    server = Server((host, port), Greeter)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"greeter {VERSION} listens on {host}:{port}", flush=True)
    server.serve_forever(poll_interval=0.2)
    server.server_close()


def check(host: str, port: int) -> None:
    """The container's health check: raises unless the service that runs beside it answers."""
    asked = "127.0.0.1" if host == "0.0.0.0" else host
    with urllib.request.urlopen(f"http://{asked}:{port}/health", timeout=3) as answer:
        answer.read()


if __name__ == "__main__":
    action = check if sys.argv[1:] == ["check"] else serve
    action(os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "8080")))
