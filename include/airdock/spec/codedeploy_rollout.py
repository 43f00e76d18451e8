"""Blue/green by CodeDeploy: how traffic moves from the old version to the new one."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from airdock.spec.deadline import fitting
from airdock.spec.words import AlarmName, CodeDeployName, Part

LONGEST_TRAFFIC_MINUTES = 2880
"""CodeDeploy keeps a deployment's old tasks for two days at most."""


class AllAtOnce(Part):
    """All traffic in one step, once the new tasks are healthy."""

    type: Literal["all_at_once"] = Field(default="all_at_once", description="All traffic in one step.")


class Canary(Part):
    """A first share of the traffic, and after a wait the rest."""

    type: Literal["canary"] = Field(description="A first share, then the rest.")
    percent: int = Field(default=10, ge=1, le=99, description="The first share of the traffic.")
    wait_minutes: int = Field(
        default=5, ge=1, le=LONGEST_TRAFFIC_MINUTES, description="How long the first share is watched."
    )

    @property
    def minutes(self) -> int:
        """How long the shift waits in all."""
        return self.wait_minutes


class Linear(Part):
    """Equal shares of the traffic, one after the other."""

    type: Literal["linear"] = Field(description="Equal shares, one after the other.")
    percent: int = Field(default=10, ge=1, le=99, description="The share that moves in each step.")
    every_minutes: int = Field(
        default=1, ge=1, le=LONGEST_TRAFFIC_MINUTES, description="How long each step is watched."
    )

    @property
    def minutes(self) -> int:
        """How long the shift waits in all."""
        return (-(-100 // self.percent) - 1) * self.every_minutes


class Configuration(Part):
    """A CodeDeploy deployment configuration by its name."""

    type: Literal["configuration"] = Field(default="configuration", description="A configuration that exists already.")
    configuration: CodeDeployName = Field(
        description="The name of a deployment configuration for ECS, such as CodeDeployDefault.ECSAllAtOnce."
    )


def _short_form(written: Any) -> Any:
    """`{configuration: name}` needs no `type`."""
    if isinstance(written, dict) and "configuration" in written and "type" not in written:
        return {"type": "configuration", **written}
    return written


Traffic = Annotated[
    Annotated[AllAtOnce | Canary | Linear | Configuration, Field(discriminator="type")],
    BeforeValidator(_short_form),
]


class CodeDeployRollout(Part):
    """Blue/green by AWS CodeDeploy: new tasks beside the old, a shift of traffic, rollback by itself."""

    strategy: Literal["codedeploy"] = Field(description="Who moves the traffic.")
    application: CodeDeployName = Field(description="The CodeDeploy application.")
    deployment_group: CodeDeployName = Field(description="The deployment group, which names service and balancer.")
    traffic: Traffic = Field(
        default=AllAtOnce(),
        description="How the traffic moves: type all_at_once, canary or linear, or configuration with a name.",
    )
    alarms: list[AlarmName] = Field(
        default=[],
        max_length=10,
        description="CloudWatch alarms that stop the deployment and roll it back when they fire, instead of the "
        "deployment group's; the group's if left out.",
    )
    success_at: Literal["traffic_shift", "termination"] = Field(
        default="termination",
        description="When the deployment counts as done: once all traffic has moved, or once the old tasks are gone.",
    )
    deadline_minutes: int = Field(
        default=60,
        ge=1,
        le=6000,
        description="How long the deployment may take, its waits included; then it is stopped and rolled back, unless "
        "all traffic has moved and only the old tasks have not ended.",
    )

    @model_validator(mode="after")
    def _fit_the_deadline(self) -> Self:
        waits = self.traffic.minutes if isinstance(self.traffic, Canary | Linear) else 0
        return fitting(self, waits)
