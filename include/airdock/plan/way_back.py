"""Which way leads from a failed delivery back to what ran before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

ENDED = frozenset({"Succeeded", "Failed", "Stopped"})


class Way(StrEnum):
    """What is to be done."""

    NOTHING = "nothing"
    STOP = "stop"
    FOLLOW = "follow"
    CONFIRM = "confirm"
    REDEPLOY = "redeploy"


@dataclass(frozen=True, slots=True)
class WayBack:
    way: Way
    sentence: str


def choose_way_back(deployment: Mapping[str, Any] | None, *, over: bool, runs_now: str, ran_before: str) -> WayBack:
    """Choose by the facts of the run's own deployment.

    `over`: whether CodeDeploy will do nothing more of its own accord, a rollback included. `runs_now`, `ran_before`:
    the ARNs of the primary task definition now, and when the delivery recorded it.
    """
    if deployment is None:
        return WayBack(Way.NOTHING, "this run has deployed nothing, so there is nothing to roll back")
    name = f"the deployment {deployment['id']}"
    if deployment["status"] not in ENDED:
        return WayBack(Way.STOP, f"{name} is still active: stopping it makes CodeDeploy shift the traffic back")
    if not over:
        return WayBack(Way.FOLLOW, f"{name} has {deployment['status'].lower()} and CodeDeploy is rolling it back")
    if runs_now == ran_before:
        return WayBack(Way.CONFIRM, f"{name} has {deployment['status'].lower()} and production runs {ran_before}")
    return WayBack(Way.REDEPLOY, f"production runs {runs_now}: deploying {ran_before} again")
