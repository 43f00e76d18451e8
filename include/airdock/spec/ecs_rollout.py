"""Deployments that ECS does by itself: task by task, or with its own blue/green, linear and canary shifts.

Limits and defaults: Amazon ECS API Reference, DeploymentConfiguration.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from airdock.spec.deadline import fitting
from airdock.spec.words import AlarmName, Form, Part

LONGEST_STEP_MINUTES = 1440
LONGEST_DEADLINE_MINUTES = 43_200
"""ECS ends a service deployment after thirty days."""
FunctionName = Annotated[
    str, Form(r"[A-Za-z0-9:_$-]+", "the name or ARN of a Lambda function, or the ARN of a role", 170)
]
RoleArn = Annotated[str, Form(r"arn:[a-z-]+:iam::[0-9]{12}:role/[\x21-\x7e]+", "the ARN of an IAM role", 600)]
HookStage = Literal[
    "PRE_SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
]
ROLLING_STAGES = ("PRE_SCALE_UP", "POST_SCALE_UP")

OWN = "the service's own, as infrastructure code has set them, if left out; none for an empty list"

Alarms = Annotated[
    list[AlarmName] | None,
    Field(
        max_length=10,
        description=f"CloudWatch alarms that stop the deployment and roll it back when they fire; {OWN}.",
    ),
]


class CircuitBreaker(Part):
    """After so many failed starts of the new version the deployment is given up and rolled back."""

    enabled: bool = Field(default=True, description="Whether failed starts end the deployment.")
    threshold: int | None = Field(
        default=None,
        ge=1,
        le=10_000,
        description="How many failed starts in a row. If left out: 3, and with rolling half the tasks, 3 to 200.",
    )


class LambdaHook(Part):
    """A Lambda function that ECS asks at stages of the deployment whether it may go on."""

    function: FunctionName = Field(description="The function's ARN.")
    role: RoleArn = Field(description="The role with which ECS calls it.")
    stages: list[HookStage] = Field(min_length=1, description="When it is asked.")
    details: dict[str, Any] = Field(default={}, description="What it is told beside the deployment.")


class RollingRollout(Part):
    """New tasks replace old ones a few at a time, by ECS itself."""

    strategy: Literal["rolling"] = Field(description="Who moves the traffic.")
    minimum_healthy_percent: int = Field(
        default=100, ge=0, le=100, description="How much of the service must stay healthy meanwhile."
    )
    maximum_percent: int = Field(
        default=200, ge=100, le=400, description="How many tasks, old and new together, may run meanwhile."
    )
    circuit_breaker: CircuitBreaker = Field(
        default=CircuitBreaker(), description="When failed starts of the new version end the deployment."
    )
    alarms: Alarms = None
    hooks: list[LambdaHook] | None = Field(
        default=None,
        max_length=10,
        description="Lambda functions that ECS asks before and after the new tasks start: a rolling update has only "
        f"the stages PRE_SCALE_UP and POST_SCALE_UP; {OWN}.",
    )
    deadline_minutes: int = Field(
        default=60,
        ge=1,
        le=LONGEST_DEADLINE_MINUTES,
        description="How long the deployment may take; then it is stopped and rolled back.",
    )

    @field_validator("hooks")
    @classmethod
    def _know_the_stages(cls, hooks: list[LambdaHook] | None) -> list[LambdaHook] | None:
        for hook in hooks or ():
            if unknown := [stage for stage in hook.stages if stage not in ROLLING_STAGES]:
                raise ValueError(f"a rolling update has no stage {unknown[0]}, only {' and '.join(ROLLING_STAGES)}")
        return hooks

    @model_validator(mode="after")
    def _leave_room(self) -> Self:
        if self.minimum_healthy_percent == 100 and self.maximum_percent == 100:
            raise ValueError(
                "`minimum_healthy_percent` and `maximum_percent` are both 100: no task could be replaced. "
                "Lower the one or raise the other"
            )
        return self


class BlueGreen(Part):
    """All traffic in one step, once the new tasks are healthy."""

    type: Literal["blue_green"] = Field(default="blue_green", description="All traffic in one step.")

    @property
    def minutes(self) -> int:
        return 0


class NativeCanary(Part):
    """A first share of the traffic, and after a wait the rest."""

    type: Literal["canary"] = Field(description="A first share, then the rest.")
    percent: float = Field(default=5.0, ge=0.1, le=99.9, description="The first share of the traffic.")
    wait_minutes: int = Field(
        default=10, ge=0, le=LONGEST_STEP_MINUTES, description="How long the first share is watched."
    )

    @property
    def minutes(self) -> int:
        return self.wait_minutes


class NativeLinear(Part):
    """Equal shares of the traffic, one after the other."""

    type: Literal["linear"] = Field(description="Equal shares, one after the other.")
    percent: float = Field(default=10.0, ge=3.0, le=99.9, description="The share that moves in each step.")
    every_minutes: int = Field(default=6, ge=0, le=LONGEST_STEP_MINUTES, description="How long each step is watched.")

    @property
    def steps(self) -> int:
        """How many shares there are; the last one is what is left."""
        return int(-(-100 // self.percent))

    @property
    def minutes(self) -> int:
        return (self.steps - 1) * self.every_minutes


class EcsRollout(Part):
    """ECS's own blue/green: new tasks beside the old, a shift of traffic by the listener's rule, rollback by itself."""

    strategy: Literal["ecs"] = Field(description="Who moves the traffic.")
    traffic: Annotated[BlueGreen | NativeCanary | NativeLinear, Field(discriminator="type")] = Field(
        default=BlueGreen(), description="How the traffic moves: type blue_green, canary or linear."
    )
    bake_minutes: int = Field(
        default=5,
        ge=0,
        le=LONGEST_STEP_MINUTES,
        description="How long the old tasks stay, for a quick way back, once all traffic has moved.",
    )
    alarms: Alarms = None
    circuit_breaker: CircuitBreaker = Field(
        default=CircuitBreaker(),
        description="When failed starts of the new version end the deployment. ECS has a circuit breaker for rolling "
        "updates only; here Airdock counts.",
    )
    hooks: list[LambdaHook] | None = Field(
        default=None,
        max_length=10,
        description=f"Lambda functions that ECS asks at stages of the deployment; {OWN}. A pause of the service's own "
        "waits for people.",
    )
    deadline_minutes: int = Field(
        default=60,
        ge=1,
        le=LONGEST_DEADLINE_MINUTES,
        description="How long the deployment may take, its waits included; then it is stopped and rolled back.",
    )

    @model_validator(mode="after")
    def _fit_the_deadline(self) -> Self:
        return fitting(self, self.traffic.minutes + self.bake_minutes)
