"""Task definitions come back as they were registered, field by field."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws_process import LocalAws

ADDED_BY_AWS = {
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "registeredBy",
    "deregisteredAt",
    "deleteRequestedAt",
}
FULL: dict[str, Any] = {
    "family": "full",
    "taskRoleArn": "arn:aws:iam::123456789012:role/task",
    "executionRoleArn": "arn:aws:iam::123456789012:role/execution",
    "networkMode": "awsvpc",
    "requiresCompatibilities": ["FARGATE"],
    "cpu": "512",
    "memory": "1024",
    "pidMode": "task",
    "ephemeralStorage": {"sizeInGiB": 30},
    "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
    "enableFaultInjection": True,
    "volumes": [{"name": "scratch"}],
    "proxyConfiguration": {
        "type": "APPMESH",
        "containerName": "web",
        "properties": [{"name": "IgnoredUID", "value": ""}],
    },
    "containerDefinitions": [
        {
            "name": "web",
            "image": "image:1",
            "cpu": 128,
            "essential": True,
            "entryPoint": ["sh", "-c"],
            "command": ["run"],
            "environment": [{"name": "EMPTY", "value": ""}],
            "secrets": [{"name": "KEY", "valueFrom": "/key"}],
            "portMappings": [{"containerPort": 8080, "hostPort": 8080, "protocol": "tcp", "appProtocol": "http"}],
            "mountPoints": [{"sourceVolume": "scratch", "containerPath": "/tmp/scratch", "readOnly": False}],
            "volumesFrom": [],
            "dependsOn": [],
            "linuxParameters": {"initProcessEnabled": True},
            "healthCheck": {"command": ["CMD", "true"], "interval": 30, "timeout": 5, "retries": 3},
            "stopTimeout": 10,
            "user": "1000",
            "workingDirectory": "/app",
            "readonlyRootFilesystem": True,
            "dockerLabels": {"a": "b"},
            "ulimits": [{"name": "nofile", "softLimit": 1, "hardLimit": 2}],
            "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/a"}},
            "restartPolicy": {"enabled": True, "ignoredExitCodes": [0], "restartAttemptPeriod": 60},
            "versionConsistency": "enabled",
        }
    ],
}


@pytest.fixture
def ecs(local_aws: LocalAws) -> Any:
    return local_aws.client("ecs")


def described(ecs: Any, arn: str) -> dict[str, Any]:
    return dict(ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"]))


def input_of(definition: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in definition.items() if name not in ADDED_BY_AWS}


def test_describe_then_register_loses_no_field(ecs: Any) -> None:
    first = ecs.register_task_definition(**FULL, tags=[{"key": "commit", "value": "abc"}])["taskDefinition"]
    shown = described(ecs, first["taskDefinitionArn"])
    assert {name: shown["taskDefinition"].get(name) for name in FULL} == FULL
    assert shown["tags"] == [{"key": "commit", "value": "abc"}]
    second = ecs.register_task_definition(**input_of(shown["taskDefinition"]))["taskDefinition"]
    assert second["revision"] == first["revision"] + 1
    assert input_of(described(ecs, second["taskDefinitionArn"])["taskDefinition"]) == input_of(shown["taskDefinition"])


def test_size_that_fargate_does_not_have_is_refused(ecs: Any) -> None:
    with pytest.raises(ClientError, match="No Fargate configuration exists for given values"):
        ecs.register_task_definition(**{**FULL, "cpu": "256", "memory": "8192"})


def test_fargate_needs_a_network_of_its_own(ecs: Any) -> None:
    with pytest.raises(ClientError, match="only supports network mode 'awsvpc'"):
        ecs.register_task_definition(**{**FULL, "networkMode": "bridge"})


def test_revisions_are_listed_newest_first_page_by_page(ecs: Any) -> None:
    arns = [
        ecs.register_task_definition(**{**FULL, "family": "listed"})["taskDefinition"]["taskDefinitionArn"]
        for _ in range(11)
    ]
    first = ecs.list_task_definitions(familyPrefix="listed", sort="DESC", maxResults=4)
    rest = ecs.list_task_definitions(familyPrefix="listed", sort="DESC", nextToken=first["nextToken"])
    assert first["taskDefinitionArns"] + rest["taskDefinitionArns"] == arns[::-1]


def test_deregistered_revision_stays_to_be_seen_but_runs_no_more(ecs: Any) -> None:
    arn = ecs.register_task_definition(**{**FULL, "family": "old"})["taskDefinition"]["taskDefinitionArn"]
    ecs.deregister_task_definition(taskDefinition=arn)
    shown = described(ecs, arn)["taskDefinition"]
    assert shown["status"] == "INACTIVE"
    assert shown["deregisteredAt"] >= shown["registeredAt"]
    ecs.create_cluster(clusterName="old")
    with pytest.raises(ClientError, match="TaskDefinition is inactive"):
        ecs.run_task(cluster="old", taskDefinition=arn)
