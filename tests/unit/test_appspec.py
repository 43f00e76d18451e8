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

SERVICE = {
    "loadBalancers": [{"containerName": "web", "containerPort": 8080}],
    "platformVersion": "1.3.0",
    "networkConfiguration": {
        "awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"], "assignPublicIp": "ENABLED"}
    },
    "capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 3, "base": 1}],
}
RUNS = {
    "NetworkConfiguration": {
        "AwsvpcConfiguration": {"Subnets": ["subnet-1"], "SecurityGroups": ["sg-1"], "AssignPublicIp": "ENABLED"}
    },
    "CapacityProviderStrategy": [{"CapacityProvider": "FARGATE_SPOT", "Weight": 3, "Base": 1}],
}


def balanced(container: str, port: int) -> dict[str, Any]:
    """A service whose live task set is behind the balancer so."""
    balancers = [{"containerName": container, "containerPort": port}]
    return {"taskSets": [{"status": "ACTIVE"}, {"status": "PRIMARY", "loadBalancers": balancers}]}


def defined(**ports: list[int]) -> dict[str, Any]:
    """A task definition with the ports that each container maps."""
    mapped = {name: [{"containerPort": port} for port in each] for name, each in ports.items()}
    return {"containerDefinitions": [{"name": name, "portMappings": each} for name, each in mapped.items()]}


def properties(content: str) -> Any:
    return json.loads(content)["Resources"][0]["TargetService"]["Properties"]


def refusal(text: str) -> str:
    with pytest.raises(Refused) as refused:
        from_file(text, ARN, {})
    return refused.value.sentence


def test_file_gets_the_task_definition_and_keeps_the_rest() -> None:
    appspec = from_file(FILE, ARN, {})
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
    content = json.loads(from_file(text, ARN, {}).content)
    told = content["Resources"][0]["targetService"]["Properties"]
    assert told["TaskDefinition"] == ARN
    assert content["Hooks"] == [{"AfterAllowTraffic": "fn"}]


def test_same_file_makes_the_same_content() -> None:
    assert from_file(FILE, ARN, {}) == from_file(FILE, ARN, {})


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


def test_file_keeps_what_it_says_and_gets_how_the_service_runs_where_it_says_nothing() -> None:
    appspec = from_file(FILE, ARN, SERVICE)
    assert properties(appspec.content) == {
        "TaskDefinition": ARN,
        "LoadBalancerInfo": {"ContainerName": "web", "ContainerPort": 8080},
        "PlatformVersion": "1.4.0",
        **RUNS,
    }
    assert "with the service's NetworkConfiguration and CapacityProviderStrategy" in appspec.sentence


def test_made_appspec_runs_the_tasks_as_the_service_does() -> None:
    told = properties(from_service(SERVICE, ARN, defined(web=[8080]), "web").content)
    assert told == {
        "TaskDefinition": ARN,
        "LoadBalancerInfo": {"ContainerName": "web", "ContainerPort": 8080},
        "PlatformVersion": "1.3.0",
        **RUNS,
    }


def test_made_appspec_takes_from_the_primary_task_set_what_the_service_does_not_tell() -> None:
    old = {"status": "ACTIVE", "capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1}]}
    service = {"taskSets": [old, {**SERVICE, "status": "PRIMARY"}]}
    told = properties(from_service(service, ARN, defined(web=[8080]), "web").content)
    assert told["CapacityProviderStrategy"] == RUNS["CapacityProviderStrategy"]
    assert told["PlatformVersion"] == "1.3.0"


def test_made_appspec_says_nothing_that_codedeploy_takes_by_itself_or_would_not_take() -> None:
    half = {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": []}}
    service = {"launchType": "FARGATE", "platformVersion": "LATEST", "networkConfiguration": half}
    told = properties(from_service(service, ARN, defined(web=[8080]), "web").content)
    assert set(told) == {"TaskDefinition", "LoadBalancerInfo"}


def test_made_appspec_takes_the_way_of_the_services_balancer() -> None:
    appspec = from_service(balanced("web", 8080), ARN, defined(web=[8080, 9090]), "web")
    assert properties(appspec.content) == {
        "TaskDefinition": ARN,
        "LoadBalancerInfo": {"ContainerName": "web", "ContainerPort": 8080},
    }
    assert from_file(appspec.content, ARN, {}).content == appspec.content


def test_made_appspec_leaves_the_traffic_with_a_proxy_before_the_delivered_container() -> None:
    definition = defined(app=[8080], nginx=[80, 443])
    appspec = from_service(balanced("nginx", 80), ARN, definition, "app")
    assert (appspec.container, appspec.port) == ("nginx", 80)
    assert from_service(balanced("nginx", 80), ARN, definition, "app", 443).container == "nginx"


def test_made_appspec_goes_by_the_live_task_set_when_the_service_tells_another_way() -> None:
    service = {**balanced("nginx", 80), "loadBalancers": [{"containerName": "app", "containerPort": 8080}]}
    appspec = from_service(service, ARN, defined(app=[8080], nginx=[80]), "app")
    assert (appspec.container, appspec.port) == ("nginx", 80)


def test_made_appspec_goes_to_the_delivered_container_when_the_balancers_is_gone() -> None:
    appspec = from_service(balanced("nginx", 80), ARN, defined(app=[8080]), "app")
    assert (appspec.container, appspec.port) == ("app", 8080)


def test_made_appspec_takes_the_pipelines_port_first_and_the_mapped_one_last() -> None:
    service = balanced("web", 8080)
    assert from_service(service, ARN, defined(web=[8080]), "web", 1234).port == 1234
    assert from_service(service, ARN, defined(web=[8080, 9090]), "web").port == 8080
    assert from_service(service, ARN, defined(web=[9090]), "web").port == 9090
    assert from_service({}, ARN, defined(web=[9090]), "web").port == 9090


def test_made_appspec_guesses_no_port() -> None:
    with pytest.raises(Refused, match="set container_port in the pipeline"):
        from_service(balanced("other", 1), ARN, defined(web=[80, 81]), "web")
    with pytest.raises(Refused, match="on which port other gets its traffic"):
        from_service(balanced("other", 1), ARN, defined(web=[80], other=[]), "web")
