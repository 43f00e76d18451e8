"""Where an application runs, and how a release gets there."""

from __future__ import annotations

from pydantic import Field, ValidationInfo, field_validator

from airdock.spec.analysis import Analysis
from airdock.spec.approval import Approval
from airdock.spec.one_off_task import OneOffTask
from airdock.spec.rollout import Rollout
from airdock.spec.scheduled import Scheduled
from airdock.spec.task_definition import BUILT, ImageReference, RepositoryTaskDefinition, TaskDefinition
from airdock.spec.words import AwsName, ConnectionId, ContainerName, FilePath, Part, Region, WebAddress


class Verify(Part):
    """What the service must answer before the release counts as live."""

    url: WebAddress = Field(description="What is asked, usually the balancer's address. Redirects are not followed.")
    status: int = Field(default=200, ge=100, le=599, description="The status of a good answer.")
    contains: str = Field(default="", max_length=1000, description="A text that a good answer's body contains.")
    good_answers: int = Field(default=3, ge=1, le=100, description="How many good answers in a row are wanted.")
    timeout_seconds: int = Field(default=120, ge=1, le=3600, description="How long they may take to come.")


class Environment(Part):
    """One ECS service that releases are brought to."""

    aws_connection: ConnectionId = Field(
        default="aws_default", description="Airflow connection for the AWS account that the service is in."
    )
    region: Region | None = Field(default=None, description="The service's region; the connection's if left out.")
    cluster: AwsName = Field(description="The ECS cluster.")
    service: AwsName = Field(description="The ECS service.")
    container: ContainerName | None = Field(
        default=None,
        description="The container that gets the new image; may be left out where the task has only one.",
    )
    container_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="The port that the balancer sends traffic to, where no appspec file says it and it is not that of "
        "now. The container stays, be it the delivered one or a sidecar.",
    )
    images: dict[ContainerName, ImageReference] = Field(
        default={},
        description="More containers and the image of each: `built`, or a fixed image with its registry. Sidecars "
        "that are not named keep theirs. Needs `container`.",
    )
    task_definition: TaskDefinition = Field(
        default=RepositoryTaskDefinition.model_validate({"from": "repository"}),
        description="Who owns the task definition: {from: repository, path: ...}, {from: live}, or {from: "
        "infrastructure, parameter: ...}.",
    )
    appspec: FilePath | None = Field(
        default=None,
        description="The AppSpec file's path in the repository, for hooks, network settings and capacity providers. "
        "Settings that it leaves out stay as the service has them. Without it the AppSpec is made from the service and "
        "the task definition.",
    )
    rollout: Rollout = Field(description="How traffic moves to the new version.")
    analysis: Analysis | None = Field(
        default=None,
        description="What is measured before each step of the traffic, and how good it must be; for strategy ecs. With "
        "traffic of the type blue_green only the test listener can be asked, before all traffic moves at once.",
    )
    verify: Verify | None = Field(default=None, description="What the service must answer afterwards.")
    approval: Approval | None = Field(
        default=None, description="Who must approve a release before it goes here; nobody if left out."
    )

    before_traffic: list[OneOffTask] = Field(
        default=[],
        max_length=10,
        description="Tasks that the new version runs once, one after the other, before anything else happens to the "
        "service, such as a migration. When one fails, the service stays as it is.",
    )
    after_traffic: list[OneOffTask] = Field(
        default=[],
        max_length=10,
        description="Tasks that the new version runs once, one after the other, when it has all traffic.",
    )

    scheduled: list[Scheduled] = Field(
        default=[],
        max_length=50,
        description="Rules and schedules whose ECS targets run the service's family: they get each release's revision "
        "once it is live.",
    )

    keep_revisions: int | None = Field(
        default=10,
        ge=2,
        le=1000,
        description="How many of the newest revisions of the task definition are kept; older ones that Airdock has "
        "registered are deregistered, unless something uses them or a recorded release of any environment runs them. "
        "null keeps all.",
    )

    @field_validator("images")
    @classmethod
    def _leave_the_main_container(cls, images: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        container = info.data.get("container")
        if images and container is None:
            raise ValueError("needs `container`, to know which one is delivered and verified")
        if images.get(container or "", BUILT) != BUILT:
            raise ValueError(f"{container} is the container to deliver: its image is always the one that was built")
        return images

    @field_validator("analysis")
    @classmethod
    def _need_steps(cls, analysis: Analysis | None, info: ValidationInfo) -> Analysis | None:
        rollout = info.data.get("rollout")
        if analysis and rollout and rollout.strategy != "ecs":
            raise ValueError(f"needs the strategy ecs, which can stop between its steps; {rollout.strategy} can't")
        if analysis and rollout and rollout.traffic.type == "blue_green" and analysis.checks != analysis.before_traffic:
            raise ValueError(
                "needs traffic of the type canary or linear: blue_green has no step with a bit of traffic, and takes "
                "only checks of the kind http with `test_listener: true`"
            )
        return analysis

    @field_validator("after_traffic")
    @classmethod
    def _tell_tasks_apart(cls, tasks: list[OneOffTask], info: ValidationInfo) -> list[OneOffTask]:
        names = [task.name for task in (*info.data.get("before_traffic", ()), *tasks)]
        if double := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"has the name {double!r} twice, counted with before_traffic")
        return tasks
