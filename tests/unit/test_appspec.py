"""The AppSpec of a deployment: filled in from the repository, or made from the service."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest

from airdock.errors import Refused
from airdock.plan.appspec import from_file, from_service

ARN = "arn:aws:ecs:eu-west-1:123456789012:task-definition/greeter:8"

FILE = """\
version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: <TASK_DEFINITION>
        LoadBalancerInfo:
          ContainerName: web
          ContainerPort: 8080
        PlatformVersion: "1.4.0"
Hooks:
  - BeforeAllowTraffic: smoke-test
"""


def properties(content: str) -> Any:
    return json.loads(content)["Resources"][0]["TargetService"]["Properties"]


def refusal(text: str) -> str:
    with pytest.raises(Refused) as refused:
        from_file(text, ARN)
    return refused.value.sentence


def test_file_gets_the_task_definition_and_keeps_the_rest() -> None:
    appspec = from_file(FILE, ARN)
    assert json.loads(appspec.content) == {
        "version": 0.0,
        "Resources": [
            {
                "TargetService": {
                    "Type": "AWS::ECS::Service",
                    "Properties": {
                        "TaskDefinition": ARN,
                        "LoadBalancerInfo": {"ContainerName": "web", "ContainerPort": 8080},
                        "PlatformVersion": "1.4.0",
                    },
                }
            }
        ],
        "Hooks": [{"BeforeAllowTraffic": "smoke-test"}],
    }
    assert (appspec.container, appspec.port) == ("web", 8080)
    assert appspec.sha256 == sha256(appspec.content.encode()).hexdigest()


def test_file_may_be_json_and_spell_its_keys_in_any_case() -> None:
    text = json.dumps(
        {
            "version": "0.0",
            "resources": [
                {
                    "targetService": {
                        "type": "AWS::ECS::Service",
                        "properties": {
                            "taskDefinition": "x",
                            "loadBalancerInfo": {"containerName": "web", "containerPort": "80"},
                        },
                    }
                }
            ],
            "hooks": [{"afterallowtraffic": "fn"}],
        }
    )
    content = json.loads(from_file(text, ARN).content)
    told = content["Resources"][0]["targetService"]["Properties"]
    assert told["TaskDefinition"] == ARN
    assert content["Hooks"] == [{"AfterAllowTraffic": "fn"}]


def test_same_file_makes_the_same_content() -> None:
    assert from_file(FILE, ARN) == from_file(FILE, ARN)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("Resources:", "Resource:", "one entry under `Resources`"),
        ("AWS::ECS::Service", "AWS::Lambda::Function", "one entry under `Resources`"),
        ("          ContainerPort: 8080\n", "", "LoadBalancerInfo with ContainerName and ContainerPort"),
        ("8080", "http", "ContainerPort (a number)"),
        ("PlatformVersion:", "PlatformVresion:", "did you mean PlatformVersion?"),
        ("BeforeAllowTraffic", "BeforeAllowTrafic", "did you mean BeforeAllowTraffic?"),
        ("BeforeAllowTraffic: smoke-test", "BeforeAllowTraffic: [a]", "name or ARN of a Lambda"),
        ("  - BeforeAllowTraffic: smoke-test", "  BeforeAllowTraffic: {a: b}", "name or ARN of a Lambda"),
        ("version: 0.0", "version: &a 0.0", "anchors and aliases"),
        ("version: 0.0", "version: [", "no YAML"),
        (
            '"1.4.0"',
            "2026-01-02",
            "appspec.yaml:10: Resources.0.TargetService.Properties.PlatformVersion is 2026-01-02",
        ),
        ("version: 0.0", "version: 2026-01-02 10:00:00", "put it in quotes"),
        ("version: 0.0", "version: .nan", "version is .nan, which JSON has no word for"),
    ],
)
def test_file_is_refused_in_words(old: str, new: str, told: str) -> None:
    sentence = refusal(FILE.replace(old, new, 1))
    assert sentence.startswith("appspec.yaml")
    assert told in sentence


@pytest.mark.parametrize("text", ["", "words", "[]", "{}", "{", "- a", "Resources: 3", "Resources: [3]"])
def test_what_is_no_appspec_is_refused(text: str) -> None:
    assert refusal(text).startswith("appspec.yaml")


def test_made_appspec_takes_the_port_of_the_services_balancer() -> None:
    service = {"taskSets": [{"loadBalancers": [{"containerName": "web", "containerPort": 8080}]}]}
    appspec = from_service(service, ARN, {}, "web")
    assert properties(appspec.content) == {
        "TaskDefinition": ARN,
        "LoadBalancerInfo": {"ContainerName": "web", "ContainerPort": 8080},
    }
    assert from_file(appspec.content, ARN).content == appspec.content


def test_made_appspec_takes_the_pipelines_port_first_and_the_mapped_one_last() -> None:
    service = {"loadBalancers": [{"containerName": "web", "containerPort": 8080}]}
    definition = {"containerDefinitions": [{"name": "web", "portMappings": [{"containerPort": 9090}]}]}
    assert from_service(service, ARN, definition, "web", 1234).port == 1234
    assert from_service(service, ARN, definition, "web").port == 8080
    assert from_service({}, ARN, definition, "web").port == 9090


def test_made_appspec_guesses_no_port() -> None:
    mappings = [{"containerPort": 80}, {"containerPort": 81}]
    definition = {"containerDefinitions": [{"name": "web", "portMappings": mappings}]}
    with pytest.raises(Refused, match="set container_port in the pipeline"):
        from_service({"loadBalancers": [{"containerName": "other", "containerPort": 1}]}, ARN, definition, "web")
