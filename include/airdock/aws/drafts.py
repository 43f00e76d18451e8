"""The task definition that a release is about to register, drafted from where the environment says it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airdock.aws.production import Service, described, primary_task_definition
from airdock.aws.task_definitions import definition, definition_to_copy, known_keys, of_infrastructure
from airdock.errors import Refused
from airdock.plan.task_definition import Draft, from_live, from_repository
from airdock.plan.task_variables import with_variables
from airdock.release import Image, Source
from airdock.spec.task_definition import BUILT, RepositoryTaskDefinition

if TYPE_CHECKING:
    from airdock.spec.environment import Environment


def draft(target: Environment, source: Source, image: Image) -> Draft:
    """The environment's task definition with the release's images, not yet stamped nor registered.

    Raises:
        Refused: the file is missing or wrong, ECS has no such thing, or something would get lost.
        Fault: AWS is out of reach.
    """
    others = {name: image.uri if wanted == BUILT else wanted for name, wanted in target.images.items()}
    origin, container = target.task_definition, target.container
    if isinstance(origin, RepositoryTaskDefinition):
        if (text := source.files.get(origin.path)) is None:
            raise Refused(f"the repository has no {origin.path} at {source.commit.short}")
        drafted = from_repository(text, image.uri, container, known_keys(), origin.path, others)
        return drafted if origin.variables == "replace" else with_variables(drafted, _live(Service.of(target)))
    service = Service.of(target)
    arn, owner = primary_task_definition(described(service)), "live"
    if origin.type == "infrastructure":
        arn, owner = of_infrastructure(service.account, family_of(arn)), "infrastructure code's"
    answer, keys = definition_to_copy(service.account, arn), known_keys()
    return from_live(answer, image.uri, container, keys, others=others, may_lose=origin.may_lose, owner=owner)


def _live(service: Service) -> dict[str, Any]:
    return definition(service.account, primary_task_definition(described(service)))


def family_of(arn: str) -> str:
    """The family in a task definition's ARN."""
    return arn.rpartition("/")[2].rpartition(":")[0]
