"""What the release's tasks need: their image, roles, log groups, secrets and parameters. No value is ever read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import unquote

from airdock.aws.hooks import Account
from airdock.aws.preflight.look import looked, present
from airdock.plan.preflight import Check
from airdock.plan.preflight_task import (
    LogGroup,
    check_execution_role_is_named,
    check_image,
    check_log_group,
    check_reference,
    check_role,
    log_groups,
    references,
    roles,
)

ECR = re.compile(
    r"(?P<registry>\d{12})\.dkr[.-]ecr[\w-]*\.(?P<region>[a-z0-9-]+)\.[^/]+/(?P<name>[^@]+)@(?P<digest>.+)"
)
SECRET_SUFFIX = re.compile(r"(arn:[^:]+:secretsmanager:[^:]+:\d+:secret:[^:]+)(:.*)?")


def check_tasks(account: Account, image: str, definition: Mapping[str, Any]) -> Iterator[Check]:
    """All that the tasks of a definition need. Raises Refused or Fault."""
    yield looked("image", "ecr:DescribeImages", partial(_image, account, image))
    for name, role in roles(definition).items():
        yield looked(name, "iam:GetRole", partial(_role, account, name, role))
    yield from check_execution_role_is_named(definition)
    for group in log_groups(definition):
        yield looked("log group", "logs:DescribeLogGroups", partial(_log_group, account, group))
    for reference in references(definition):
        yield _reference(account, reference)


def _image(account: Account, uri: str) -> Check:
    """By digest, in the repository's own region; the local registry's addresses name neither account nor region."""
    if told := ECR.fullmatch(uri):
        ecr = Account(account.connection, told["region"]).client("ecr")
        where, name, digest = {"registryId": told["registry"]}, told["name"], told["digest"]
    else:
        place, _, digest = uri.partition("@")
        ecr, where, name = account.client("ecr"), {}, place.partition("/")[2]
    asked = partial(ecr.describe_images, repositoryName=name, imageIds=[{"imageDigest": digest}], **where)
    found = present(asked, ("ImageNotFoundException", "RepositoryNotFoundException"))
    return check_image(uri, bool(found and found["imageDetails"]))


def _role(account: Account, name: str, role: str) -> Check:
    asked = partial(account.client("iam").get_role, RoleName=role.rpartition("/")[2])
    found = present(asked, ("NoSuchEntity", "NoSuchEntityException"))
    return check_role(name, role, _policy(found["Role"]["AssumeRolePolicyDocument"]) if found else None)


def _policy(document: Any) -> dict[str, Any]:
    """botocore decodes the document, which travels URL-encoded; older ones leave it as it is."""
    return dict(json.loads(unquote(document)) if isinstance(document, str) else document)


def _log_group(account: Account, group: LogGroup) -> Check:
    logs = Account(account.connection, group.region or account.region).client("logs")
    pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=group.name)
    return check_log_group(
        group, any(each["logGroupName"] == group.name for page in pages for each in page["logGroups"])
    )


def _reference(account: Account, reference: str) -> Check:
    """A parameter by its ARN or its bare name, or a secret by its ARN, which a key of its JSON may follow."""
    if found := SECRET_SUFFIX.fullmatch(reference):
        return looked("secret", "secretsmanager:DescribeSecret", partial(_secret, account, found[1]))
    return looked("parameter", "ssm:DescribeParameters", partial(_parameter, account, reference))


def _secret(account: Account, arn: str) -> Check:
    client = Account(account.connection, arn.split(":")[3]).client("secretsmanager")
    found = present(partial(client.describe_secret, SecretId=arn), ("ResourceNotFoundException",))
    return check_reference("secret", arn, found is not None, deleted=bool(found and found.get("DeletedDate")))


def _parameter(account: Account, reference: str) -> Check:
    region, name = account.region, reference
    if reference.startswith("arn:"):
        region, resource = reference.split(":")[3], reference.split(":", 5)[5].removeprefix("parameter/")
        name = f"/{resource}" if "/" in resource else resource
    names = {"Key": "Name", "Option": "Equals", "Values": [name]}
    found = Account(account.connection, region).client("ssm").describe_parameters(ParameterFilters=[names])
    return check_reference("parameter", name, bool(found["Parameters"]))
