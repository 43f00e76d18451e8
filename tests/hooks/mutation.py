"""Messages that were recorded, changed in their structure or byte by byte."""

from __future__ import annotations

import contextlib
import copy
import json
from random import Random
from typing import Any

from tests.hooks.sender import names, payload

RECORDED = [payload(name) for name in names()]
ODD: list[Any] = [
    None, True, False, 0, -1, 10**30, 1e308, "", "x", "x" * 5000, "\x00", "a\nb", "\u202e", "Привіт", "../..", "-x",
    "--upload-pack=x", "refs/heads/main", "refs/heads/", "refs/tags/v1", "0" * 40, "f" * 40, "f" * 64, [], {}, [None],
    [[]], {"": 0}, "https://github.com/acme/greeter.git", "git@[::1]:x", "ssh://-oProxyCommand=x/y", "{}", "%0a",
]  # fmt: skip
PIECES = [
    b"\x00", b"\xff", b"\xed\xa0\x80", b"\\ud800", b"\\udc00\\ud800", b"\xef\xbb\xbf", b'"', b"\\", b"{", b"}", b"[",
    b"]", b",", b":", b"NaN", b"-Infinity", b"1e999", b"9" * 5000, b"[" * 70, b'{"a":' * 70, b'"ref":1,', b"null",
    b"\r\n", b" " * 999,
]  # fmt: skip
NAMES = ["", "push", "ping", "pull_request", "Push Hook", "Tag Push Hook", "Merge Request Hook", "repo:push",
         "repo:refs_changed", "pullrequest:created", "pr:opened", "star", "a" * 999, "x y"]  # fmt: skip
IDENTITIES = ["", "d1", "a.b:c+d-e_f", "../x", "a b", "a..b", "x" * 120, "x" * 121, "{d1}", "-x", "d1,d2", "d1;"]


def mutated(chance: Random, body: bytes) -> bytes:
    """The body with some things changed; of one that is JSON mostly its structure, and of every one its bytes."""
    if chance.random() < 0.7:
        with contextlib.suppress(ValueError, RecursionError):
            text = json.dumps(_changed(chance, json.loads(body)), ensure_ascii=chance.random() < 0.5)
            body = text.encode("utf-8", "surrogatepass")
        if chance.random() < 0.8:
            return body
    for _ in range(chance.randint(1, 4)):
        body = _broken(chance, body)
    return body[: 2**20 + 10]


def _broken(chance: Random, body: bytes) -> bytes:
    """One change of bytes."""
    at = chance.randint(0, len(body))
    end = min(len(body), at + chance.choice([1, 1, 4, 30, 500]))
    match chance.randrange(5):
        case 0:
            flipped = bytes(each ^ (1 << chance.randrange(8)) for each in body[at : at + 1])
            return body[:at] + flipped + body[at + 1 :]
        case 1:
            return body[:at] + chance.choice(PIECES) + body[at:]
        case 2:
            return body[:at] + body[end:]
        case 3:
            return body[:end] + body[at:end] * chance.choice([1, 2, 50]) + body[end:]
    other = json.dumps(chance.choice(RECORDED)).encode()
    return body[:at] + other[chance.randint(0, len(other)) :]


def _changed(chance: Random, told: Any) -> Any:
    """Some changes of structure, each at any depth."""
    for _ in range(chance.choice([1, 1, 1, 2, 5])):
        places = [place for place in _places(told) if place]
        if not places:
            return told
        _change(chance, told, chance.choice(places))
    return told


def _change(chance: Random, told: Any, place: tuple[str | int, ...]) -> None:
    holder = told
    for part in place[:-1]:
        holder = holder[part]
    last: Any = place[-1]
    match chance.randrange(6):
        case 0 | 1:
            holder[last] = copy.deepcopy(chance.choice(ODD))
        case 2:
            del holder[last]
        case 3:
            holder[last] = [holder[last]] * chance.choice([0, 1, 2, 120])
        case 4:
            holder[last] = _part(chance, chance.choice(RECORDED))
        case 5:
            holder[last] = {"a": holder[last], str(last): copy.deepcopy(holder[last])}


def _part(chance: Random, told: Any) -> Any:
    """Something that lies in another message."""
    for part in chance.choice(_places(told)):
        told = told[part]
    return copy.deepcopy(told)


def _places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    if len(path) > 20:
        return [path]
    items = value.items() if isinstance(value, dict) else enumerate(value[:50]) if isinstance(value, list) else ()
    return [path, *(place for key, inner in items for place in _places(inner, (*path, key)))]
