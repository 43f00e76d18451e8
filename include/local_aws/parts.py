"""The parts of the local AWS that act; moto answers for every other service it knows."""

import importlib
import logging

from local_aws.service import Service

NAMES = (
    "eventbridge",
    "cloudwatch",
    "codecommit",
    "ecr",
    "codebuild",
    "elbv2",
    "ecs",
    "lambdas",
    "codedeploy",
)


def load() -> list[Service]:
    """Every part, in the order in which they start."""
    return [service for name in NAMES if (service := _loaded(name))]


def _loaded(name: str) -> Service | None:
    try:
        return importlib.import_module(f"local_aws.{name}").SERVICE  # type: ignore[no-any-return]
    except (ImportError, AttributeError, SyntaxError) as error:
        if getattr(error, "name", "") != f"local_aws.{name}":
            logging.getLogger("local_aws").exception("part %s is not served", name)
        return None
