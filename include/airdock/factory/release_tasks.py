"""From the words of a pipeline file to the tasks that lead to a release: from its source, or from its record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.definitions.xcom_arg import PlainXComArg

from airdock.aws.archives import Bucket
from airdock.aws.code_repositories import CodeRepository
from airdock.aws.hooks import Account
from airdock.aws.images import Repository
from airdock.aws.operators.choose_release import ChooseReleaseOperator
from airdock.aws.operators.codebuild import CodeBuildStartBuildOperator
from airdock.aws.operators.ecr import EcrWaitForScanOperator
from airdock.aws.operators.source import CloneSourceOperator
from airdock.spec import Pipeline, RepositoryTaskDefinition

STARTING_MINUTES = 15
"""What a build may wait for its turn, beyond its own time."""


@dataclass(frozen=True)
class Release:
    """Where an environment's tasks find what they bring: the records of source and build, as XComs.

    `made_by`: the tasks that led to the release, by their verbs, for the verdict to ask how they ended. `again`: a
    template that is "True" where the release has been live before, and needs no tasks before its traffic.
    """

    source: PlainXComArg
    build: PlainXComArg
    made_by: Mapping[str, BaseOperator] = field(default_factory=dict)
    again: str = ""


def clone_source(pipeline: Pipeline) -> BaseOperator:
    source, account = pipeline.source, _account(pipeline)
    return CloneSourceOperator(
        task_id="clone_source",
        application=pipeline.application,
        repository=CodeRepository(source.provider, source.repository, account, source.connection),
        revision="{{ params.revision }}",
        files=_files(pipeline),
        archive=Bucket(source.archive_bucket, account) if source.archive_bucket else None,
        newest_wins=pipeline.concurrency != "queue",
        triggers=pipeline.triggers,
    )


def choose_release(pipeline: Pipeline) -> BaseOperator:
    source, account = pipeline.source, _account(pipeline)
    return ChooseReleaseOperator(
        task_id="choose_release",
        application=pipeline.application,
        repository=CodeRepository(source.provider, source.repository, account, source.connection),
        files=_files(pipeline),
        environments=pipeline.environments,
        release="{{ params.release or '' }}",
        environment="{{ params.environment }}",
        from_environment="{{ params.from_environment or '' }}",
    )


def build(pipeline: Pipeline, source: Any) -> BaseOperator:
    return CodeBuildStartBuildOperator(
        task_id="build",
        account=_account(pipeline),
        application=pipeline.application,
        project=pipeline.build.project,
        repository=image_repository(pipeline),
        source=source.output,
        digest_variable=pipeline.build.digest_variable,
        deadline_minutes=pipeline.build.timeout_minutes + STARTING_MINUTES,
    )


def wait_for_scan(pipeline: Pipeline, build: Any) -> BaseOperator:
    return EcrWaitForScanOperator(
        task_id="wait_for_scan",
        repository=image_repository(pipeline),
        digest=f"{{{{ ti.xcom_pull(task_ids='{build.task_id}')['image']['digest'] }}}}",
        policy=pipeline.scan,
        platform=pipeline.image.platform,
    )


def _account(pipeline: Pipeline) -> Account:
    return Account(pipeline.aws_connection, pipeline.region)


def image_repository(pipeline: Pipeline) -> Repository:
    """Where the pipeline's images are."""
    return Repository(pipeline.image.repository, _account(pipeline), pipeline.image.registry or "")


def _files(pipeline: Pipeline) -> list[str]:
    """The files of the repository that the pipeline needs."""
    wanted = {pipeline.build.buildspec}
    for target in pipeline.environments.values():
        if isinstance(target.task_definition, RepositoryTaskDefinition):
            wanted.add(target.task_definition.path)
        if target.appspec:
            wanted.add(target.appspec)
    return sorted(wanted)
