"""The message of a sender of your own: a push on any git server, or a request to deliver an application."""

from __future__ import annotations

from typing import Any

from airdock.names import APPLICATION, ENVIRONMENT, GIT_REF
from airdock.plan.push import Event, Kind, Push, Repository, Unconcerning, address_of, commit_or_none, kind_of
from airdock.plan.push_fields import Malformed, field, full_ref, line, paths, text, text_or_empty


def event(delivery: str, message: dict[str, Any]) -> Event:
    """The push, or the request, in a message of the form that docs/webhooks.md describes.

    Raises:
        Refused: the message has another form.
    """
    return _request(delivery, message) if "application" in message else _push(delivery, message)


def _request(delivery: str, message: dict[str, Any]) -> Event:
    application = APPLICATION.check(text(message, "application"))
    revision = text_or_empty(message, "revision")
    environment = text_or_empty(message, "environment")
    push = Push(
        "generic",
        delivery,
        Repository("", application),
        Kind.REQUEST,
        revision and GIT_REF.check(revision),
        "",
        revision,
        None,
        line(text_or_empty(message, "pusher")),
        line(text_or_empty(message, "subject")),
        environment and ENVIRONMENT.check(environment),
    )
    return (push,)


def _push(delivery: str, message: dict[str, Any]) -> Event:
    ref = full_ref(message, "ref")
    kind = kind_of(ref)
    if kind is None:
        return Unconcerning(f"{ref} is neither a branch nor a tag")
    before = commit_or_none(text_or_empty(message, "before") or "0" * 40)
    after = commit_or_none(text(message, "after"))
    pusher, subject = line(text_or_empty(message, "pusher")), line(text_or_empty(message, "subject"))
    return (
        Push("generic", delivery, _repository(message), kind, ref, before, after, _files(message), pusher, subject),
    )


def _files(message: dict[str, Any]) -> tuple[str, ...] | None:
    found = field(message, "files")
    told = paths(found)
    if found is not None and told is None:
        raise Malformed("files is not a list of paths")
    return told


def _repository(message: dict[str, Any]) -> Repository:
    url = text(message, "repository")
    address = address_of(url)
    if not address:
        raise Malformed("repository is not an address such as https://git.example.com/acme/greeter.git")
    return Repository(text_or_empty(message, "repository_id"), address, (address,), field(message, "fork") is True)
