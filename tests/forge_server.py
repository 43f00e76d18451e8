"""A forge for tests: a real HTTP server that answers as the forges' documents say, and badly when it is told to."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

Reply = tuple[int, Any]


@dataclass
class Sent:
    """A request that the forge got."""

    method: str
    path: str
    body: Any
    authorization: str


@dataclass
class ForgeServer:
    """What GitHub, GitLab and Bitbucket keep of a repository; `badly` holds what becomes of the next requests.

    A number is answered as a status, with the token in its message; "hang" lasts until the end of the test; "cut" is no
    answer at all; "lose" does what is asked and cuts the answer; "redirect", "huge" and "garbage" say themselves.
    """

    port: int = 0
    requests: list[Sent] = field(default_factory=list)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    deployments: list[dict[str, Any]] = field(default_factory=list)
    badly: list[int | str] = field(default_factory=list)
    over: Event = field(default_factory=Event)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def repository(self, name: str = "acme/greeter") -> str:
        """The address that git would have."""
        return f"{self.origin}/{name}.git"

    def states(self, name: str = "state") -> list[str]:
        """The states of the commit, one after the other."""
        return [str(each[name]) for each in self.statuses]

    def does(self, sent: Sent) -> Reply:
        """The answer of whichever forge has such a path."""
        path = urlsplit(sent.path).path
        for form, answer in _ANSWERS:
            if found := re.fullmatch(form, f"{sent.method} {path}"):
                return answer(self, sent, *found.groups())
        return 404, {"message": "Not Found"}


def _github_status(forge: ForgeServer, sent: Sent, sha: str) -> Reply:
    forge.statuses.append({**sent.body, "sha": sha})
    return 201, {"id": len(forge.statuses), **sent.body}


def _github_deployments(forge: ForgeServer, sent: Sent) -> Reply:
    asked = {key: values[0] for key, values in parse_qs(urlsplit(sent.path).query).items()}
    known = [each for each in forge.deployments if (each["sha"], each["environment"]) == _wanted(asked)]
    return 200, known[::-1]


def _wanted(asked: dict[str, str]) -> tuple[str, str]:
    return asked["sha"], asked["environment"]


def _github_deploy(forge: ForgeServer, sent: Sent) -> Reply:
    if sent.body.get("required_contexts") != []:
        return 409, {"message": "Conflict: Commit status checks failed for main."}
    made = {"id": 100 + len(forge.deployments), "sha": sent.body["ref"], "statuses": [], **sent.body}
    forge.deployments.append(made)
    return 201, made


def _github_deployment_status(forge: ForgeServer, sent: Sent, id: str) -> Reply:
    [deployment] = [each for each in forge.deployments if each["id"] == int(id)]
    deployment["statuses"].append(sent.body)
    return 201, sent.body


def _gitlab_status(forge: ForgeServer, sent: Sent, sha: str) -> Reply:
    if forge.statuses and forge.statuses[-1]["state"] == sent.body["state"] == "pending":
        return 400, {"message": "Cannot transition status via :enqueue from :pending"}
    return _github_status(forge, sent, sha)


def _gitlab_deployments(forge: ForgeServer, sent: Sent) -> Reply:
    asked = parse_qs(urlsplit(sent.path).query)
    known = [each for each in forge.deployments if each["status"] == asked["status"][0]]
    return 200, [each for each in known[::-1] if each["environment"] == asked["environment"][0]]


def _gitlab_deploy(forge: ForgeServer, sent: Sent) -> Reply:
    made = {"id": 100 + len(forge.deployments), "statuses": [sent.body["status"]], **sent.body}
    forge.deployments.append(made)
    return 201, made


def _gitlab_change(forge: ForgeServer, sent: Sent, id: str) -> Reply:
    [deployment] = [each for each in forge.deployments if each["id"] == int(id)]
    deployment["statuses"].append(sent.body["status"])
    deployment["status"] = sent.body["status"]
    return 200, deployment


def _build(forge: ForgeServer, sent: Sent, sha: str) -> Reply:
    forge.statuses.append({**sent.body, "sha": sha})
    return 201, sent.body


_ANSWERS: list[tuple[str, Any]] = [
    (r"POST /api/v3/repos/acme/greeter/statuses/([0-9a-f]{40})", _github_status),
    (r"GET /api/v3/repos/acme/greeter/deployments", _github_deployments),
    (r"POST /api/v3/repos/acme/greeter/deployments", _github_deploy),
    (r"POST /api/v3/repos/acme/greeter/deployments/(\d+)/statuses", _github_deployment_status),
    (r"POST /api/v4/projects/acme%2Fgreeter/statuses/([0-9a-f]{40})", _gitlab_status),
    (r"GET /api/v4/projects/acme%2Fgreeter/deployments", _gitlab_deployments),
    (r"POST /api/v4/projects/acme%2Fgreeter/deployments", _gitlab_deploy),
    (r"PUT /api/v4/projects/acme%2Fgreeter/deployments/(\d+)", _gitlab_change),
    (r"POST /2.0/repositories/acme/greeter/commit/([0-9a-f]{40})/statuses/build", _build),
    (r"POST /rest/api/latest/projects/acme/repos/greeter/commits/([0-9a-f]{40})/builds", _build),
]


@contextmanager
def serving(certificate: Path | None = None) -> Iterator[ForgeServer]:
    """A ForgeServer on a free port of this host; over TLS with the file of a key and its certificate."""
    forge = ForgeServer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"forge": forge}))
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    forge.port = server.server_address[1]
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield forge
    forge.over.set()
    server.shutdown()
    server.server_close()


class _Handler(BaseHTTPRequestHandler):
    forge: ForgeServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        told = json.loads(body) if body else None
        sent = Sent(self.command, self.path, told, self.headers.get("Authorization", ""))
        self.forge.requests.append(sent)
        how = self.forge.badly.pop(0) if self.forge.badly else "well"
        if how == "well":
            return self._answer(*self.forge.does(sent))
        return self._badly(how, sent)

    do_GET = do_PUT = do_POST

    def log_message(self, *_arguments: object) -> None:
        """Tests look at `requests` instead."""

    def _badly(self, how: int | str, sent: Sent) -> None:
        match how:
            case int():
                return self._answer(how, {"message": f"not with {sent.authorization}"})
            case "redirect":
                return self._answer(302, {}, Location=f"{self.forge.origin}/elsewhere")
            case "huge":
                return self._answer(200, "x" * 5_000_000)
            case "garbage":
                return self._answer(201, "no JSON")
            case "hang":
                self.forge.over.wait(60)
            case "lose":
                self.forge.does(sent)
        self.close_connection = True
        self.connection.close()
        return None

    def _answer(self, status: int, told: Any, **headers: str) -> None:
        content = told.encode() if isinstance(told, str) else json.dumps(told).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(content)
        except OSError:
            self.close_connection = True
