"""From the words of a pipeline file to the tasks of an environment; nothing here decides anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from airflow.sdk import Asset, BaseOperator

from airdock.aws.code_repositories import CodeRepository
from airdock.aws.hooks import Account
from airdock.aws.operators.announcing import Announcement
from airdock.aws.operators.approve import ApproveOperator
from airdock.aws.operators.codedeploy import CodeDeployCreateDeploymentOperator
from airdock.aws.operators.codedeploy_rollback import CodeDeployRollBackOperator
from airdock.aws.operators.ecs import EcsRegisterTaskDefinitionOperator
from airdock.aws.operators.ecs_revisions import EcsPruneRevisionsOperator
from airdock.aws.operators.ecs_rollback import EcsRollBackOperator
from airdock.aws.operators.ecs_service import EcsDeployServiceOperator
from airdock.aws.operators.ecs_task import EcsRunTaskOperator
from airdock.aws.operators.hold import HoldOperator
from airdock.aws.operators.image_parameter import SsmExportImageOperator
from airdock.aws.operators.preflight import PreflightOperator
from airdock.aws.operators.scheduled import EcsRetargetOperator
from airdock.aws.operators.verdict import VerdictOperator
from airdock.aws.operators.verify import VerifyServiceOperator
from airdock.aws.release_evidence import Scanned
from airdock.factory.release_tasks import Release, image_repository
from airdock.spec import Environment, Pipeline
from airdock.spec.one_off_task import OneOffTask
from airdock.spec.task_definition import InfrastructureTaskDefinition

PRUNING_AT_MOST = timedelta(minutes=5)
"""What is left then goes with the next delivery."""


def approve(pipeline: Pipeline, name: str, target: Environment, release: Release, **kwargs: Any) -> BaseOperator:
    scan = release.made_by.get("wait_for_scan")
    return ApproveOperator(
        task_id="approve",
        application=pipeline.application,
        environment=name,
        target=target,
        repository=_code_repository(pipeline),
        newest_wins=pipeline.concurrency != "queue",
        triggers=pipeline.triggers,
        source=release.source,
        build=release.build,
        scan_task=scan.task_id if scan else "",
        scanned=Scanned(image_repository(pipeline), pipeline.image.platform),
        again=release.again,
        **kwargs,
    )


def hold(pipeline: Pipeline, name: str, target: Environment, release: Release, **kwargs: Any) -> BaseOperator:
    return HoldOperator(
        task_id="hold",
        application=pipeline.application,
        environment=name,
        target=target,
        again=release.again,
        newest_wins=not release.again,
        announcement=announcement(pipeline, name, release),
        **kwargs,
    )


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


def prune(pipeline: Pipeline, target: Environment, register: Any) -> list[BaseOperator]:
    """Old revisions go while the new one is deployed; the verdict waits for it, but not for long, however it ends."""
    if target.keep_revisions is None:
        return []
    return [
        EcsPruneRevisionsOperator(
            task_id="prune",
            application=pipeline.application,
            target=target,
            task_definition=register.output,
            retries=0,
            execution_timeout=PRUNING_AT_MOST,
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
        announcement=announcement(pipeline, name, release),
        **kwargs,
    )


def announcement(pipeline: Pipeline, name: str, release: Release) -> Announcement:
    """Who hears of the environment's part of a delivery."""
    return Announcement(
        application=pipeline.application,
        environment=name,
        repository=_code_repository(pipeline),
        report=pipeline.report,
        notices=pipeline.notify,
        source=(release.source.operator.task_id, release.source.key),
    )


def _code_repository(pipeline: Pipeline) -> CodeRepository:
    source, account = pipeline.source, Account(pipeline.aws_connection, pipeline.region)
    return CodeRepository(source.provider, source.repository, account, source.connection)


def _by_codedeploy(target: Environment) -> bool:
    return target.rollout.strategy == "codedeploy"


def live_asset(application: str, environment: str) -> Asset:
    """The asset that gets an event when a release of the application is live, for other DAGs to begin by.

    Airflow takes a scheme that begins with x- as it is; for any other it imports all providers, the AWS SDK with them.
    """
    return Asset(f"{application} in {environment}", uri=f"x-airdock://{application}/{environment}")
