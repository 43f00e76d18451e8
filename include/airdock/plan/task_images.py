"""Which image each container of a task definition gets: by the container's name, or by a placeholder in a file.

Placeholders: AWS CodePipeline User Guide, "Image definitions file reference".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from airdock.errors import Refused

PLACEHOLDER = re.compile(r"<[A-Z][A-Z0-9_]*>")
MOST_NUMBERED = 4
"""CodePipeline knows <IMAGE1_NAME> to <IMAGE4_NAME>."""


def placeholders(built: str, others: Mapping[str, str]) -> dict[str, str]:
    """Placeholder to image: the first is the built one, then those of `others` (container to image), in its order."""
    fixed = [image for image in dict.fromkeys(others.values()) if image != built]
    numbered = enumerate((built, *fixed[: MOST_NUMBERED - 1]), start=1)
    return {"<IMAGE_NAME>": built, **{f"<IMAGE{number}_NAME>": image for number, image in numbered}}


def filled(value: Any, by_placeholder: Mapping[str, str]) -> Any:
    """The same with every placeholder replaced, wherever in a text it stands."""
    if isinstance(value, Mapping):
        return {key: filled(each, by_placeholder) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, by_placeholder) for each in value]
    if isinstance(value, str):
        for placeholder, image in by_placeholder.items():
            value = value.replace(placeholder, image)
    return value


def refuse_leftovers(definition: Mapping[str, Any], known: Mapping[str, str], file: str) -> None:
    """Raise Refused for a text that is a placeholder still."""
    for text in _texts(definition):
        if found := PLACEHOLDER.fullmatch(text):
            raise Refused(f"{file} has the placeholder {found.group()}; only {' and '.join(known)} are filled in")


def main_container(definition: Mapping[str, Any], named: str | None, place: str) -> str:
    """The container to deliver: the named one, else the one with the built image's placeholder, else the only one."""
    marked = [each for each in containers(definition) if each.get("image") in ("<IMAGE1_NAME>", "<IMAGE_NAME>")]
    return named or _single(marked) or _single(containers(definition)) or _ambiguous(definition, place)


def with_images(definition: Mapping[str, Any], images: Mapping[str, str], place: str) -> dict[str, Any]:
    """The definition with each of `images` (container to image) in its container. Raises Refused: no such container."""
    names = [str(each["name"]) for each in containers(definition)]
    for name in images:
        if name not in names:
            raise Refused(f"{place} has no container {name!r}; it has {', '.join(names)}")
    changed = [
        {**each, "image": images[each["name"]]} if each["name"] in images else each for each in containers(definition)
    ]
    return {**definition, "containerDefinitions": changed}


def containers(definition: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = definition["containerDefinitions"]
    return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str):
        yield value


def _single(found: list[Mapping[str, Any]]) -> str:
    return str(found[0]["name"]) if len(found) == 1 else ""


def _ambiguous(definition: Mapping[str, Any], place: str) -> NoReturn:
    names = ", ".join(str(each["name"]) for each in containers(definition))
    raise Refused(
        f"{place} has several containers ({names}); name the one to deliver under `container` in the pipeline"
    )
