"""Smart HTTP by git's own http-backend; after a push, the event that CodeCommit would send.

Anybody on this machine may push and fetch, the port being bound to the loopback address, unless
`LOCAL_AWS_GIT_CREDENTIALS=user:password` asks for a login.
"""

from __future__ import annotations

import hmac
import os
import re
import subprocess
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

from local_aws.codecommit import repositories
from local_aws.world import World, world

PREFIX = "/git/v1/repos/"
_REST = r"/(?:info/refs|HEAD|git-(?:upload|receive)-pack)"
_PATH = re.compile(rf"{re.escape(PREFIX)}(?P<name>[\w.-]+?)(?:\.git)?(?P<rest>{_REST})")
_CHUNK = 64 * 1024


def serve_git(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer one request of a git client."""
    found = _PATH.fullmatch(environ.get("PATH_INFO", ""))
    if found is None or not repositories.known(found["name"]):
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"there is no such repository in the local AWS\n"]
    if not _signed_in(environ):
        start_response("401 Unauthorized", [("WWW-Authenticate", 'Basic realm="local AWS"')])
        return [b"LOCAL_AWS_GIT_CREDENTIALS asks for a login\n"]
    before = repositories.refs(found["name"]) if found["rest"] == "/git-receive-pack" else None
    backend = _backend(environ, found["name"], found["rest"])
    assert backend.stdin and backend.stdout
    _feed(environ, backend.stdin)
    status, headers = _head(backend.stdout)
    start_response(status, headers)
    return _rest(backend, found["name"], before)


def login() -> str:
    """The value of the Authorization header that this server wants, "" for none."""
    credentials = os.environ.get("LOCAL_AWS_GIT_CREDENTIALS", "")
    return f"Basic {b64encode(credentials.encode()).decode()}" if credentials else ""


def _signed_in(environ: Mapping[str, Any]) -> bool:
    wanted, given = login(), str(environ.get("HTTP_AUTHORIZATION", ""))
    return not wanted or hmac.compare_digest(given.encode(), wanted.encode())


def _backend(environ: Mapping[str, Any], name: str, rest: str) -> subprocess.Popen[bytes]:
    """git http-backend(1), a CGI program."""
    state = world().settings.state_dir
    passed = ("REQUEST_METHOD", "QUERY_STRING", "CONTENT_TYPE", "HTTP_CONTENT_ENCODING", "HTTP_GIT_PROTOCOL")
    cgi = {key: environ[key] for key in passed if environ.get(key)}
    if "HTTP_GIT_PROTOCOL" in cgi:
        cgi["GIT_PROTOCOL"] = cgi.pop("HTTP_GIT_PROTOCOL")
    settings = {
        "PATH": os.environ["PATH"],
        "HOME": str(state),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_PROJECT_ROOT": str(state / "git"),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{name}.git{rest}",
        "REMOTE_USER": "local",
        "REMOTE_ADDR": str(environ.get("REMOTE_ADDR", "")),
    }
    command = ["git", "http-backend"]
    return subprocess.Popen(  # noqa: S603 - our own argv
        command, env={**cgi, **settings}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def _feed(environ: Mapping[str, Any], stdin: IO[bytes]) -> None:
    source, left = environ["wsgi.input"], int(environ.get("CONTENT_LENGTH") or -1)
    endless = bool(environ.get("wsgi.input_terminated")) and left < 0
    with stdin:
        while endless or left > 0:
            chunk = source.read(_CHUNK if endless else min(left, _CHUNK))
            if not chunk:
                return
            left -= len(chunk)
            stdin.write(chunk)


def _head(stdout: IO[bytes]) -> tuple[str, list[tuple[str, str]]]:
    status, headers = "200 OK", []
    for line in iter(stdout.readline, b""):
        text = line.decode("latin-1").strip()
        if not text:
            break
        name, _, value = text.partition(":")
        if name.lower() == "status":
            status = value.strip()
        else:
            headers.append((name, value.strip()))
    return status, headers


def _rest(backend: subprocess.Popen[bytes], name: str, before: dict[str, str] | None) -> Iterator[bytes]:
    assert backend.stdout
    with backend.stdout:
        held = b""
        for chunk in iter(lambda: backend.stdout.read(_CHUNK), b""):  # type: ignore[union-attr]
            # The client takes the last bytes for the end of its push: the event goes out before them.
            yield held
            held = chunk
    backend.wait()
    if before is not None:
        _tell(world(), name, before, repositories.refs(name))
    yield held


def _tell(of: World, name: str, before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """ "CodeCommit Repository State Change" for each ref that moved, and an effect for the tests."""
    for ref in sorted(before.keys() | after.keys()):
        old, new = before.get(ref), after.get(ref)
        if old == new:
            continue
        event = "referenceDeleted" if new is None else "referenceUpdated" if old else "referenceCreated"
        detail = _detail(of, name, ref, event, old, new)
        arn = f"arn:aws:codecommit:{of.settings.region}:{of.settings.account}:{name}"
        of.effects.record("codecommit", "push", "git", {"repository": name, "ref": ref, "before": old, "after": new})
        of.events.emit("aws.codecommit", "CodeCommit Repository State Change", detail, [arn])


def _detail(of: World, name: str, ref: str, event: str, old: str | None, new: str | None) -> dict[str, Any]:
    kind = "tag" if ref.startswith("refs/tags/") else "branch"
    known = repositories.known(name) or {}
    detail = {
        "event": event,
        "repositoryName": name,
        "repositoryId": known.get("id", ""),
        "referenceType": kind,
        "referenceName": ref.split("/", 2)[-1],
        "referenceFullName": ref,
        "callerUserArn": f"arn:aws:iam::{of.settings.account}:user/local",
        "commitId": new or old,
    }
    return {**detail, "oldCommitId": old} if old and new else detail
