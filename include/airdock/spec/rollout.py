"""How a release gets its traffic: who moves it, in which steps, and what stops it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from airdock.spec.codedeploy_rollout import CodeDeployRollout
from airdock.spec.ecs_rollout import EcsRollout, RollingRollout

Rollout = Annotated[CodeDeployRollout | EcsRollout | RollingRollout, Field(discriminator="strategy")]
