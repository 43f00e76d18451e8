"""Where an application runs, and how a release gets there."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from airdock.spec.rollout import Rollout
from airdock.spec.words import AwsName, ConnectionId, ContainerName, FilePath, Part, Region, WebAddress


class RepositoryTaskDefinition(Part):
    """The task definition is a file in the repository, with placeholders where the image belongs."""

    type: Literal["repository"] = Field(alias="from", description="The repository's own file.")
    path: FilePath = Field(
        default="taskdef.json", description="Its path in the repository; <IMAGE1_NAME> stands for the image."
    )


class LiveTaskDefinition(Part):
    """The task definition that runs now; only the image changes."""

    type: Literal["live"] = Field(alias="from", description="What the service runs now.")


TaskDefinition = Annotated[RepositoryTaskDefinition | LiveTaskDefinition, Field(discriminator="type")]


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
        description="The port that the balancer sends traffic to, where no appspec file and no port mapping says it.",
    )
    task_definition: TaskDefinition = Field(
        default=RepositoryTaskDefinition.model_validate({"from": "repository"}),
        description="Where the task definition comes from: {from: repository, path: ...} or {from: live}.",
    )
    appspec: FilePath | None = Field(
        default=None,
        description="The AppSpec file's path in the repository, for hooks and network settings. "
        "Without it the AppSpec is made from the service and the task definition.",
    )
    rollout: Rollout = Field(description="How traffic moves to the new version.")
    verify: Verify | None = Field(default=None, description="What the service must answer afterwards.")
