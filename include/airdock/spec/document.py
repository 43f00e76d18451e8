"""From a YAML text to plain values, each with its place in the file. Bounded, so that no text can hurt.

YAML is read by PyYAML's safe loader and narrowed further: no aliases (what looks like ten lines may be a billion
values), no tags (a pipeline has no use for them), no key twice, no other keys than texts. All of it is refused before
a value is built.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from airdock.spec.problem import Place, Problem

LARGEST_BYTES = 64 * 1024
DEEPEST = 16
MOST_VALUES = 5000
"""How many texts, numbers, lists and mappings a file may have; twenty environments have about 500."""

Path = tuple[str | int, ...]
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Unreadable(Exception):
    """A text that is no YAML of the kind that pipelines are written in."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(slots=True)
class Document:
    """The values of a file, and where each stands: `keys` for the name of an entry, `values` for what it holds."""

    content: Any = None
    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)
    texts: dict[Path, str] = field(default_factory=dict)
    """Scalars as they are written, without quotes."""

    def place(self, path: Path) -> Place:
        """The place of the nearest thing that is there on the way to `path`."""
        while path and path not in self.keys and path not in self.values:
            path = path[:-1]
        return self.keys.get(path) or self.values.get(path) or Place()


def read(raw: bytes) -> Document:
    """The document in a file's bytes.

    Raises:
        Unreadable: too large, too deep, no YAML, or YAML with aliases, tags or doubled keys.
    """
    text = _decoded(raw)
    try:
        _bounded(text)
        node = yaml.compose(text, Loader)
    except yaml.YAMLError as error:
        raise Unreadable(_syntax(error)) from None
    if node is None:
        raise Unreadable(Problem(Place(), "", "the file is empty", "Write at least an application and its source."))
    document = Document()
    document.content = _value(node, (), document, Loader(""))
    return document


def _decoded(raw: bytes) -> str:
    if len(raw) > LARGEST_BYTES:
        raise Unreadable(Problem(Place(), "", f"the file is larger than {LARGEST_BYTES // 1024} KiB", "Shorten it."))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise Unreadable(Problem(Place(line), "", "the file is not UTF-8", "Save it as UTF-8.")) from None


def _bounded(text: str) -> None:
    """Refuse what is too much from the stream of events, which costs no more than the text is long."""
    depth = values = 0
    for event in _events(text):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        values += isinstance(event, yaml.NodeEvent)
        if complaint := _excess(event, depth, values):
            raise Unreadable(Problem(_place(event.start_mark), "", *complaint))


def _events(text: str) -> Iterator[Any]:
    yield from yaml.parse(text, Loader)


def _excess(event: Any, depth: int, values: int) -> tuple[str, str] | None:
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
        return "anchors and aliases (& and *) are not read here", "Write the value out where it is used."
    if getattr(event, "tag", None):
        return f"the tag {str(event.tag)[:40]!r} is not read here", "Leave it out."
    if depth > DEEPEST:
        return (
            f"values lie deeper in each other than {DEEPEST} levels",
            "Check the indentation and the brackets.",
        )
    if values > MOST_VALUES:
        return f"the file has more than {MOST_VALUES} values", "Shorten it."
    return None


def _value(node: Any, path: Path, document: Document, loader: Any) -> Any:
    document.values[path] = _place(node.start_mark)
    if isinstance(node, yaml.MappingNode):
        return {key: _value(value, (*path, key), document, loader) for key, value in _entries(node, path, document)}
    if isinstance(node, yaml.SequenceNode):
        return [_value(each, (*path, index), document, loader) for index, each in enumerate(node.value)]
    document.texts[path] = node.value
    return _scalar(node, path, loader)


def _entries(node: Any, path: Path, document: Document) -> Iterator[tuple[str, Any]]:
    for key_node, value_node in node.value:
        place = _place(key_node.start_mark)
        if not isinstance(key_node, yaml.ScalarNode) or not key_node.value or key_node.value == "<<":
            raise Unreadable(Problem(place, _dotted(path), "a key must be a plain word", "Write `word: value`."))
        key = str(key_node.value)
        if (*path, key) in document.keys:
            first = document.keys[*path, key].line
            remedy = f"It stands in line {first} already; keep one of the two."
            raise Unreadable(Problem(place, _dotted((*path, key)), "this key is there twice", remedy))
        document.keys[*path, key] = place
        yield key, value_node


def _scalar(node: Any, path: Path, loader: Any) -> Any:
    try:
        return loader.construct_object(node)
    except (ValueError, OverflowError, yaml.YAMLError):
        # Looks like a date or a number to YAML and is none, such as 2026-13-45.
        message, remedy = "this can't be read as a value", "If it is a text, put it in quotes."
        problem = Problem(_place(node.start_mark), _dotted(path), message, remedy, node.value[:80])
        raise Unreadable(problem) from None


def _syntax(error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    told = getattr(error, "problem", None) or getattr(error, "reason", None) or "it can't be read"
    remedy = "Check indentation, colons and quotes just before this place."
    return Problem(_place(mark) if mark else Place(), "", f"this is no YAML: {told}", remedy)


def _place(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1)


def _dotted(path: Path) -> str:
    return ".".join(str(part) for part in path)
