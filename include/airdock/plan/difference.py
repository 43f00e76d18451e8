"""What a release changes, leaf by leaf, in lines that a person reads: order, defaults and units make no difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airdock.plan.masking import shown
from airdock.plan.task_leaves import Leaves, Path, leaves, service_leaves

SHORT_DIGEST = len("sha256:") + 12
IMPLIED = {"strategy": "ROLLING"}
"""What ECS does where a service's configuration does not say it."""


@dataclass(frozen=True, slots=True)
class Change:
    """One leaf that is another afterwards; `before` None where it is new, `after` None where it goes."""

    path: Path
    before: str | None
    after: str | None

    @property
    def of_image(self) -> bool:
        """Whether it is the image of a container."""
        return self.path[0] == "containerDefinitions" and self.path[2:] == ("image",)

    def __str__(self) -> str:
        name = ".".join(self.path[1:] if self.path[0] == "containerDefinitions" else self.path)
        if self.before is None:
            return f"+ {name} = {shown(self.path, self.after or '')}"
        if self.after is None:
            return f"- {name} = {shown(self.path, self.before)}"
        before, after = _short(self.before, self.after) if self.of_image else (self.before, self.after)
        told = shown(self.path, before), shown(self.path, after)
        return f"~ {name}  {told[0]} -> {told[1]}" + (" (another one)" if told[0] == told[1] else "")


def difference(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[Change]:
    """What registering `wanted` changes of `live`; both as RegisterTaskDefinition or DescribeTaskDefinition has them.

    Airdock's own tags, and those of AWS, are none of it.
    """
    return _compared(leaves(live), leaves(wanted))


def service_difference(live: Mapping[str, Any], request: Mapping[str, Any]) -> list[Change]:
    """What UpdateService with `request` changes of what DescribeServices told: what it does not name stays."""
    named = _named_alike(live, request)
    return _compared(service_leaves(named), service_leaves(request))


def in_words(changes: list[Change]) -> list[str]:
    """The changes as lines; one line that says so when the image is all, or nothing at all."""
    lines = [str(each) for each in changes]
    if not lines:
        return ["nothing changes: the same task definition is deployed again"]
    if all(each.of_image for each in changes):
        return ["nothing changes but the image:", *lines]
    return lines


def _compared(before: Leaves, after: Leaves) -> list[Change]:
    paths = sorted({*before, *after})
    changes = (Change(path, before.get(path), after.get(path)) for path in paths)
    return [each for each in changes if each.before != each.after]


def _named_alike(live: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """The part of `live` that `request` names, two levels deep: a map such as deploymentConfiguration is updated."""
    named: dict[str, Any] = {}
    for key, wanted in request.items():
        now = live.get(key)
        if isinstance(now, Mapping) and isinstance(wanted, Mapping):
            now = {name: now.get(name) or IMPLIED.get(name) for name in wanted}
        named[key] = now
    return named


def _short(before: str, after: str) -> tuple[str, str]:
    """Two images, without what is the same in both where they differ by digest alone."""
    (old_name, _, old), (new_name, _, new) = before.partition("@"), after.partition("@")
    if old_name != new_name or not (old and new) or old[:SHORT_DIGEST] == new[:SHORT_DIGEST]:
        return before, after
    return f"...@{old[:SHORT_DIGEST]}", f"...@{new[:SHORT_DIGEST]}"
