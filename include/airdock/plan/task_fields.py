"""Which fields of a task definition the installed botocore knows, and what is said of those that it does not.

What may be registered is taken from botocore's model, because a list kept here would lose what AWS adds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from airdock.errors import Refused

LOST = "airdockLost"
"""The key under which an answer names the fields that botocore has dropped from it."""
Fields = Mapping[str, Any]
"""A field's name to the Fields of what it holds, directly or in a list; to {} for texts, numbers and maps."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What RegisterTaskDefinition accepts, and what DescribeTaskDefinition answers: more than that at the top.

    `model` names whose word that is, such as `botocore 1.43.106`.
    """

    accepted: Fields
    answered: Fields
    model: str = field(default="the installed botocore")


def unknown_fields(value: Any, known: Fields, path: str = "") -> Iterator[str]:
    """The fields in `value` that are not among the known ones, such as `containerDefinitions.warpDrive`."""
    for each in value if isinstance(value, list) else [value]:
        for name, inner in each.items() if isinstance(each, Mapping) and known else ():
            place = f"{path}.{name}" if path else str(name)
            if name in known:
                yield from unknown_fields(inner, known[name], place)
            else:
                yield place


def refuse_unknown(definition: Mapping[str, Any], keys: Keys, place: str) -> None:
    """Raise Refused for a field that this machine's botocore could not send: nothing is dropped silently."""
    for path in unknown_fields(definition, {**keys.answered, **keys.accepted}):
        holder, _, name = path.rpartition(".")
        near = get_close_matches(name, list(_at(keys.accepted, holder)), n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"if AWS has it, {keys.model} is too old: update it"
        raise Refused(f"{place} has a field {path!r} that RegisterTaskDefinition does not know; {hint}")


def refuse_losses(lost: Iterable[str], model: str, place: str, otherwise: str = "") -> None:
    """Raise Refused when botocore has dropped fields of what is to be written back; `otherwise`: what else may help."""
    if lost := sorted(lost):
        remedy = f"update botocore{otherwise and ', or '}{otherwise}"
        raise Refused(f"{place} has {', '.join(lost)}, which {model} does not know and would lose: {remedy}")


def _at(known: Fields, path: str) -> Fields:
    for name in path.split(".") if path else ():
        known = known[name]
    return known
