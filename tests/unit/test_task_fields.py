"""Fields that botocore does not know: told with botocore's version and a remedy, never lost in silence."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse

from airdock.aws import hooks
from airdock.aws.hooks import Account
from airdock.aws.losses import botocore_version
from airdock.aws.task_definitions import definition_to_copy, known_keys
from airdock.errors import Refused
from airdock.plan.task_definition import from_live, from_repository
from airdock.plan.task_fields import LOST, unknown_fields
from tests.builders import IMAGE, a_task_definition

KEYS = known_keys()
KNOWN = {"family": {}, "containerDefinitions": {"name": {}, "portMappings": {"containerPort": {}}, "labels": {}}}


class Raw:
    """The body of an HTTP answer, as botocore reads it."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def stream(self, *_: Any, **__: Any) -> Any:
        yield self.body


def answering(monkeypatch: pytest.MonkeyPatch, answer: Any, status: int = 200) -> None:
    """Let ECS answer every call with these bytes, which botocore parses as it does AWS's."""
    client = boto3.client("ecs", "eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
    body = json.dumps(answer).encode()
    client.meta.events.register("before-send.ecs", lambda request, **_: AWSResponse(request.url, status, {}, Raw(body)))
    monkeypatch.setattr(hooks, "_client", lambda *_: client)


def test_unknown_fields_are_found_at_any_depth_and_maps_may_hold_any_key() -> None:
    container = {"name": "web", "warp": 1, "portMappings": [{"containerPort": 80, "phase": 1}], "labels": {"any": "x"}}
    told = {"family": "a", "drive": {}, "containerDefinitions": [container, {"name": "b", "warp": 2}]}
    assert sorted(set(unknown_fields(told, KNOWN))) == [
        "containerDefinitions.portMappings.phase",
        "containerDefinitions.warp",
        "drive",
    ]


def test_nested_field_of_a_file_is_refused_with_the_word_that_was_meant() -> None:
    file = a_task_definition()
    file["containerDefinitions"][0]["essentail"] = True
    with pytest.raises(Refused, match=r"'containerDefinitions\.essentail'.*did you mean 'essential'"):
        from_repository(json.dumps(file), IMAGE, None, KEYS)


def test_field_that_botocore_drops_from_the_live_definition_stops_the_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    told = a_task_definition(revision=7)
    told["containerDefinitions"][0]["warpDrive"] = {"factor": 9}
    answering(monkeypatch, {"taskDefinition": told, "tags": []})
    answer = definition_to_copy(Account(), "greeter:7")
    assert "warpDrive" not in answer["containerDefinitions"][0]
    with pytest.raises(Refused) as refused:
        from_live(answer, IMAGE, None, KEYS)
    assert refused.value.sentence == (
        f"the live task definition greeter:7 has containerDefinitions.warpDrive, which {botocore_version()} does not "
        "know and would lose: update botocore, or name what may be lost under task_definition.may_lose in the pipeline"
    )


def test_field_that_may_be_lost_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, {"taskDefinition": {**a_task_definition(), "warpCore": 1}})
    answer = definition_to_copy(Account(), "greeter:7")
    assert answer[LOST] == ["warpCore"]
    request = from_live(answer, IMAGE, None, KEYS, may_lose=["warpCore"]).request
    assert set(request) == {"family", "containerDefinitions"}


def test_answer_of_known_fields_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, {"taskDefinition": a_task_definition(cpu="256")})
    assert LOST not in definition_to_copy(Account(), "greeter:7")


def test_refusal_of_ecs_is_told_in_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, {"__type": "ClientException", "message": "Unable to describe task definition."}, 400)
    with pytest.raises(Refused, match="Unable to describe task definition"):
        definition_to_copy(Account(), "greeter:99")
