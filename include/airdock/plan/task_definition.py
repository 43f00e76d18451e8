"""The task definition of a release: the repository's, the live one or infrastructure code's, with its images."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from airdock.errors import Refused
from airdock.names import APPLICATION_TAG, COMMIT_TAG, RUN_TAG, SPEC_TAG, tag_value
from airdock.plan.json_text import parse_object
from airdock.plan.task_fields import LOST, Keys, refuse_losses, refuse_unknown
from airdock.plan.task_images import filled, main_container, placeholders, refuse_leftovers, with_images

NO_OTHERS: Mapping[str, str] = {}
GIVE_UP = "name what may be lost under task_definition.may_lose in the pipeline"
MOST_TAGS = 50


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


def from_repository(
    text: str,
    image: str,
    container: str | None,
    keys: Keys,
    file: str = "taskdef.json",
    others: Mapping[str, str] = NO_OTHERS,
) -> Draft:
    """The repository's file with `image` in its container, `others` in theirs, and all placeholders filled.

    `container` None is the one with the placeholder, or the only one.

    Raises:
        Refused: no JSON, no task definition, a field that AWS does not know, or no single container for the image.
    """
    written = parse_object(text, file)
    definition = written["taskDefinition"] if set(written) == {"taskDefinition"} else written
    _check(definition, keys, file)
    name = main_container(definition, container, file)
    by_placeholder = placeholders(image, others)
    whole = with_images(filled(definition, by_placeholder), {name: image, **others}, file)
    refuse_leftovers(whole, by_placeholder, file)
    return Draft(_registrable(whole, keys), name, f"{file} with {image} in the container {name}")


def from_live(
    answer: Mapping[str, Any],
    image: str,
    container: str | None,
    keys: Keys,
    *,
    others: Mapping[str, str] = NO_OTHERS,
    may_lose: Iterable[str] = (),
    owner: str = "live",
) -> Draft:
    """The definition that DescribeTaskDefinition answered (its tags under `tags`), with only its images changed.

    `may_lose`: fields that botocore may have dropped from the answer; the answer names those that it has under LOST.

    Raises:
        Refused: no container of that name, none named and several there, or botocore has dropped a field of it.
    """
    place = f"the {owner} task definition {answer.get('family', '')}:{answer.get('revision', '')}"
    told = {key: value for key, value in answer.items() if key != LOST}
    refuse_losses(set(answer.get(LOST, ())) - set(may_lose), keys.model, place, GIVE_UP)
    _check(told, keys, place)
    name = main_container(told, container, place)
    changed = with_images(told, {name: image, **others}, place)
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
    tags = [*own, *({"key": key, "value": tag_value(value)} for key, value in added.items())]
    if len(tags) > MOST_TAGS:
        raise Refused(f"the task definition has {len(own)} tags; with Airdock's {len(added)} they are over {MOST_TAGS}")
    return Registration({**plain, "tags": tags}, str(plain["family"]), {"key": SPEC_TAG, "value": spec})


def content_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 over canonical JSON: the order of keys does not matter, that of lists does."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)
    return sha256(text.encode()).hexdigest()


def _check(definition: Any, keys: Keys, place: str) -> None:
    """Refuse what AWS would refuse later, or what botocore could not send."""
    if not isinstance(definition, Mapping) or not isinstance(definition.get("family"), str):
        raise Refused(f"{place} is no task definition: it has no `family`")
    containers = definition.get("containerDefinitions")
    if not (isinstance(containers, list) and containers and all(_is_container(each) for each in containers)):
        raise Refused(f"{place} has no `containerDefinitions` with a `name` each")
    refuse_unknown(definition, keys, place)


def _registrable(definition: Mapping[str, Any], keys: Keys) -> dict[str, Any]:
    """Without the fields that AWS itself adds to an answer, and without an empty list of tags, which it refuses."""
    kept = {key: value for key, value in definition.items() if key in keys.accepted}
    return {key: value for key, value in kept.items() if key != "tags" or value}


def _is_container(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("name"), str)
