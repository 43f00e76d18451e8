"""What teams write: a YAML file for each application, and one for the train. Read into models, or refused in words."""

from __future__ import annotations

from airdock.spec.analysis import Analysis
from airdock.spec.codedeploy_rollout import AllAtOnce, Canary, CodeDeployRollout, Configuration, Linear, Traffic
from airdock.spec.ecs_rollout import EcsRollout, RollingRollout
from airdock.spec.environment import Environment, Verify
from airdock.spec.image import Build, Findings, Image, Scan
from airdock.spec.loader import load, load_train, parse, place_in
from airdock.spec.one_off_task import OneOffTask
from airdock.spec.pipeline import Pipeline
from airdock.spec.problem import Place, Problem, SpecError
from airdock.spec.release_train import ReleaseTrain, Train
from airdock.spec.rollout import Rollout
from airdock.spec.scheduled import Scheduled
from airdock.spec.source import CodeCommitSource, ForgeSource, GitSource, Source
from airdock.spec.task_definition import (
    InfrastructureTaskDefinition,
    LiveTaskDefinition,
    RepositoryTaskDefinition,
    TaskDefinition,
)
from airdock.spec.triggers import Triggers
from airdock.spec.unread import Unread, unread

__all__ = [
    "AllAtOnce",
    "Analysis",
    "Build",
    "Canary",
    "CodeCommitSource",
    "CodeDeployRollout",
    "Configuration",
    "EcsRollout",
    "Environment",
    "Findings",
    "ForgeSource",
    "GitSource",
    "Image",
    "InfrastructureTaskDefinition",
    "Linear",
    "LiveTaskDefinition",
    "OneOffTask",
    "Pipeline",
    "Place",
    "Problem",
    "ReleaseTrain",
    "RepositoryTaskDefinition",
    "RollingRollout",
    "Rollout",
    "Scan",
    "Scheduled",
    "Source",
    "SpecError",
    "TaskDefinition",
    "Traffic",
    "Train",
    "Triggers",
    "Unread",
    "Verify",
    "load",
    "load_train",
    "parse",
    "place_in",
    "unread",
]
