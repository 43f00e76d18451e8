"""A task definition that uses every field which botocore knows goes through Airdock and loses none."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from botocore.validate import ParamValidator

from airdock.aws.task_definitions import known_keys
from airdock.plan.task_definition import from_live, from_repository, stamped
from tests.builders import IMAGE
from tests.task_definition_model import ANSWERED, ECS, INPUT, OUTPUT, empty_fields, every_field, paths

KEYS = known_keys()
FAMILY = {"family": "greeter"}
fillings = pytest.mark.parametrize("filling", [every_field, empty_fields])


def registered(request: Any) -> Any:
    """What DescribeTaskDefinition answers after this request, both through botocore's own words on the wire."""
    assert not ParamValidator().validate(request, INPUT).has_errors()
    operation = ECS.operation_model("RegisterTaskDefinition")
    sent = json.loads(create_serializer("json").serialize_to_request(request, operation)["body"])
    body = json.dumps({"taskDefinition": sent, "tags": sent.get("tags", [])}).encode()
    told = create_parser("json").parse({"body": body, "status_code": 200, "headers": {}}, OUTPUT)
    return {**told["taskDefinition"], "tags": told["tags"]}


def but_for_the_image(definition: Any) -> Any:
    containers = [{**each, "image": ""} for each in definition["containerDefinitions"]]
    return {**definition, "containerDefinitions": containers}


@fillings
def test_live_definition_loses_no_field_on_its_way(filling: Callable[[Any], Any]) -> None:
    answer = {**filling(ANSWERED), **FAMILY, "tags": filling(OUTPUT.members["tags"])}
    main = answer["containerDefinitions"][0]["name"]
    request = from_live(answer, IMAGE, main, KEYS).request
    assert paths(request) == paths({name: answer[name] for name in request})
    assert set(INPUT.members) - set(request) <= {"tags"}
    first, again = (
        registered(dict(request)),
        registered(dict(from_live(registered(dict(request)), IMAGE, main, KEYS).request)),
    )
    assert again == first
    assert but_for_the_image(request) == but_for_the_image({name: answer[name] for name in request})


@fillings
def test_definition_of_the_repository_loses_no_field_on_its_way(filling: Callable[[Any], Any]) -> None:
    written = {**filling(INPUT), **FAMILY}
    main = written["containerDefinitions"][0]["name"]
    request = from_repository(json.dumps(written), IMAGE, main, KEYS).request
    assert but_for_the_image(request) == but_for_the_image({name: written[name] for name in request})
    assert set(written) - set(request) <= {"tags"}


def test_stamps_are_all_that_a_registration_adds() -> None:
    written = {**every_field(INPUT), **FAMILY}
    draft = from_repository(json.dumps(written), IMAGE, written["containerDefinitions"][0]["name"], KEYS)
    request = stamped(draft, application="greeter", commit="c" * 40, run="manual__1").request
    tags = [tag for tag in request["tags"] if not tag["key"].startswith("airdock:")]
    assert {**request, "tags": tags} == draft.request
    assert not ParamValidator().validate(dict(request), INPUT).has_errors()
