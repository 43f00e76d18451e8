"""AppSpecs as AWS's guide describes them, in YAML and JSON, and what is refused."""

import json

import pytest

from local_aws.codedeploy.appspec import AppSpecError, parse

FULL = """
version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: "arn:aws:ecs:eu-west-1:123456789012:task-definition/greeter:7"
        LoadBalancerInfo:
          ContainerName: web
          ContainerPort: 8080
        PlatformVersion: LATEST
        NetworkConfiguration:
          AwsvpcConfiguration:
            Subnets: [subnet-1]
            SecurityGroups: [sg-1]
            AssignPublicIp: ENABLED
        CapacityProviderStrategy:
          - {Base: 1, CapacityProvider: FARGATE_SPOT, Weight: 2}
Hooks:
  - BeforeInstall: check-database
  - AfterAllowTestTraffic: smoke-test
"""
MINIMAL = {
    "version": 0.0,
    "resources": [
        {
            "targetservice": {
                "type": "AWS::ECS::Service",
                "properties": {
                    "taskdefinition": "greeter:1",
                    "loadbalancerinfo": {"containername": "web", "containerport": 8080},
                },
            }
        }
    ],
}


def test_yaml_appspec_is_read_in_full() -> None:
    appspec = parse(FULL)
    assert appspec.task_definition.endswith("greeter:7")
    assert (appspec.container_name, appspec.container_port, appspec.platform_version) == ("web", 8080, "LATEST")
    network = {"subnets": ["subnet-1"], "securityGroups": ["sg-1"], "assignPublicIp": "ENABLED"}
    assert appspec.network == {"awsvpcConfiguration": network}
    assert appspec.capacity_providers == [{"base": 1, "capacityProvider": "FARGATE_SPOT", "weight": 2}]
    assert appspec.hooks == {"BeforeInstall": "check-database", "AfterAllowTestTraffic": "smoke-test"}


def test_json_appspec_with_keys_of_any_case_is_read() -> None:
    assert parse(json.dumps(MINIMAL, indent="\t")).task_definition == "greeter:1"


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("version: 0.0", "version: 1.0", "version"),
        ("ContainerPort: 8080", 'ContainerPort: "8080"', "ContainerPort"),
        ("            AssignPublicIp: ENABLED\n", "", "assignPublicIp"),
        ("AWS::ECS::Service", "AWS::Lambda::Function", "AWS::ECS::Service"),
        ("BeforeInstall: check", "BeforeInstal: check", "no such lifecycle event hook"),
        ("Resources:", "Resource:", "resources"),
        ("  - TargetService:", "  - {", "neither JSON nor YAML"),
    ],
)
def test_appspec_that_codedeploy_would_refuse_is_named(before: str, after: str, says: str) -> None:
    assert before in FULL
    with pytest.raises(AppSpecError, match=says):
        parse(FULL.replace(before, after))


def test_content_that_is_no_mapping_is_refused() -> None:
    with pytest.raises(AppSpecError, match="must be a mapping"):
        parse("just a word")
