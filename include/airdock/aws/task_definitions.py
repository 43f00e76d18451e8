"""ECS task definitions: the live one, those that are registered already, and a new revision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from airdock.aws.faults import spoken
from airdock.aws.hooks import Account
from airdock.errors import Fault
from airdock.plan.task_definition import Keys

NEWEST_LOOKED_AT = 10
"""How many revisions are searched for a content that is registered already; a retry finds it first."""
ANOTHER_REGISTERS = "Too many concurrent attempts"
"""ECS's word, under the code ClientException, for a collision that passes."""


@lru_cache(maxsize=1)
def known_keys() -> Keys:
    """The fields of a task definition by the installed botocore: a list of our own would lose what AWS adds."""
    from botocore.session import Session

    model = Session().get_service_model("ecs")
    answer = model.operation_model("DescribeTaskDefinition").output_shape.members["taskDefinition"]
    accepted = frozenset(model.operation_model("RegisterTaskDefinition").input_shape.members)
    return Keys(accepted, frozenset(answer.members), botocore_version())


def botocore_version() -> str:
    from botocore import __version__

    return f"botocore {__version__}"


def definition(account: Account, arn: str) -> dict[str, Any]:
    """A registered task definition in the answer's own shape, with its tags under `tags`. Raises Refused or Fault."""
    with spoken(f"asking ECS for the task definition {arn}"):
        answer = account.client("ecs").describe_task_definition(taskDefinition=arn, include=["TAGS"])
    return {**answer["taskDefinition"], "tags": answer.get("tags", [])}


def tagged(account: Account, family: str, tag: Mapping[str, str]) -> str:
    """The newest of the family's latest revisions that carries the tag, or "". Raises Refused or Fault."""
    for arn in _newest(account, family):
        if tag in definition(account, arn)["tags"]:
            return arn
    return ""


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


def _newest(account: Account, family: str) -> Iterator[str]:
    with spoken(f"asking ECS for the revisions of {family}"):
        answer = account.client("ecs").list_task_definitions(
            familyPrefix=family, status="ACTIVE", sort="DESC", maxResults=NEWEST_LOOKED_AT
        )
    yield from answer["taskDefinitionArns"]
