"""Tasks that a clock or an event starts, and that follow an environment's releases."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from airdock.spec.words import Form, Part

EventsName = Annotated[str, Form(r"[A-Za-z0-9._/-]+", "letters, digits and . - _ /", 256)]


class Scheduled(Part):
    """A rule of EventBridge or a schedule of EventBridge Scheduler whose ECS targets run the service's family."""

    rule: EventsName | None = Field(default=None, description="The rule's name.")
    bus: EventsName = Field(default="default", description="The rule's event bus.")
    schedule: EventsName | None = Field(default=None, description="The schedule's name.")
    group: EventsName = Field(default="default", description="The schedule's group.")

    @model_validator(mode="after")
    def _be_one_of_two(self) -> Self:
        if (self.rule is None) == (self.schedule is None):
            raise ValueError("must name either a rule or a schedule")
        return self
