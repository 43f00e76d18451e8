"""What is measured between two steps of the traffic, and how good it must be for the next one."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from airdock.spec.check import CloudWatchCheck, HttpCheck, PrometheusCheck, SqlCheck
from airdock.spec.words import Part

LONGEST_WAITS_SECONDS = 3000
"""ECS waits an hour for an answer and then rolls back: the waits must leave time to measure."""

Check = Annotated[CloudWatchCheck | HttpCheck | SqlCheck | PrometheusCheck, Field(discriminator="kind")]


class Analysis(Part):
    """Measured before each step of the traffic; a check that fails rolls the release back."""

    checks: list[Check] = Field(
        min_length=1,
        max_length=20,
        description="What is measured; each has a name, a kind (cloudwatch, http, sql or prometheus) and a bound, such "
        "as {name: slowness, kind: cloudwatch, metrics: {slowest: {metric: TargetResponseTime, statistic: p99}}, "
        "at_most: 0.5}.",
    )
    window_minutes: int = Field(
        default=5, ge=1, le=1440, description="How far back is measured, but never before the step began."
    )
    when_inconclusive: Literal["continue", "roll_back"] = Field(
        default="roll_back", description="What is done where the values are still missing after all waits."
    )
    inconclusive_waits: int = Field(default=1, ge=0, le=100, description="How often is measured again before that.")
    wait_seconds: int = Field(default=60, ge=1, le=3600, description="How long each of these waits is.")

    @property
    def before_traffic(self) -> list[HttpCheck]:
        """The checks that are measured before any production traffic moves: those of the test listener."""
        return [check for check in self.checks if isinstance(check, HttpCheck) and check.test_listener]

    @field_validator("checks")
    @classmethod
    def _tell_checks_apart(cls, checks: list[Check]) -> list[Check]:
        names = [check.name for check in checks]
        if double := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"has the name {double!r} twice")
        return checks

    @model_validator(mode="after")
    def _answer_in_time(self) -> Self:
        seconds = self.inconclusive_waits * self.wait_seconds
        if seconds > LONGEST_WAITS_SECONDS:
            raise ValueError(
                f"{self.inconclusive_waits} waits of {self.wait_seconds} seconds are too long: ECS waits an hour for "
                f"an answer, so all waits may take {LONGEST_WAITS_SECONDS} seconds together"
            )
        return self
