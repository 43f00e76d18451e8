"""An STS that answers AssumeRole with one error, or with a role's keys, for a connection that names a role."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs

import pytest

ROLE = "arn:aws:iam::123456789012:role/deployer"
GIVEN = """<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ROLE</AccessKeyId>
<SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>
</Credentials></AssumeRoleResult></AssumeRoleResponse>"""


@contextmanager
def answering(
    monkeypatch: pytest.MonkeyPatch, status: int = 200, code: str = ""
) -> Iterator[list[dict[str, list[str]]]]:
    """Let aws_default assume a role, which STS does not give if there is a `code`; yields each request's parameters."""
    asked: list[dict[str, list[str]]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(asked, status, code))
    Thread(target=server.serve_forever, daemon=True).start()
    extra = {"region_name": "eu-west-1", "role_arn": ROLE, "config_kwargs": {"retries": {"total_max_attempts": 1}}}
    told = {"conn_type": "aws", "login": "key", "password": "secret", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(told))
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    yield asked
    server.shutdown()
    server.server_close()


def _handler(asked: list[dict[str, list[str]]], status: int, code: str) -> type[BaseHTTPRequestHandler]:
    refused = f"<ErrorResponse><Error><Code>{code}</Code><Message>told</Message></Error></ErrorResponse>"

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            body = (refused if code else GIVEN).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    return Handler
