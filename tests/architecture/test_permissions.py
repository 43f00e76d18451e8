"""The page of permissions names every operation of AWS that the library calls."""

from __future__ import annotations

import re
from pathlib import Path

from botocore import xform_name
from botocore.session import Session

ROOT = Path(__file__).parents[2]
SERVICES = [
    "cloudwatch",
    "codebuild",
    "codecommit",
    "codedeploy",
    "ecr",
    "ecs",
    "elbv2",
    "events",
    "iam",
    "logs",
    "s3",
    "scheduler",
    "secretsmanager",
    "service-quotas",
    "sqs",
    "ssm",
]
CALL = re.compile(
    r'(?:client\("[a-z0-9-]+"[^)]*\)|client|ecs|ssm|ecr|_client\(\))\.([a-z_]+)\(|get_paginator\("([a-z_]+)"'
)


def called() -> set[str]:
    """The operations that the library's text calls, by their names in the API."""
    session = Session()
    operations = {
        xform_name(operation): operation
        for service in SERVICES
        for operation in session.get_service_model(service).operation_names
    }
    texts = (path.read_text() for path in (ROOT / "include" / "airdock").rglob("*.py"))
    names = {name for text in texts for found in CALL.findall(text) for name in found if name}
    return {operations[name] for name in names if name in operations}


def test_every_operation_that_is_called_stands_on_the_page() -> None:
    page = (ROOT / "docs" / "permissions.md").read_text()
    assert len(called()) > 40
    assert [name for name in sorted(called()) if name not in page] == []


def test_every_permission_that_a_sentence_names_stands_on_the_page() -> None:
    page = (ROOT / "docs" / "permissions.md").read_text()
    named = re.compile(r'"((?:[a-z]+):(?:Describe|Get|List)[A-Za-z]+)"')
    texts = [path.read_text() for path in (ROOT / "include" / "airdock").rglob("*.py")]
    wanted = {action for text in texts for action in named.findall(text)}
    assert wanted
    assert [
        each for each in sorted(wanted) if each not in page and f"{each.partition(':')[0]}:Describe*" not in page
    ] == []
