"""The task definition of a release: nothing lost, nothing guessed, the image pinned."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.session import Session
from botocore.validate import ParamValidator

from airdock.aws.task_definitions import known_keys
from airdock.errors import Refused
from airdock.plan.task_definition import content_hash, from_live, from_repository, stamped
from tests.builders import IMAGE, a_task_definition

ECS = Session().get_service_model("ecs")
INPUT = ECS.operation_model("RegisterTaskDefinition").input_shape
OUTPUT = ECS.operation_model("DescribeTaskDefinition").output_shape
KEYS = known_keys()

ANSWERED = {
    "taskDefinitionArn": "arn:aws:ecs:eu-west-1:123456789012:task-definition/greeter:7",
    "revision": 7,
    "status": "ACTIVE",
    "requiresAttributes": [],
    "compatibilities": ["FARGATE"],
    "registeredAt": "2026-01-01",
    "registeredBy": "somebody",
}


def a_file(**told: Any) -> str:
    definition = a_task_definition(**told)
    definition["containerDefinitions"][0]["image"] = "<IMAGE1_NAME>"
    return json.dumps(definition)


def images(request: Any) -> dict[str, str]:
    return {each["name"]: each["image"] for each in request["containerDefinitions"]}


def refusal(text: str, container: str | None = None) -> str:
    with pytest.raises(Refused) as refused:
        from_repository(text, IMAGE, container, KEYS)
    return refused.value.sentence


def test_file_gets_the_pinned_image_and_is_accepted_by_ecs() -> None:
    draft = from_repository(a_file(cpu="256", memory="512"), IMAGE, None, KEYS)
    assert images(draft.request) == {"web": IMAGE}
    assert draft.container == "web"
    assert not ParamValidator().validate(dict(draft.request), INPUT).has_errors()


def test_placeholder_chooses_the_container_among_several() -> None:
    definition = a_task_definition("sidecar", "web")
    definition["containerDefinitions"][1]["image"] = "<IMAGE1_NAME>"
    draft = from_repository(json.dumps(definition), IMAGE, None, KEYS)
    assert images(draft.request) == {"sidecar": "old/sidecar:1", "web": IMAGE}


def test_placeholder_is_filled_wherever_it_stands() -> None:
    definition = a_task_definition("migrate", "web")
    for container in definition["containerDefinitions"]:
        container["image"] = "<IMAGE1_NAME>"
    definition["containerDefinitions"][0]["command"] = ["run", "--image=<IMAGE_NAME>"]
    draft = from_repository(json.dumps(definition), IMAGE, "web", KEYS)
    assert set(images(draft.request).values()) == {IMAGE}
    assert draft.request["containerDefinitions"][0]["command"] == ["run", f"--image={IMAGE}"]


def test_named_container_gets_the_image_without_a_placeholder() -> None:
    draft = from_repository(json.dumps(a_task_definition("sidecar", "web")), IMAGE, "web", KEYS)
    assert images(draft.request) == {"sidecar": "old/sidecar:1", "web": IMAGE}


def test_file_made_of_a_describe_answer_is_taken() -> None:
    draft = from_repository(json.dumps({"taskDefinition": a_task_definition(**ANSWERED)}), IMAGE, None, KEYS)
    assert set(draft.request) == {"family", "containerDefinitions"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no JSON"),
        ("{", "line 1, column 2"),
        ("[]", "one JSON object"),
        ('{"family": "a", "family": "b"}', "'family' is there twice"),
        ('{"cpu": NaN}', "NaN is no JSON number"),
        ("[" * 50_000, "lies too deep"),
        ('{"a": ' + "9" * 5000 + "}", "no JSON that can be read"),
        (" " * 200_000, "larger than 100 KiB"),
        ("{}", "has no `family`"),
        ('{"family": 3, "containerDefinitions": []}', "has no `family`"),
        ('{"family": "a"}', "no `containerDefinitions`"),
        ('{"family": "a", "containerDefinitions": [1]}', "no `containerDefinitions`"),
        ('{"family": "a", "containerDefinitions": {}}', "no `containerDefinitions`"),
        ('{"taskDefinition": 3}', "no task definition"),
        (a_file(executionRoleARN="x"), "did you mean 'executionRoleArn'?"),
        (a_file(zzzz="x"), "is too old: update it"),
        (json.dumps(a_task_definition("a", "b")), "several containers (a, b)"),
        (a_file(taskRoleArn="<TASK_ROLE>"), "the placeholder <TASK_ROLE>"),
    ],
)
def test_file_is_refused_in_words(text: str, told: str) -> None:
    sentence = refusal(text)
    assert sentence.startswith("taskdef.json")
    assert told in sentence


def test_container_that_is_not_there_is_refused_with_those_that_are() -> None:
    assert refusal(a_file(), "wbe").endswith("has no container 'wbe'; it has web")


def test_live_definition_changes_in_its_image_only() -> None:
    kept = {
        "family": "greeter",
        "enableFaultInjection": False,
        "proxyConfiguration": {"containerName": "envoy", "properties": [{"name": "IgnoredUID", "value": ""}]},
        "volumes": [],
        "cpu": "256",
    }
    containers = [
        {"name": "web", "image": "old", "environment": [{"name": "EMPTY", "value": ""}], "cpu": 0},
        {"name": "envoy", "image": "envoy:1"},
    ]
    answer = {**kept, **ANSWERED, "containerDefinitions": containers, "tags": []}
    request = from_live(answer, IMAGE, "web", KEYS).request
    assert request == {**kept, "containerDefinitions": [{**containers[0], "image": IMAGE}, containers[1]]}


def test_live_definition_loses_none_of_the_fields_that_aws_knows() -> None:
    answer = {name: f"value of {name}" for name in OUTPUT.members["taskDefinition"].members}
    answer.update(a_task_definition())
    request = from_live(answer, IMAGE, None, KEYS).request
    assert set(answer) - set(request) == set(answer) - set(INPUT.members)
    assert all(request[name] == answer[name] for name in request if name != "containerDefinitions")


def test_live_definition_with_several_containers_needs_a_name() -> None:
    with pytest.raises(Refused, match="name the one to deliver"):
        from_live(a_task_definition("a", "b"), IMAGE, None, KEYS)


def a_registration(text: str | None = None, **of: str) -> Any:
    draft = from_repository(text or a_file(), IMAGE, None, KEYS)
    return stamped(draft, **{"application": "greeter", "commit": "a" * 40, "run": "manual__1", **of})


def test_registration_says_whose_it_is() -> None:
    tags = {tag["key"]: tag["value"] for tag in a_registration().request["tags"]}
    assert tags == {
        "airdock:application": "greeter",
        "airdock:commit": "a" * 40,
        "airdock:run": "manual__1",
        "airdock:spec": a_registration().spec_tag["value"],
    }


def test_registration_is_the_same_for_a_retry_and_another_for_other_content() -> None:
    one = a_registration().spec_tag
    assert a_registration(run="manual__2").spec_tag == one
    assert a_registration(json.dumps(json.loads(a_file()), indent=4)).spec_tag == one
    others = [
        a_registration(a_file(cpu="512")),
        a_registration(commit="b" * 40),
        a_registration(application="other"),
    ]
    assert one not in [other.spec_tag for other in others]


def test_registration_keeps_the_tags_of_the_team_and_replaces_airdocks() -> None:
    theirs = [
        {"key": "team", "value": "shop"},
        {"key": "airdock:commit", "value": "old"},
        {"key": "aws:cloudformation:stack-name", "value": "AWS allows nobody to set it"},
    ]
    tags = a_registration(a_file(tags=theirs)).request["tags"]
    assert tags[0] == theirs[0]
    assert [tag["key"] for tag in tags].count("airdock:commit") == 1
    assert not any(tag["key"].startswith("aws:") for tag in tags)


def test_registration_writes_only_what_a_tag_may_hold() -> None:
    tags = a_registration(run="webhook\u00fc<" + "x" * 300).request["tags"]
    run = next(tag["value"] for tag in tags if tag["key"] == "airdock:run")
    assert run.startswith("webhook__xxx")
    assert len(run) == 256


def test_registration_with_too_many_tags_is_refused() -> None:
    many = [{"key": f"k{n}", "value": ""} for n in range(47)]
    with pytest.raises(Refused, match="47 tags"):
        a_registration(a_file(tags=many))


def test_content_hash_ignores_the_order_of_keys_and_no_more() -> None:
    assert content_hash({"a": 1, "b": [1, 2]}) == content_hash({"b": [1, 2], "a": 1})
    assert content_hash({"b": [1, 2]}) != content_hash({"b": [2, 1]})
