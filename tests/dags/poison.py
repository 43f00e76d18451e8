"""Files of a team in which every text that can hold a template is one, and what of the models such files must name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

POISON = "{{ conn.x.password }}{% print(conn.x.password) %}{# gone #}"
TEMPLATES = (POISON, POISON.replace(" ", ""), "{{conn.x.password}}", "{{run_id}}")
"""The first that a text may hold is put into it: some take no spaces, few letters, or no dots."""


def poisoned(document: Any, model: type[BaseModel]) -> Any:
    """The document with a template in each of its texts, keys too, in which its model accepts any."""
    for number in range(len(list(texts(document)))):
        document = _with_template(document, number, model)
    return document


def texts(part: Any) -> Iterator[str]:
    """All texts in a document, keys too."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict):
        for key, value in part.items():
            yield from (key, *texts(value))
    elif isinstance(part, list):
        for each in part:
            yield from texts(each)


def fields_with_text(model: type[BaseModel]) -> set[tuple[str, str]]:
    """The fields, by model and name, in which a document of the model can hold a text of its author's choice."""
    return {
        (part.__name__, name)
        for part in _models(model)
        for name, field in part.model_fields.items()
        if {str, Any} & set(_types(field.annotation))
    }


def fields_in(part: Any) -> set[tuple[str, str]]:
    """The fields of the models that a read document fills."""
    if isinstance(part, BaseModel):
        own = {(type(part).__name__, name) for name in part.model_fields_set if getattr(part, name)}
        return own.union(*(fields_in(getattr(part, name)) for name in part.model_fields_set))
    inside = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return set().union(*map(fields_in, inside))


def _with_template(document: Any, number: int, model: type[BaseModel]) -> Any:
    """The document with a template in its text of this number; itself where the text can hold no opening brace."""
    if not any(_places(document, number, "{", model)):
        return document
    return next(found for template in TEMPLATES for found in _places(document, number, template, model))


def _places(document: Any, number: int, inserted: str, model: type[BaseModel]) -> Iterator[Any]:
    """The documents that the model accepts, of those with this inserted anywhere into the text of this number."""
    text = list(texts(document))[number]
    for place in range(len(text), -1, -1):
        told = _changed(document, _at(number, text[:place] + inserted + text[place:]))
        if _accepted(told, model):
            yield told


def _at(number: int, text: str) -> Callable[[str], str]:
    passed = count()
    return lambda old: text if next(passed) == number else old


def _changed(part: Any, change: Callable[[str], str]) -> Any:
    """The same document with each of its texts changed, in the order of `texts`."""
    if isinstance(part, str):
        return change(part)
    if isinstance(part, dict):
        return {change(key): _changed(value, change) for key, value in part.items()}
    return [_changed(each, change) for each in part] if isinstance(part, list) else part


def _accepted(document: Any, model: type[BaseModel]) -> bool:
    try:
        model.model_validate(document)
    except ValidationError:
        return False
    return True


def _types(annotation: Any) -> Iterator[Any]:
    """The types that an annotation is made of; the words of a Literal are values, and none."""
    yield annotation
    for inner in get_args(annotation):
        yield from _types(inner)


def _models(model: type[BaseModel]) -> set[type[BaseModel]]:
    """The models of which a document can have parts."""
    found, new = set[type[BaseModel]](), {model}
    while new:
        found |= new
        inside = (inner for part in new for field in part.model_fields.values() for inner in _types(field.annotation))
        new = {each for each in inside if isinstance(each, type) and issubclass(each, BaseModel)} - found
    return found
