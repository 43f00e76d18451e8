"""What GitLab tells of a push. See "Webhook events" in its documentation."""

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
from airdock.plan.push_fields import field, full_ref, identity, line, sound_ref, text, text_or_empty

PUSHES = ("Push Hook", "Tag Push Hook", "System Hook")
OPENED = ("open", "reopen")


def event(name: str, delivery: str, message: dict[str, Any]) -> Event:
    """The pushes in a message of the event `name`.

    Raises:
        Refused: the message is not what GitLab documents.
    """
    kind = field(message, "object_kind")
    if name in PUSHES and kind in ("push", "tag_push"):
        return _push(delivery, message)
    if name == "Merge Request Hook" and kind == "merge_request":
        return _merge_request(delivery, message)
    return Unconcerning(f"the event {line(name)!r} starts no delivery")


def _push(delivery: str, message: dict[str, Any]) -> Event:
    """The commits list is no list of what changed: it ends after 20, and a forced push is not told apart."""
    ref = full_ref(message, "ref")
    kind = kind_of(ref)
    if kind is None:
        return Unconcerning(f"{ref} is neither a branch nor a tag")
    before, after = commit_or_none(text(message, "before")), commit_or_none(text(message, "after"))
    # Of an annotated tag `after` is the tag object; the commit is the one that would be checked out.
    commit = commit_or_none(text(message, "checkout_sha")) if after and kind is Kind.TAG else after
    pusher, subject = line(text_or_empty(message, "user_username")), line(_subject(message, after))
    return (Push("gitlab", delivery, _project(message), kind, ref, before, commit, None, pusher, subject),)


def _subject(message: dict[str, Any], after: str) -> str:
    commits = field(message, "commits")
    found = [each for each in commits if field(each, "id") == after] if isinstance(commits, list) else []
    return text_or_empty(found[0], "message") if found else ""


def _merge_request(delivery: str, message: dict[str, Any]) -> Event:
    told = field(message, "object_attributes")
    # `update` without `oldrev` is a change of title, labels or reviewers.
    changed = field(told, "action") in OPENED or (field(told, "action") == "update" and field(told, "oldrev"))
    if not changed:
        return Unconcerning("only new commits in a merge request can start a delivery")
    project = _project(message)
    fork = field(told, "source_project_id") != field(told, "target_project_id")
    push = Push(
        "gitlab",
        delivery,
        Repository(project.id, project.name, project.addresses, fork),
        Kind.PULL_REQUEST,
        sound_ref(HEADS + text(told, "target_branch")),
        "",
        commit_or_none(text(told, "last_commit", "id")),
        None,
        line(text_or_empty(message, "user", "username")),
        line(text_or_empty(told, "title")),
    )
    return (push,)


def _project(message: dict[str, Any]) -> Repository:
    """GitLab does not say whether a project is a fork: each project has webhooks and secrets of its own."""
    told = field(message, "project")
    urls = [text_or_empty(told, key) for key in ("web_url", "git_http_url", "git_ssh_url")]
    return Repository(identity(told, "id"), text(told, "path_with_namespace"), addresses_of(*urls))
