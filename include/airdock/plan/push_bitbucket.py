"""What Bitbucket Cloud and Bitbucket Data Center tell of a push. See "Event payloads" in Atlassian's documentation."""

from __future__ import annotations

from typing import Any

from airdock.plan.push import (
    HEADS,
    TAGS,
    Event,
    Kind,
    Push,
    Repository,
    Unconcerning,
    addresses_of,
    commit_or_none,
    kind_of,
    one_or_many,
)
from airdock.plan.push_fields import Malformed, field, full_ref, identity, line, many, sound_ref, text, text_or_empty

MOST_CHANGES = 100
PREFIX = {"branch": HEADS, "named_branch": HEADS, "tag": TAGS, "annotated_tag": TAGS}
"""Cloud gives bare names with their type."""
CLOUD_NEWS = ("pullrequest:created", "pullrequest:updated")
DATA_CENTER_NEWS = ("pr:opened", "pr:from_ref_updated")


def cloud_event(name: str, delivery: str, message: dict[str, Any]) -> Event:
    """The pushes in a message of Bitbucket Cloud.

    Raises:
        Refused: the message is not what Atlassian documents.
    """
    if name in CLOUD_NEWS:
        return _cloud_pull_request(delivery, message)
    if name != "repo:push":
        return Unconcerning(f"the event {line(name)!r} starts no delivery")
    changes = _few(many(message, "push", "changes"))
    repository = _cloud_repository(field(message, "repository"))
    pusher = line(text_or_empty(message, "actor", "nickname"))
    return tuple(
        _cloud_change(one_or_many(delivery, number, len(changes)), repository, pusher, change)
        for number, change in enumerate(changes)
    )


def _cloud_change(delivery: str, repository: Repository, pusher: str, change: Any) -> Push:
    new, old = field(change, "new"), field(change, "old")
    there = new or old
    kind = text(there, "type")
    if kind not in PREFIX:
        raise Malformed(f"{line(kind)!r} is neither a branch nor a tag")
    ref = sound_ref(PREFIX[kind] + text(there, "name"))
    before = commit_or_none(text(old, "target", "hash")) if old else ""
    after = commit_or_none(text(new, "target", "hash")) if new else ""
    subject = line(text_or_empty(new, "target", "message"))
    found = Kind.TAG if PREFIX[kind] == TAGS else Kind.BRANCH
    return Push("bitbucket", delivery, repository, found, ref, before, after, None, pusher, subject)


def _cloud_pull_request(delivery: str, message: dict[str, Any]) -> Event:
    told = field(message, "pullrequest")
    repository = _cloud_repository(field(message, "repository"))
    fork = text(told, "source", "repository", "uuid") != repository.id
    ref = sound_ref(HEADS + text(told, "destination", "branch", "name"))
    # Pull requests name commits by their first twelve digits: the branch leads to the whole of it.
    branch = sound_ref(HEADS + text(told, "source", "branch", "name"))
    where = Repository(repository.id, repository.name, repository.addresses, fork)
    pusher, subject = line(text_or_empty(message, "actor", "nickname")), line(text_or_empty(told, "title"))
    return (Push("bitbucket", delivery, where, Kind.PULL_REQUEST, ref, "", branch, None, pusher, subject),)


def _cloud_repository(told: Any) -> Repository:
    return Repository(
        text(told, "uuid"),
        text(told, "full_name"),
        addresses_of(text_or_empty(told, "links", "html", "href")),
        field(told, "parent") is not None,
    )


def data_center_event(name: str, delivery: str, message: dict[str, Any]) -> Event:
    """The pushes in a message of Bitbucket Data Center.

    Raises:
        Refused: the message is not what Atlassian documents.
    """
    if name == "diagnostics:ping":
        return Unconcerning("Bitbucket tries whether somebody listens", greeting=True)
    if name in DATA_CENTER_NEWS:
        return _data_center_pull_request(delivery, message)
    if name != "repo:refs_changed":
        return Unconcerning(f"the event {line(name)!r} starts no delivery")
    changes = _few(many(message, "changes"))
    pushes = [_data_center_change(delivery, message, number, len(changes)) for number in range(len(changes))]
    return tuple(push for push in pushes if push is not None)


def _data_center_change(delivery: str, message: dict[str, Any], number: int, count: int) -> Push | None:
    change = field(message, "changes", number)
    ref = full_ref(change, "ref", "id")
    kind = kind_of(ref)
    if kind is None:
        return None
    before, after = commit_or_none(text(change, "fromHash")), commit_or_none(text(change, "toHash"))
    if after and kind is Kind.TAG:
        # The hash of an annotated tag is the tag object's; its name leads to the commit.
        after = ref
    repository = _data_center_repository(field(message, "repository"))
    pusher = line(text_or_empty(message, "actor", "name"))
    named = one_or_many(delivery, number, count)
    return Push("bitbucket-data-center", named, repository, kind, ref, before, after, None, pusher)


def _data_center_pull_request(delivery: str, message: dict[str, Any]) -> Event:
    told = field(message, "pullRequest")
    target = _data_center_repository(field(told, "toRef", "repository"))
    fork = identity(told, "fromRef", "repository", "id") != target.id
    push = Push(
        "bitbucket-data-center",
        delivery,
        Repository(target.id, target.name, target.addresses, fork),
        Kind.PULL_REQUEST,
        full_ref(told, "toRef", "id"),
        commit_or_none(text(told, "toRef", "latestCommit")),
        commit_or_none(text(told, "fromRef", "latestCommit")),
        None,
        line(text_or_empty(message, "actor", "name")),
        line(text_or_empty(told, "title")),
    )
    return (push,)


def _data_center_repository(told: Any) -> Repository:
    links = field(told, "links", "clone")
    urls = [text_or_empty(link, "href") for link in links] if isinstance(links, list) else []
    name = f"{text(told, 'project', 'key')}/{text(told, 'slug')}"
    return Repository(identity(told, "id"), name, addresses_of(*urls), field(told, "origin") is not None)


def _few(changes: list[Any]) -> list[Any]:
    if len(changes) > MOST_CHANGES:
        raise Malformed(f"one message tells of more than {MOST_CHANGES} changes")
    return changes
