"""A pipeline: an application's way to production, as its team writes it into one file."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from airdock.spec.environment import Environment
from airdock.spec.image import Build, Image, Scan
from airdock.spec.notifications import Notice, check_environments
from airdock.spec.release_train import Train
from airdock.spec.report import Report
from airdock.spec.source import Source
from airdock.spec.triggers import Triggers
from airdock.spec.words import ApplicationName, ConnectionId, Cron, EnvironmentName, Part, Region

Concurrency = Literal["supersede", "queue", "parallel"]


class Pipeline(Part):
    """An application's way to production."""

    application: ApplicationName = Field(description="The application's name, and the file's: greeter in greeter.yaml.")
    description: str = Field(default="", max_length=1000, description="What the application is, for its DAG's page.")
    owner: str = Field(default="", max_length=100, description="Who answers for it: a person or a team.")
    aws_connection: ConnectionId = Field(
        default="aws_default",
        description="Airflow connection for the AWS account of source, build and image.",
    )
    region: Region | None = Field(
        default=None, description="The region of source, build and image; the connection's if left out."
    )
    source: Source = Field(description="Where the code is.")
    build: Build = Field(description="How the code is tested and becomes an image.")
    image: Image = Field(description="Where the image is kept.")
    scan: Scan = Field(default=Scan(), description="What the image's scan may find.")
    environments: dict[EnvironmentName, Environment] = Field(
        min_length=1,
        max_length=10,
        description="The environments that releases are brought to, by their names and in this order.",
    )
    schedule: Cron | None = Field(
        default=None,
        description="When to deliver by the clock, as a cron expression in UTC; never if left out.",
    )
    concurrency: Concurrency = Field(
        default="supersede",
        description="What happens when releases come faster than they are delivered. supersede: one after the other, "
        "and a push that another has overtaken ends there. queue: every push is delivered, in turn. parallel: as "
        "supersede, but several are built and scanned at once.",
    )
    triggers: Triggers = Field(
        default=Triggers(), description="Which pushes start a delivery; those to the source's branch if left out."
    )
    train: Train | None = Field(
        default=None, description="How the application goes with the release train; not at all if left out."
    )
    report: Report = Field(default=Report(), description="What the repository's forge is told of its commits.")
    notify: list[Notice] = Field(
        default=[],
        max_length=20,
        description="Who hears of a delivery's end: through SNS, SES, Chime, Slack or Apprise.",
    )

    @field_validator("report")
    @classmethod
    def _have_a_forge(cls, report: Report, info: ValidationInfo) -> Report:
        if "source" in info.data:
            report.check(info.data["source"])
        return report

    @field_validator("notify")
    @classmethod
    def _know_the_environments(cls, notices: list[Notice], info: ValidationInfo) -> list[Notice]:
        check_environments(notices, info.data.get("environments", {}))
        return notices
