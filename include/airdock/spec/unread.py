"""A pipeline file that can't be used now: what can still be told of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from airdock.spec.document import LARGEST_BYTES


@dataclass(frozen=True, slots=True)
class Unread:
    """The application whose file it is by its name, and its text; "" when it could not be opened."""

    application: str
    text: str


def unread(path: Path) -> Unread:
    """What can be told of a broken file."""
    try:
        with path.open("rb") as opened:
            return Unread(path.stem, opened.read(LARGEST_BYTES).decode("utf-8", "replace"))
    except OSError:
        return Unread(path.stem, "")
