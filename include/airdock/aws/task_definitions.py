"""ECS task definitions: the live one, those that are registered already, and a new revision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from airdock.aws.faults import spoken
from airdock.aws.hooks import Account, service_model
from airdock.aws.losses import botocore_version, fields_of, tell_losses
from airdock.errors import Fault, Refused
from airdock.names import APPLICATION_TAG
from airdock.plan.task_fields import LOST, Keys

NEWEST_LOOKED_AT = 10
"""How many revisions are searched for a content that is registered already; a retry finds it first."""
MOST_LOOKED_AT = 100
"""How many revisions are searched for one that is not Airdock's: one page of ListTaskDefinitions."""
ANOTHER_REGISTERS = "Too many concurrent attempts"
"""ECS's word, under the code ClientException, for a collision that passes."""


@lru_cache(maxsize=1)
def known_keys() -> Keys:
    """The fields of a task definition by the installed botocore: a list of our own would lose what AWS adds."""
    model = service_model("ecs")
    answer = model.operation_model("DescribeTaskDefinition").output_shape.members["taskDefinition"]
    accepted = model.operation_model("RegisterTaskDefinition").input_shape
    return Keys(fields_of(accepted), fields_of(answer), botocore_version())


def definition(account: Account, arn: str) -> dict[str, Any]:
    """A registered task definition in the answer's own shape, with its tags under `tags`. Raises Refused or Fault."""
    return _described(account.client("ecs"), arn)


def definition_to_copy(account: Account, arn: str) -> dict[str, Any]:
    """The same, for what is to be registered anew.

    Fields that botocore drops from the answer, because its model is older than they are, are named under LOST.

    Raises:
        Refused, Fault: by ECS.
    """
    client = account.client("ecs")
    tell_losses(client, "DescribeTaskDefinition")
    return _described(client, arn)


def tagged(account: Account, family: str, tag: Mapping[str, str], others: set[str]) -> str:
    """The newest of the family's latest revisions that carries the tag, or "". Raises Refused or Fault.

    `others`: those that are known not to carry it; they are not read again, and what is found so now joins them.
    """
    for arn in _newest(account, family):
        if arn not in others and tag in definition(account, arn)["tags"]:
            return arn
        others.add(arn)
    return ""


def of_infrastructure(account: Account, family: str) -> str:
    """The newest active revision that Airdock has not registered: what infrastructure code wants the family to be.

    Taking simply the newest would lose what infrastructure code registers while a release registers its own.

    Raises:
        Refused: there is none among the newest hundred.
        Fault: AWS is out of reach.
    """
    for arn in _newest(account, family, MOST_LOOKED_AT):
        if all(tag["key"] != APPLICATION_TAG for tag in definition(account, arn)["tags"]):
            return arn
    raise Refused(
        f"Airdock has registered all of the newest {MOST_LOOKED_AT} active revisions of {family}: infrastructure code "
        "does not own this family; use {from: live} or {from: repository}"
    )


def register(account: Account, request: Mapping[str, Any]) -> str:
    """Register a new revision and return its ARN.

    Raises:
        Refused: ECS does not accept the definition; its words name the field.
        Fault: out of reach, or somebody registers a revision of the same family at this moment.
    """
    from botocore.exceptions import ClientError

    doing = f"registering the task definition {request['family']} ({botocore_version()})"
    with spoken(doing):
        try:
            answer = account.client("ecs", once=True).register_task_definition(**request)
        except ClientError as error:
            if ANOTHER_REGISTERS in str(error):
                raise Fault(f"{doing}: {error}") from error
            raise
    return str(answer["taskDefinition"]["taskDefinitionArn"])


def _newest(account: Account, family: str, most: int = NEWEST_LOOKED_AT) -> Iterator[str]:
    with spoken(f"asking ECS for the revisions of {family}"):
        answer = account.client("ecs").list_task_definitions(
            familyPrefix=family, status="ACTIVE", sort="DESC", maxResults=most
        )
    yield from answer["taskDefinitionArns"]


def _described(client: Any, arn: str) -> dict[str, Any]:
    with spoken(f"asking ECS for the task definition {arn}"):
        answer = client.describe_task_definition(taskDefinition=arn, include=["TAGS"])
    lost = [path.removeprefix("taskDefinition.") for path in answer.get(LOST, [])]
    return {**answer["taskDefinition"], "tags": answer.get("tags", []), **({LOST: lost} if lost else {})}
