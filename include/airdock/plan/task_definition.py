"""The task definition of a release: the repository's or the live one, with the new image pinned by its digest.

Placeholders: AWS CodePipeline User Guide, "Image definitions file reference". What may be registered is an argument,
taken from AWS's own model, because a list kept here would lose what AWS adds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from difflib import get_close_matches
from hashlib import sha256
from typing import Any, NoReturn

from airdock.errors import Refused
from airdock.names import APPLICATION_TAG, COMMIT_TAG, RUN_TAG, SPEC_TAG
from airdock.plan.json_text import parse_object

PLACEHOLDER = re.compile(r"<[A-Z][A-Z0-9_]*>")
MOST_TAGS = 50
NOT_IN_TAGS = re.compile(r"[^\w .:/=+@-]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Keys:
    """What RegisterTaskDefinition accepts at the top, and what DescribeTaskDefinition answers: more than that.

    `model` names whose word that is, such as `botocore 1.43.106`.
    """

    accepted: AbstractSet[str]
    answered: AbstractSet[str]
    model: str = "the installed botocore"


@dataclass(frozen=True, slots=True)
class Draft:
    """A task definition before it is stamped: RegisterTaskDefinition's input, and the container with the image."""

    request: Mapping[str, Any]
    container: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Registration:
    """RegisterTaskDefinition's input with its tags; `spec_tag` is by which the same content is found again."""

    request: Mapping[str, Any]
    family: str
    spec_tag: Mapping[str, str]


def from_repository(text: str, image: str, container: str | None, keys: Keys, file: str = "taskdef.json") -> Draft:
    """The repository's file with `image` in its container, and wherever `<IMAGE1_NAME>` or `<IMAGE_NAME>` stands.

    `container` None is the one with the placeholder, or the only one.

    Raises:
        Refused: no JSON, no task definition, a field that AWS does not know, or no single container for the image.
    """
    written = parse_object(text, file)
    definition = written["taskDefinition"] if set(written) == {"taskDefinition"} else written
    _check(definition, keys, file)
    marked = _single([each for each in _containers(definition) if _is_placeholder(each.get("image"))])
    name = container or marked or _only(definition, file)
    filled = _with_image(_filled(definition, image), name, image, file)
    _refuse_leftovers(filled, file)
    return Draft(_registrable(filled, keys), name, f"{file} with {image} in the container {name}")


def from_live(answer: Mapping[str, Any], image: str, container: str | None, keys: Keys) -> Draft:
    """The definition that DescribeTaskDefinition answered (its tags under `tags`), with only the image changed.

    Raises:
        Refused: no container of that name, or none named and several there.
    """
    place = f"the live task definition {answer.get('family', '')}:{answer.get('revision', '')}"
    _check(answer, replace(keys, answered=keys.answered | {"tags"}), place)
    name = container or _only(answer, place)
    changed = _with_image(answer, name, image, place)
    return Draft(_registrable(changed, keys), name, f"{place} with {image} in the container {name}")


def stamped(draft: Draft, *, application: str, commit: str, run: str) -> Registration:
    """The draft with the tags that say whose it is, and by which a retry finds it.

    The hash covers the definition, the application and the commit, not the run: the same release is registered once.

    Raises:
        Refused: with Airdock's four tags there are more than the 50 that AWS allows.
    """
    plain = {key: value for key, value in draft.request.items() if key != "tags"}
    own = [tag for tag in draft.request.get("tags", []) if not str(tag["key"]).startswith(("airdock:", "aws:"))]
    identity = {APPLICATION_TAG: application, COMMIT_TAG: commit}
    spec = content_hash({**plain, "tags": sorted(own, key=lambda tag: str(tag["key"])), "of": identity})
    added = {**identity, RUN_TAG: run, SPEC_TAG: spec}
    tags = [*own, *({"key": key, "value": NOT_IN_TAGS.sub("_", value)[:256]} for key, value in added.items())]
    if len(tags) > MOST_TAGS:
        raise Refused(f"the task definition has {len(own)} tags; with Airdock's {len(added)} they are over {MOST_TAGS}")
    return Registration({**plain, "tags": tags}, str(plain["family"]), {"key": SPEC_TAG, "value": spec})


def content_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 over canonical JSON: the order of keys does not matter, that of lists does."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)
    return sha256(text.encode()).hexdigest()


def _check(definition: Any, keys: Keys, place: str) -> None:
    """Refuse what AWS would refuse later or this machine's botocore could not send; nothing is dropped silently."""
    if not isinstance(definition, Mapping) or not isinstance(definition.get("family"), str):
        raise Refused(f"{place} is no task definition: it has no `family`")
    containers = definition.get("containerDefinitions")
    if not (isinstance(containers, list) and containers and all(_is_container(each) for each in containers)):
        raise Refused(f"{place} has no `containerDefinitions` with a `name` each")
    for key in sorted(set(definition) - keys.accepted - keys.answered):
        near = get_close_matches(key, list(keys.accepted), n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"is it newer than {keys.model}?"
        raise Refused(f"{place} has a field {key!r} that RegisterTaskDefinition does not know; {hint}")


def _registrable(definition: Mapping[str, Any], keys: Keys) -> dict[str, Any]:
    """Without the fields that AWS itself adds to an answer, and without an empty list of tags, which it refuses."""
    kept = {key: value for key, value in definition.items() if key in keys.accepted}
    return {key: value for key, value in kept.items() if key != "tags" or value}


def _with_image(definition: Mapping[str, Any], name: str, image: str, place: str) -> dict[str, Any]:
    names = [str(each["name"]) for each in _containers(definition)]
    if name not in names:
        raise Refused(f"{place} has no container {name!r}; it has {', '.join(names)}")
    changed = [{**each, "image": image} if each["name"] == name else each for each in _containers(definition)]
    return {**definition, "containerDefinitions": changed}


def _filled(value: Any, image: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled(each, image) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, image) for each in value]
    if isinstance(value, str):
        return value.replace("<IMAGE1_NAME>", image).replace("<IMAGE_NAME>", image)
    return value


def _refuse_leftovers(definition: Mapping[str, Any], file: str) -> None:
    for text in _texts(definition):
        if found := PLACEHOLDER.fullmatch(text):
            raise Refused(
                f"{file} has the placeholder {found.group()}; only <IMAGE1_NAME> and <IMAGE_NAME> are filled in"
            )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str):
        yield value


def _is_placeholder(value: Any) -> bool:
    return value in ("<IMAGE1_NAME>", "<IMAGE_NAME>")


def _is_container(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("name"), str)


def _containers(definition: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    containers: list[Mapping[str, Any]] = definition["containerDefinitions"]
    return containers


def _single(containers: list[Mapping[str, Any]]) -> str:
    return str(containers[0]["name"]) if len(containers) == 1 else ""


def _only(definition: Mapping[str, Any], place: str) -> str:
    return _single(_containers(definition)) or _ambiguous(definition, place)


def _ambiguous(definition: Mapping[str, Any], place: str) -> NoReturn:
    names = ", ".join(str(each["name"]) for each in _containers(definition))
    raise Refused(
        f"{place} has several containers ({names}); name the one to deliver under `container` in the pipeline"
    )
