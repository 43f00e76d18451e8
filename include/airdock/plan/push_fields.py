"""Reading a message that was signed by somebody: it may still hold anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airdock.errors import Refused
from airdock.names import GIT_REF
from airdock.plan.push import HEADS, TAGS

LONGEST_TEXT = 2000
LONGEST_PATH = 4096


class Malformed(Refused):
    """The message has not the form that its provider documents."""


def field(message: Any, *path: str | int) -> Any:
    """What lies at the path; None when any part of the way is missing."""
    for part in path:
        if isinstance(message, list) and isinstance(part, int) and part < len(message):
            message = message[part]
        elif isinstance(message, Mapping) and isinstance(part, str):
            message = message.get(part)
        else:
            return None
    return message


def text(message: Any, *path: str | int) -> str:
    """The text at the path, which is neither missing nor empty. Raises Malformed."""
    found = field(message, *path)
    if not isinstance(found, str) or not 0 < len(found) <= LONGEST_TEXT:
        raise Malformed(f"{_said(path)} is not a text of 1 to {LONGEST_TEXT} characters")
    return found


def text_or_empty(message: Any, *path: str | int) -> str:
    """The text at the path; "" when it is missing, null, or no text."""
    found = field(message, *path)
    return found[:LONGEST_TEXT] if isinstance(found, str) else ""


def identity(message: Any, *path: str | int) -> str:
    """The id at the path, a number or a text. Raises Malformed."""
    found = field(message, *path)
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    return text(message, *path)


def many(message: Any, *path: str | int) -> list[Any]:
    """The list at the path. Raises Malformed."""
    found = field(message, *path)
    if not isinstance(found, list):
        raise Malformed(f"{_said(path)} is not a list")
    return found


def full_ref(message: Any, *path: str | int) -> str:
    """The full name of a ref at the path. Raises Malformed."""
    return sound_ref(text(message, *path))


def sound_ref(ref: str) -> str:
    """The ref itself, when git accepts it as a full name. Raises Malformed."""
    if not ref.startswith("refs/") or not GIT_REF.accepts(ref) or not GIT_REF.accepts(_short(ref)):
        raise Malformed(f"{ref[:80]!r} is not the full name of a branch or tag")
    return ref


def paths(found: Any) -> tuple[str, ...] | None:
    """Paths in a list, sorted, each once; None when it is no list of paths."""
    if not isinstance(found, list) or not all(
        isinstance(each, str) and 0 < len(each) <= LONGEST_PATH for each in found
    ):
        return None
    return tuple(sorted(set(found)))


def line(text: str) -> str:
    """The first line of a stranger's text, printable, at most 200 characters."""
    first = text.strip().partition("\n")[0]
    return "".join(char for char in first if char.isprintable())[:200]


def _short(ref: str) -> str:
    return ref.removeprefix(HEADS).removeprefix(TAGS)


def _said(path: tuple[str | int, ...]) -> str:
    return ".".join(map(str, path))
