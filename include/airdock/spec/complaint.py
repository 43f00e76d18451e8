"""From what pydantic found to what a person needs: the place, the value, the word that was meant, what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from airdock.spec.document import Document, Path
from airdock.spec.problem import Problem

LONGEST_VALUE = 80


Model = type[BaseModel]


def problems_of(error: ValidationError, document: Document, model: Model) -> list[Problem]:
    """Each error of the validation against the model as a problem in the document."""
    return [_problem(each, document, model) for each in error.errors(include_url=False)]


def _problem(error: ErrorDetails, document: Document, model: Model) -> Problem:
    path = _written_path(error, document.content)
    if error["type"] == "union_tag_invalid":
        path = (*path, _tag_name(error))
    message, remedy, nearest = _told(error, path, document, model)
    value = _found(error, document.texts.get(path))
    return Problem(document.place(path), ".".join(map(str, path)), message, remedy, value, nearest)


def _written_path(error: ErrorDetails, content: Any) -> Path:
    """Where the error is in the file: pydantic's location without the tags of unions, which nobody wrote."""
    path: list[str | int] = []
    loc, judged = error["loc"], error["type"] == "value_error"
    for position, part in enumerate(loc):
        inside = isinstance(content, dict) and part in content
        inside = inside or (isinstance(content, list) and isinstance(part, int) and part < len(content))
        if inside:
            content = content[part]
        missed = position == len(loc) - 1 and part != "[key]" and isinstance(content, dict) and not judged
        if inside or missed:
            path.append(part)
    return tuple(path)


def _told(error: ErrorDetails, path: Path, document: Document, model: Model) -> tuple[str, str, str]:
    """Message, remedy, and the nearest right word."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown(str(path[-1]), error["loc"], model)
    if kind == "missing":
        return "this is missing", _meaning(error["loc"], model), ""
    if kind in ("literal_error", "union_tag_invalid"):
        return _not_among(str(context.get("expected") or context.get("expected_tags")), _word(error, context))
    if kind == "union_tag_not_found":
        return f"it does not say its `{_tag_name(error)}`", _meaning(error["loc"], model), ""
    if kind == "value_error":
        return str(context["error"]), "", ""
    return _plain(error, path, document, model)


def _unknown(word: str, loc: tuple[str | int, ...], model: Model) -> tuple[str, str, str]:
    known = sorted(_schema_at(loc[:-1], model).get("properties", {}))
    nearest = _nearest(word, known)
    return "there is no such setting here", "" if nearest else f"Known are {', '.join(known)}.", nearest


def _not_among(expected: str, found: str) -> tuple[str, str, str]:
    words = re.findall(r"'([^']*)'", expected)
    return f"must be one of {', '.join(words)}", "", _nearest(found, words)


def _tag_name(error: ErrorDetails) -> str:
    """The setting that says which kind of a union is meant, as it is written in files."""
    return str(re.findall(r"'([^']*)'", str(error.get("ctx", {})["discriminator"]))[-1])


def _word(error: ErrorDetails, context: dict[str, Any]) -> str:
    return str(context.get("tag") or error["input"])


def _plain(error: ErrorDetails, path: Path, document: Document, model: Model) -> tuple[str, str, str]:
    message = _in_our_words(error)
    if error["type"] in ("model_type", "dict_type", "model_attributes_type"):
        return "must be a group of settings", "Write them below it, indented.", ""
    if error["type"] == "string_type" and path in document.texts and not isinstance(error["input"], str):
        return "must be a text", "Put it in quotes." if document.texts[path] else _meaning(error["loc"], model), ""
    return message, "", ""


_MESSAGES = {
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "too_short": "must not be empty",
    "too_long": "may hold {max_length} and no more",
    "string_too_long": "must be at most {max_length} characters long",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_type": "must be true or false",
}


def _in_our_words(error: ErrorDetails) -> str:
    message = _MESSAGES.get(error["type"])
    if message is not None:
        return message.format(**error.get("ctx", {}))
    told = error["msg"].replace("Input should be", "must be")
    return told[0].lower() + told[1:]


def _nearest(word: str, known: Iterable[str]) -> str:
    close = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return close[0] if close else ""


def _found(error: ErrorDetails, text: str | None) -> str | None:
    if error["type"] in ("missing", "extra_forbidden", "union_tag_not_found"):
        return None
    if error["type"] == "union_tag_invalid":
        return _shown(error.get("ctx", {})["tag"], text)
    return _shown(error["input"], text)


def _shown(value: Any, text: str | None) -> str:
    if isinstance(value, dict | list):
        return f"a {'group' if isinstance(value, dict) else 'list'}" if value else "nothing"
    told = repr(value) if isinstance(value, str) else text or "nothing"
    return told if len(told) <= LONGEST_VALUE else told[:LONGEST_VALUE] + "..."


def _meaning(loc: tuple[str | int, ...], model: Model) -> str:
    return str(_schema_at(loc, model).get("description", ""))


@lru_cache
def _schema(model: Model) -> dict[str, Any]:
    return model.model_json_schema()


def _schema_at(loc: tuple[str | int, ...], model: Model) -> dict[str, Any]:
    """The JSON schema of what stands at a location of pydantic's, whose tags choose among the kinds of a union."""
    here = _schema(model)
    for part in loc:
        here = _below(_resolved(here, model), part)
    return {**_resolved(here, model), **{key: here[key] for key in ("description",) if key in here}}


def _below(schema: dict[str, Any], part: str | int) -> dict[str, Any]:
    kinds: dict[str, Any] = schema.get("discriminator", {}).get("mapping", {})
    if str(part) in kinds:
        return {"$ref": kinds[str(part)]}
    if isinstance(part, int) and "items" in schema:
        return dict(schema["items"])
    properties: dict[str, Any] = schema.get("properties", {})
    if str(part) in properties:
        return dict(properties[str(part)])
    rest = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")]
    return rest[0] if isinstance(rest[0], dict) else {}


def _resolved(schema: dict[str, Any], model: Model) -> dict[str, Any]:
    """What a reference refers to; of an optional part the part."""
    if "anyOf" in schema:
        schema = next((each for each in schema["anyOf"] if "$ref" in each), schema)
    if "$ref" in schema:
        return dict(_schema(model)["$defs"][schema["$ref"].rpartition("/")[2]])
    return schema
