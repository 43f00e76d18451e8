"""JSON from a repository: bounded, and read so that two readers can't see two things in it."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from airdock.errors import Refused

LARGEST_BYTES = 100 * 1024
"""CodePipeline's limit for such files; ECS takes 64 KiB of task definition."""


def parse_object(text: str, file: str) -> dict[str, Any]:
    """The JSON object in a file's text.

    Raises:
        Refused: too large, no JSON (with line and column), a key twice, NaN, or no object.
    """
    if len(text.encode("utf-8", "surrogatepass")) > LARGEST_BYTES:
        raise Refused(f"{file} is larger than {LARGEST_BYTES // 1024} KiB")
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise Refused(f"{file} is no JSON: {error.msg} in line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise Refused(f"{file} is no JSON that can be read: it lies too deep in itself") from None
    except ValueError as error:
        raise Refused(f"{file} is no JSON that can be read: {error}") from None
    if not isinstance(value, dict):
        raise Refused(f"{file} must hold one JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in names if names.count(key) > 1)!r} is there twice")
    return found


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON number")
