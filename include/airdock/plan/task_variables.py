"""Environment variables and secrets of the live task definition that a release keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from airdock.plan.task_definition import Draft
from airdock.plan.task_images import containers

KINDS = ("environment", "secrets")


def with_variables(draft: Draft, live: Mapping[str, Any]) -> Draft:
    """The draft with what its containers lack of the live variables and secrets; a name counts once, in either kind."""
    known = {each["name"]: each for each in containers(live)}
    merged = [_merged(each, known.get(each["name"], {})) for each in containers(draft.request)]
    kept = sum(_count(after) - _count(before) for after, before in zip(merged, containers(draft.request), strict=True))
    sentence = f"{draft.sentence}, and {kept} live variables that it does not name"
    return replace(draft, request={**draft.request, "containerDefinitions": merged}, sentence=sentence)


def _merged(container: Mapping[str, Any], live: Mapping[str, Any]) -> dict[str, Any]:
    named = {each.get("name") for kind in KINDS for each in container.get(kind, [])}
    lists = {
        kind: [*container.get(kind, []), *(each for each in live.get(kind, []) if each["name"] not in named)]
        for kind in KINDS
    }
    return {**container, **{kind: entries for kind, entries in lists.items() if entries}}


def _count(container: Mapping[str, Any]) -> int:
    return sum(len(container.get(kind, [])) for kind in KINDS)
