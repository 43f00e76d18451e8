"""What GitHub tells of a push. See "Webhook events and payloads" in its documentation."""

from __future__ import annotations

from typing import Any

from airdock.plan.push import (
    HEADS,
    Event,
    Kind,
    Push,
    Repository,
    Unconcerning,
    addresses_of,
    commit_or_none,
    kind_of,
)
from airdock.plan.push_fields import field, full_ref, identity, line, many, paths, sound_ref, text, text_or_empty

MOST_COMMITS = 2048
"""A push payload lists no more commits than these."""
MOST_FILES = 3000
"""Of a commit no more files are listed than these."""
NEWS = ("opened", "reopened", "synchronize")
"""What happens to a pull request when its commits change."""


def event(name: str, delivery: str, message: dict[str, Any]) -> Event:
    """The pushes in a message of the event `name`.

    Raises:
        Refused: the message is not what GitHub documents.
    """
    if name == "ping":
        return Unconcerning("GitHub tries whether somebody listens", greeting=True)
    if name == "push":
        return _push(delivery, message)
    if name == "pull_request":
        return _pull_request(delivery, message)
    return Unconcerning(f"the event {line(name)!r} starts no delivery")


def _push(delivery: str, message: dict[str, Any]) -> Event:
    ref = full_ref(message, "ref")
    kind = kind_of(ref)
    if kind is None:
        return Unconcerning(f"{ref} is neither a branch nor a tag")
    before, after = commit_or_none(text(message, "before")), commit_or_none(text(message, "after"))
    commit = _commit(message, kind, after)
    pusher, subject = (
        line(text_or_empty(message, "pusher", "name")),
        line(text_or_empty(message, "head_commit", "message")),
    )
    repository = _repository(field(message, "repository"))
    return (Push("github", delivery, repository, kind, ref, before, commit, _files(message), pusher, subject),)


def _commit(message: dict[str, Any], kind: Kind, after: str) -> str:
    """Of an annotated tag `after` is the tag object; the commit is in `head_commit`."""
    return commit_or_none(text(message, "head_commit", "id")) if kind is Kind.TAG and after else after


def _files(message: dict[str, Any]) -> tuple[str, ...] | None:
    """What the commits say they changed; None when that may be less than what differs between before and after."""
    commits = many(message, "commits")
    if field(message, "forced") or field(message, "created") or not 0 < len(commits) < MOST_COMMITS:
        return None
    listed = [_files_of(commit) for commit in commits]
    if not all(each is not None and len(each) < MOST_FILES for each in listed):
        return None
    return paths([path for each in listed for path in each or ()])


def _files_of(commit: Any) -> list[Any] | None:
    listed = [field(commit, change) for change in ("added", "modified", "removed")]
    return [path for each in listed for path in each] if all(isinstance(each, list) for each in listed) else None


def _pull_request(delivery: str, message: dict[str, Any]) -> Event:
    if field(message, "action") not in NEWS:
        return Unconcerning("only new commits in a pull request can start a delivery")
    told = field(message, "pull_request")
    base = _repository(field(told, "base", "repo"))
    fork = field(told, "head", "repo", "id") != field(told, "base", "repo", "id")
    push = Push(
        "github",
        delivery,
        Repository(base.id, base.name, base.addresses, fork),
        Kind.PULL_REQUEST,
        sound_ref(HEADS + text(told, "base", "ref")),
        commit_or_none(text(told, "base", "sha")),
        commit_or_none(text(told, "head", "sha")),
        None,
        line(text_or_empty(told, "user", "login")),
        line(text_or_empty(told, "title")),
    )
    return (push,)


def _repository(told: Any) -> Repository:
    urls = [text_or_empty(told, key) for key in ("html_url", "clone_url", "ssh_url")]
    return Repository(
        identity(told, "id"), text(told, "full_name"), addresses_of(*urls), field(told, "fork") is not False
    )
