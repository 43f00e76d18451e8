"""Several containers, each with its image: the built one, a fixed one, or the one it had."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airdock.aws.task_definitions import known_keys
from airdock.errors import Refused
from airdock.plan.task_definition import from_live, from_repository
from tests.builders import IMAGE, a_task_definition

KEYS = known_keys()
ENVOY, AGENT = "public.example/envoy:v1", "public.example/agent:2"


def images(draft: Any) -> dict[str, str]:
    return {each["name"]: each["image"] for each in draft.request["containerDefinitions"]}


def test_containers_of_the_map_get_their_images_and_other_sidecars_keep_theirs() -> None:
    live = a_task_definition("web", "worker", "envoy", "log-router")
    others = {"worker": IMAGE, "envoy": ENVOY}
    assert images(from_live(live, IMAGE, "web", KEYS, others=others)) == {
        "web": IMAGE,
        "worker": IMAGE,
        "envoy": ENVOY,
        "log-router": "old/log-router:1",
    }


def test_numbered_placeholders_are_the_fixed_images_in_the_order_of_the_map() -> None:
    file = a_task_definition("web", "worker", "envoy", "agent")
    for container, number in zip(file["containerDefinitions"], (1, 1, 2, 3), strict=True):
        container["image"] = f"<IMAGE{number}_NAME>"
    file["containerDefinitions"][1]["command"] = ["--beside=<IMAGE2_NAME>"]
    others = {"worker": IMAGE, "envoy": ENVOY, "agent": AGENT}
    draft = from_repository(json.dumps(file), IMAGE, "web", KEYS, others=others)
    assert images(draft) == {"web": IMAGE, "worker": IMAGE, "envoy": ENVOY, "agent": AGENT}
    assert draft.request["containerDefinitions"][1]["command"] == [f"--beside={ENVOY}"]


def test_placeholder_without_an_image_is_refused_with_those_that_have_one() -> None:
    file = a_task_definition("web", "envoy")
    file["containerDefinitions"][1]["image"] = "<IMAGE2_NAME>"
    with pytest.raises(Refused, match="<IMAGE2_NAME>; only <IMAGE_NAME> and <IMAGE1_NAME> are filled in"):
        from_repository(json.dumps(file), IMAGE, "web", KEYS)


def test_container_of_the_map_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(Refused, match="no container 'envoi'; it has web, envoy"):
        from_live(a_task_definition("web", "envoy"), IMAGE, "web", KEYS, others={"envoi": ENVOY})
