"""From the words of a pipeline file to the tasks of its DAG; nothing here decides anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow.sdk import Asset, BaseOperator
from airflow.sdk.definitions.xcom_arg import PlainXComArg

from airdock.aws.archives import Bucket
from airdock.aws.code_repositories import CodeRepository
from airdock.aws.hooks import Account
from airdock.aws.images import Repository
from airdock.aws.operators.choose_release import ChooseReleaseOperator
from airdock.aws.operators.codebuild import CodeBuildStartBuildOperator
from airdock.aws.operators.codedeploy import CodeDeployCreateDeploymentOperator
from airdock.aws.operators.codedeploy_rollback import CodeDeployRollBackOperator
from airdock.aws.operators.ecr import EcrWaitForScanOperator
from airdock.aws.operators.ecs import EcsRegisterTaskDefinitionOperator
from airdock.aws.operators.ecs_revisions import EcsPruneRevisionsOperator
from airdock.aws.operators.ecs_rollback import EcsRollBackOperator
from airdock.aws.operators.ecs_service import EcsDeployServiceOperator
from airdock.aws.operators.ecs_task import EcsRunTaskOperator
from airdock.aws.operators.hold import HoldOperator
from airdock.aws.operators.image_parameter import SsmExportImageOperator
from airdock.aws.operators.preflight import PreflightOperator
from airdock.aws.operators.scheduled import EcsRetargetOperator
from airdock.aws.operators.source import CloneSourceOperator
from airdock.aws.operators.verdict import VerdictOperator
from airdock.aws.operators.verify import VerifyServiceOperator
from airdock.spec import Environment, Pipeline, RepositoryTaskDefinition
from airdock.spec.one_off_task import OneOffTask
from airdock.spec.task_definition import InfrastructureTaskDefinition

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
        repository=_repository(pipeline),
        source=source.output,
        digest_variable=pipeline.build.digest_variable,
        deadline_minutes=pipeline.build.timeout_minutes + STARTING_MINUTES,
    )


def wait_for_scan(pipeline: Pipeline, build: Any) -> BaseOperator:
    return EcrWaitForScanOperator(
        task_id="wait_for_scan",
        repository=_repository(pipeline),
        digest=f"{{{{ ti.xcom_pull(task_ids='{build.task_id}')['image']['digest'] }}}}",
        policy=pipeline.scan,
        platform=pipeline.image.platform,
    )


def hold(pipeline: Pipeline, name: str, target: Environment, **kwargs: Any) -> BaseOperator:
    return HoldOperator(task_id="hold", application=pipeline.application, environment=name, target=target, **kwargs)


def preflight(pipeline: Pipeline, name: str, target: Environment, release: Release) -> BaseOperator:
    return PreflightOperator(
        task_id="preflight",
        application=pipeline.application,
        environment=name,
        target=target,
        source=release.source,
        build=release.build,
        again=release.again,
    )


def register(pipeline: Pipeline, target: Environment, release: Release) -> BaseOperator:
    return EcsRegisterTaskDefinitionOperator(
        task_id="register",
        application=pipeline.application,
        target=target,
        source=release.source,
        build=release.build,
    )


def deploy(pipeline: Pipeline, name: str, target: Environment, release: Release, register: Any) -> BaseOperator:
    kind = CodeDeployCreateDeploymentOperator if _by_codedeploy(target) else EcsDeployServiceOperator
    return kind(
        task_id="deploy",
        application=pipeline.application,
        environment=name,
        target=target,
        source=release.source,
        task_definition=register.output,
    )


def around_traffic(
    pipeline: Pipeline, name: str, target: Environment, register: Any, wanted: Sequence[OneOffTask], again: str = ""
) -> list[BaseOperator]:
    """A task of the line for each one-off task."""
    return [
        EcsRunTaskOperator(
            task_id=f"run_{task.name}",
            application=pipeline.application,
            environment=name,
            target=target,
            task=task,
            task_definition=register.output,
            again=again,
        )
        for task in wanted
    ]


def follow(target: Environment, register: Any) -> dict[str, BaseOperator]:
    """What goes along with a release that is live: rules and schedules, and the image's parameter."""
    made: dict[str, BaseOperator] = {}
    if target.scheduled:
        made["retarget"] = EcsRetargetOperator(task_id="retarget", target=target, task_definition=register.output)
    if isinstance(owner := target.task_definition, InfrastructureTaskDefinition):
        made["export_image"] = SsmExportImageOperator(
            task_id="export_image",
            account=Account(target.aws_connection, target.region),
            parameter=owner.parameter,
            task_definition=register.output,
        )
    return made


def prune(pipeline: Pipeline, name: str, target: Environment, register: Any) -> list[BaseOperator]:
    """Old revisions go, beside the verdict: it always succeeds, and must not be a run's last word."""
    if target.keep_revisions is None:
        return []
    return [
        EcsPruneRevisionsOperator(
            task_id="prune",
            application=pipeline.application,
            environment=name,
            target=target,
            task_definition=register.output,
        )
    ]


def verify(target: Environment, register: Any) -> BaseOperator:
    return VerifyServiceOperator(task_id="verify", target=target, task_definition=register.output)


def roll_back(pipeline: Pipeline, name: str, target: Environment, register: Any, deploy: Any) -> BaseOperator:
    kind = CodeDeployRollBackOperator if _by_codedeploy(target) else EcsRollBackOperator
    return kind(
        task_id="roll_back",
        application=pipeline.application,
        environment=name,
        target=target,
        register_task=register.task_id,
        deploy_task=deploy.task_id,
    )


def verdict(
    pipeline: Pipeline,
    name: str,
    target: Environment,
    release: Release,
    group: Mapping[str, BaseOperator],
    earlier: Sequence[BaseOperator],
    **kwargs: Any,
) -> BaseOperator:
    return VerdictOperator(
        task_id="verdict",
        application=pipeline.application,
        environment=name,
        target=target,
        tasks={verb: task.task_id for verb, task in {**release.made_by, **group}.items()},
        source=(release.source.operator.task_id, release.source.key),
        earlier=[task.task_id for task in earlier],
        outlets=[live_asset(pipeline.application, name)],
        **kwargs,
    )


def _by_codedeploy(target: Environment) -> bool:
    return target.rollout.strategy == "codedeploy"


def live_asset(application: str, environment: str) -> Asset:
    """The asset that gets an event when a release of the application is live, for other DAGs to begin by."""
    return Asset(f"{application} in {environment}", uri=f"airdock://{application}/{environment}")


def _account(pipeline: Pipeline) -> Account:
    return Account(pipeline.aws_connection, pipeline.region)


def _repository(pipeline: Pipeline) -> Repository:
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
