"""Describe, register, describe in the local AWS: a definition with every field comes out as it went in."""

from __future__ import annotations

from typing import Any

from airdock.aws.hooks import Account
from airdock.aws.task_definitions import definition_to_copy, known_keys, register
from airdock.plan.task_definition import from_live
from airdock.plan.task_fields import LOST
from tests.builders import IMAGE
from tests.task_definition_model import INPUT, every_field


def comparable(answer: dict[str, Any]) -> dict[str, Any]:
    """What was registered: without what ECS adds, and without the image."""
    containers = [{**each, "image": ""} for each in answer["containerDefinitions"]]
    told = {name: answer[name] for name in answer if name in known_keys().accepted}
    return {**told, "containerDefinitions": containers, "tags": sorted(answer["tags"], key=str)}


def test_no_field_is_lost_between_two_revisions(account: Account) -> None:
    # On EC2, because Fargate allows fewer fields together.
    made = register(account, {**every_field(INPUT), "family": "greeter", "requiresCompatibilities": ["EC2"]})
    before = definition_to_copy(account, made)
    main = before["containerDefinitions"][0]["name"]
    after = definition_to_copy(account, register(account, from_live(before, IMAGE, main, known_keys()).request))
    assert LOST not in {**before, **after}
    assert set(known_keys().accepted) == set(comparable(before))
    assert comparable(after) == comparable(before)
    assert after["containerDefinitions"][0]["image"] == IMAGE
    assert after["revision"] == before["revision"] + 1
