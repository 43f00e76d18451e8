"""Who hears of a delivery's end, and by which way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from airdock.spec.words import ConnectionId, EnvironmentName, Form, Part, Region

Ending = Literal["live", "rolled_back", "refused", "failed", "stopped", "superseded"]

TopicArn = Annotated[
    str,
    Form(
        r"arn:aws(-[a-z]+)*:sns:[a-z]{2}(-[a-z]+)+-[0-9]:[0-9]{12}:[A-Za-z0-9_-]{1,256}",
        "the ARN of an SNS topic that is no FIFO topic, such as arn:aws:sns:eu-west-1:123456789012:deliveries",
        400,
    ),
]
MailAddress = Annotated[str, Form(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9][A-Za-z0-9.-]*", "a mail address", 254)]
Channel = Annotated[str, Form(r"[^\s\x00-\x1f\x7f]+", "a channel's name or id", 100)]


class _Notice(Part):
    on: list[Ending] = Field(
        default=["live", "rolled_back", "refused", "failed", "stopped"],
        min_length=1,
        description="The outcomes that are told.",
    )
    environments: list[EnvironmentName] | None = Field(
        default=None, min_length=1, description="The environments whose outcomes are told; all if left out."
    )


class SnsNotice(_Notice):
    """A message to an SNS topic."""

    to: Literal["sns"] = Field(description="By which way.")
    topic: TopicArn = Field(description="The topic's ARN.")
    aws_connection: ConnectionId = Field(
        default="aws_default", description="Airflow connection that may publish to it."
    )


class SesNotice(_Notice):
    """A mail through SES."""

    to: Literal["ses"] = Field(description="By which way.")
    sender: MailAddress = Field(description="The sender, whom SES has verified.")
    recipients: list[MailAddress] = Field(min_length=1, max_length=50, description="Who gets it.")
    aws_connection: ConnectionId = Field(default="aws_default", description="Airflow connection that may send mail.")
    region: Region | None = Field(default=None, description="SES's region; the connection's if left out.")


class ChimeNotice(_Notice):
    """A message in an Amazon Chime room."""

    to: Literal["chime"] = Field(description="By which way.")
    connection: ConnectionId = Field(default="chime_default", description="Airflow connection with the room's webhook.")


class SlackNotice(_Notice):
    """A message in a Slack channel; needs apache-airflow-providers-slack."""

    to: Literal["slack"] = Field(description="By which way.")
    connection: ConnectionId = Field(
        default="slack_default",
        description="Airflow connection with an incoming webhook; with `channel`, one with an API token.",
    )
    channel: Channel | None = Field(default=None, description="The channel; an incoming webhook has its own.")


class AppriseNotice(_Notice):
    """A message by whatever Apprise reaches; needs apache-airflow-providers-apprise."""

    to: Literal["apprise"] = Field(description="By which way.")
    connection: ConnectionId = Field(default="apprise_default", description="Airflow connection with Apprise's config.")


Notice = Annotated[
    SnsNotice | SesNotice | ChimeNotice | SlackNotice | AppriseNotice,
    Field(discriminator="to"),
]


def check_environments(notices: Iterable[Notice], known: Iterable[str]) -> None:
    """Raises ValueError where a notice waits for an environment that is not there."""
    names = list(known)
    for each in notices:
        for wanted in each.environments or ():
            if names and wanted not in names:
                raise ValueError(f"names the environment {wanted!r}, but there is only {', '.join(names)}")
