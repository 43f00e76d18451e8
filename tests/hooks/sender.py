"""Providers as they send: the recorded shapes in payloads/, signed with the secret that both sides know."""

from __future__ import annotations

import base64
import hmac
import json
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PAYLOADS = Path(__file__).parent / "payloads"
SECRET = "a-secret-of-this-test-alone"
COMMIT = "6f1f5cbbd2f5ba2e0ab1b1f9d0c3a2d4e5f60718"
BEFORE = "1d2c3b4a5968778695a4b3c2d1e0f00112233445"

EVENTS = {
    "github_pull_request": "pull_request",
    "github_pull_request_of_a_fork": "pull_request",
    "github_ping": "ping",
    "gitlab_tag": "Tag Push Hook",
    "gitlab_merge_request": "Merge Request Hook",
    "bitbucket_pull_request": "pullrequest:created",
    "bitbucket-data-center_ping": "diagnostics:ping",
    "bitbucket-data-center_pull_request": "pr:opened",
}
USUAL = {
    "github": "push",
    "gitlab": "Push Hook",
    "bitbucket": "repo:push",
    "bitbucket-data-center": "repo:refs_changed",
}

Sent = tuple[str, bytes, dict[str, str]]
"""Provider, body and headers."""


def payload(name: str) -> dict[str, Any]:
    """A recorded shape, such as github_push."""
    return dict(json.loads((PAYLOADS / f"{name}.json").read_text()))


def names() -> list[str]:
    return sorted(path.stem for path in PAYLOADS.glob("*.json"))


def sent(name: str, delivery: str = "", **changes: Any) -> Sent:
    """A message as its provider sends it, with parts of its payload changed."""
    body = json.dumps({**payload(name), **changes}).encode()
    return signed(name, body, delivery or str(uuid.uuid4()))


def signed(name: str, body: bytes, delivery: str, secret: str = SECRET) -> Sent:
    """Any body, in the way of the provider that `name` begins with."""
    provider = name.partition("_")[0]
    event = EVENTS.get(name, USUAL.get(provider, ""))
    return provider, body, {"Content-Type": "application/json", **_HEADERS[provider](event, body, delivery, secret)}


def by_token(name: str, body: bytes, delivery: str, secret: str = SECRET) -> Sent:
    """Any body as GitLab sends it where it knows a secret token, and signs nothing."""
    headers = {"X-Gitlab-Event": EVENTS.get(name, USUAL["gitlab"]), "X-Gitlab-Event-UUID": delivery}
    return "gitlab", body, {"Content-Type": "application/json", **headers, "X-Gitlab-Token": secret}


def _github(event: str, body: bytes, delivery: str, secret: str) -> Mapping[str, str]:
    return {"X-GitHub-Event": event, "X-GitHub-Delivery": delivery, "X-Hub-Signature-256": _hub(body, secret)}


def _gitlab(event: str, body: bytes, delivery: str, secret: str) -> Mapping[str, str]:
    return {"X-Gitlab-Event": event, **_standard("", body, delivery, secret)}


def _bitbucket(event: str, body: bytes, delivery: str, secret: str) -> Mapping[str, str]:
    return {"X-Event-Key": event, "X-Request-UUID": delivery, "X-Hub-Signature": _hub(body, secret)}


def _data_center(event: str, body: bytes, delivery: str, secret: str) -> Mapping[str, str]:
    return {"X-Event-Key": event, "X-Request-Id": delivery, "X-Hub-Signature": _hub(body, secret)}


def _standard(_event: str, body: bytes, delivery: str, secret: str) -> Mapping[str, str]:
    return standard(body, delivery, secret, int(time.time()))


def standard(body: bytes, delivery: str, secret: str, seconds: int) -> dict[str, str]:
    """The three headers of Standard Webhooks."""
    digest = hmac.digest(secret.encode(), f"{delivery}.{seconds}.".encode() + body, "sha256")
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {"webhook-id": delivery, "webhook-timestamp": str(seconds), "webhook-signature": signature}


def _aws(_event: str, _body: bytes, _delivery: str, secret: str) -> Mapping[str, str]:
    """EventBridge; the delivery id is in the body."""
    return {"X-Airdock-Token": secret}


def _hub(body: bytes, secret: str) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, "sha256").hexdigest()


_HEADERS = {
    "github": _github,
    "gitlab": _gitlab,
    "bitbucket": _bitbucket,
    "bitbucket-data-center": _data_center,
    "codecommit": _aws,
    "ecr": _aws,
    "generic": _standard,
}
