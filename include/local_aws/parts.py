"""The parts of the local AWS that act; moto answers for every other service it knows."""

import importlib
import importlib.util

from local_aws.service import Service

NAMES = (
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
    return [
        importlib.import_module(f"local_aws.{name}").SERVICE
        for name in NAMES
        if importlib.util.find_spec(f"local_aws.{name}")
    ]
