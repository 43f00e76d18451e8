"""What the release's tasks need: their images, roles, log groups, secrets and parameters. No value is ever read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from airdock.aws.hooks import Account
from airdock.aws.preflight.look import looked, present
from airdock.aws.preflight.roles import access, role_for
from airdock.plan.preflight import Check, Finding
from airdock.plan.preflight_role import TASKS
from airdock.plan.preflight_task import (
    LogGroup,
    check_execution_role_is_named,
    check_image,
    check_log_group,
    check_reference,
    image_elsewhere,
    images,
    log_groups,
    references,
    roles,
)

IMAGE = re.compile(r"(?P<host>[^/]+)/(?P<name>[^@:]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>.+))?")
ECR_HOST = re.compile(r"(?P<registry>\d{12})\.dkr[.-]ecr[\w-]*\.(?P<region>[a-z0-9-]+)\..+")
SECRET_SUFFIX = re.compile(r"(arn:[^:]+:secretsmanager:[^:]+:\d+:secret:[^:]+)(:.*)?")


def check_tasks(account: Account, image: str, definition: Mapping[str, Any]) -> Iterator[Check]:
    """All that the tasks of a definition need. Raises Refused or Fault."""
    for uri in images(definition, image):
        yield looked("image", "ecr:DescribeImages", partial(_image, account, uri, image))
    for name, role in roles(definition).items():
        yield role_for(account, name, role, TASKS)
    yield from check_execution_role_is_named(definition)
    for group in log_groups(definition):
        yield looked("log group", "logs:DescribeLogGroups", partial(_log_group, account, group))
    for reference in references(definition):
        yield from _reference(account, reference, str(definition.get("executionRoleArn") or ""))


def _image(account: Account, uri: str, built: str) -> Check:
    """In the repository's own region; a registry that names neither account nor region is known by the built image."""
    told = IMAGE.fullmatch(uri)
    if told and (of := ECR_HOST.fullmatch(told["host"])):
        ecr, where = Account(account.connection, of["region"]).client("ecr"), {"registryId": of["registry"]}
    elif told and told["host"] == built.partition("/")[0]:
        ecr, where = account.client("ecr"), {}
    else:
        return image_elsewhere(uri)
    which = {"imageDigest": told["digest"]} if told["digest"] else {"imageTag": told["tag"] or "latest"}
    asked = partial(ecr.describe_images, repositoryName=told["name"], imageIds=[which], **where)
    found = present(asked, ("ImageNotFoundException", "RepositoryNotFoundException"))
    return check_image(uri, bool(found and found["imageDetails"]), uri == built)


def _log_group(account: Account, group: LogGroup) -> Check:
    logs = Account(account.connection, group.region or account.region).client("logs")
    pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=group.name)
    return check_log_group(
        group, any(each["logGroupName"] == group.name for page in pages for each in page["logGroups"])
    )


def _reference(account: Account, reference: str, role: str) -> Iterator[Check]:
    """A parameter by its ARN or its bare name, or a secret by its ARN, which a key of its JSON may follow."""
    if found := SECRET_SUFFIX.fullmatch(reference):
        kind, arn = "secret", found[1]
        there = looked(kind, "secretsmanager:DescribeSecret", partial(_secret, account, arn))
    else:
        kind, arn = "parameter", _arn_of_parameter(account, reference, role)
        there = looked(kind, "ssm:DescribeParameters", partial(_parameter, account, reference))
    yield there
    if role and there.finding is not Finding.REFUSED:
        yield access(account, kind, role, arn)


def _arn_of_parameter(account: Account, reference: str, role: str) -> str:
    """A bare name is a parameter of the service's own region, and of the account that its execution role is in."""
    if reference.startswith("arn:") or not role.startswith("arn:"):
        return reference
    _, partition, _, _, owner, _ = role.split(":", 5)
    region = account.client("ssm").meta.region_name
    return f"arn:{partition}:ssm:{region}:{owner}:parameter/{reference.removeprefix('/')}"


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
