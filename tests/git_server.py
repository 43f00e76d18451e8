"""A real git server over HTTP for tests: git's own http-backend behind a thread, with an optional password."""

import base64
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

PERSON = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
    "GIT_COMMITTER_DATE": "2026-01-02T03:04:05Z",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


@dataclass
class GitServer:
    """Serves the bare repositories in `root`; `requests` holds each request's path and authorization."""

    root: Path
    port: int = 0
    password: str = ""
    old: bool = False
    """Whether it speaks git's first protocol only and leaves nothing out, as some forges do."""
    redirect_to: str = ""
    requests: list[tuple[str, str]] = field(default_factory=list)
    sent_bytes: int = 0
    """Of all answers' bodies."""

    def url(self, name: str = "app") -> str:
        return f"http://127.0.0.1:{self.port}/{name}.git"

    def push(self, work_tree: Path, name: str = "app") -> str:
        """Make what is in `work_tree` the newest commit of `main`; returns its id."""
        bare = self.root / f"{name}.git"
        if not bare.exists():
            git(self.root, "init", "-q", "--bare", "-b", "main", str(bare))
            git(bare, "config", "uploadpack.allowFilter", "true")
        if not (work_tree / ".git").exists():
            git(work_tree, "init", "-q", "-b", "main")
        git(work_tree, "add", "-A", "-f")
        git(work_tree, "commit", "-q", "--allow-empty", "-m", "Say hello\n\nwith care")
        git(work_tree, "push", "-q", "--force", "--tags", str(bare), "HEAD:main")
        return git(work_tree, "rev-parse", "HEAD").strip()


def git(folder: Path, *arguments: str) -> str:
    """The output of a git command as a developer would run it."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), **PERSON}
    command = ["git", "-c", "protocol.file.allow=always", *arguments]
    return subprocess.run(command, cwd=folder, env=environ, check=True, capture_output=True, text=True).stdout


@contextmanager
def serving(root: Path) -> Iterator[GitServer]:
    """A GitServer on a free port of this host."""
    state = GitServer(root)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"state": state}))
    state.port = server.server_address[1]
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield state
    server.shutdown()
    server.server_close()


class _Handler(BaseHTTPRequestHandler):
    state: GitServer

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.state.requests.append((self.path, self.headers.get("Authorization", "")))
        if self.state.redirect_to:
            return self._answer(302, [("Location", self.state.redirect_to + self.path)], b"")
        if self.state.password and self._given_password() != self.state.password:
            return self._answer(401, [("WWW-Authenticate", 'Basic realm="git"')], b"")
        return self._backend(body)

    do_POST = do_GET

    def log_message(self, *_arguments: object) -> None:
        """Tests look at `requests` instead."""

    def _given_password(self) -> str:
        _, _, token = self.headers.get("Authorization", "").partition(" ")
        return base64.b64decode(token).decode().partition(":")[2]

    def _backend(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        environ = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.state.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_PROTOCOL": "" if self.state.old else self.headers.get("Git-Protocol", ""),
            "GIT_CONFIG_COUNT": "1" if self.state.old else "0",
            "GIT_CONFIG_KEY_0": "uploadpack.allowFilter",
            "GIT_CONFIG_VALUE_0": "false",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }
        told = subprocess.run(["git", "http-backend"], input=body, env=environ, capture_output=True, check=False).stdout
        head, _, content = told.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        status = int(headers.pop("Status", "200").split()[0])
        self._answer(status, list(headers.items()), content)

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response(status)
        for name, value in [*headers, ("Content-Length", str(len(content)))]:
            self.send_header(name, value)
        self.end_headers()
        self.state.sent_bytes += len(content)
        self.wfile.write(content)
