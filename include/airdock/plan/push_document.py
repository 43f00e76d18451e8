"""JSON of strangers: one object, bounded, and with one meaning only."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from airdock.plan.push_fields import Malformed

DEEPEST = 64
"""How deep values may lie in each other. Providers' messages stay under ten."""
_STRINGS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
"""A string that doesn't end reaches to the end of the body, so that no text is looked at twice."""
_NO_BRACKETS = bytes(each for each in range(256) if each not in b"[]{}")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object in a body.

    Raises:
        Malformed: it is no UTF-8, no JSON, no object, too deep, has a key twice, NaN, or half a character.
    """
    if _too_deep(body):
        raise Malformed(f"the body lies deeper in itself than {DEEPEST} levels, or its brackets don't match")
    try:
        text = body.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_number)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeError:
        raise Malformed("the body is not UTF-8, or has half of a character in it") from None
    except (ValueError, RecursionError) as error:
        raise Malformed(f"the body is no JSON: {str(error)[:200]}") from None
    if not isinstance(value, dict):
        raise Malformed("the body is not a JSON object")
    return value


def _too_deep(body: bytes) -> bool:
    """Whether taking away the innermost pairs of brackets, again and again, takes too long to come to an end."""
    brackets = _STRINGS.sub(b"", body).translate(None, _NO_BRACKETS)
    for _ in range(DEEPEST):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    return bool(brackets)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice")
    return found


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON number")
