"""The release train: who goes with it, and when and how it goes."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field

from airdock.spec.words import ApplicationName, Cron, EnvironmentName, Form, Part


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        near = get_close_matches(name, available_timezones(), n=1, cutoff=0.6)
        raise ValueError(
            "must be a timezone of the IANA database, such as Europe/Berlin"
            + (f"; did you mean {near[0]}?" * len(near))
        ) from None
    return name


TimeZone = Annotated[str, Form(r"[A-Za-z0-9_+/-]+", "the name of a timezone", 100), AfterValidator(_known_zone)]


class Train(Part):
    """How an application goes with the release train; `{}` is enough."""

    depends_on: list[ApplicationName] = Field(
        default=[],
        max_length=50,
        description="The applications that must be live before this one, where they have something new as well.",
    )


class ReleaseTrain(Part):
    """The whole file `dags/release_train.yaml`."""

    schedule: Cron = Field(description="When the train leaves, as a cron expression: 30 2 * * 1-5.")
    timezone: TimeZone = Field(default="UTC", description="The timezone in which the schedule is meant.")
    environment: EnvironmentName | None = Field(
        default=None, description="How far each delivery goes; to the last environment of its pipeline if left out."
    )
    at_once: int = Field(default=4, ge=1, le=50, description="How many applications are delivered at the same time.")
    on_failure: Literal["stop", "put_back"] = Field(
        default="stop",
        description="What happens when an application does not come live. In both cases no later wave begins; with "
        "put_back, those that the train has brought live return to the releases that they had.",
    )
    deadline_hours: int = Field(
        default=6, ge=1, le=72, description="How long the train waits for one delivery, its approvals included."
    )
    owner: str = Field(default="", max_length=100, description="Who answers for the train: a person or a team.")
