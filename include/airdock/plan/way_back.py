"""Which way leads from a failed delivery back to what ran before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from airdock.plan.adoption import State


class Way(StrEnum):
    """What is to be done."""

    STOP = "stop"
    FOLLOW = "follow"
    CONFIRM = "confirm"
    REDEPLOY = "redeploy"
    LEAVE = "leave"
    """Production is neither ours nor what was before: somebody has deployed since, and that is not ours to undo."""


@dataclass(frozen=True, slots=True)
class WayBack:
    way: Way
    sentence: str


def choose_way_back(
    deployment: Mapping[str, Any], state: State, *, over: bool, runs_now: str, delivered: str, ran_before: str
) -> WayBack:
    """Choose by the facts of the run's own deployment (`id`, `status` in AWS's word), and what its status means.

    `over`: whether AWS will do nothing more of its own accord, a rollback included. `runs_now`, `ran_before`: the
    ARNs of the primary task definition now, and when the delivery recorded it; `delivered`: that of the delivery.
    """
    name, status = f"the deployment {deployment['id']}", deployment["status"].lower()
    if state is State.RUNNING and not over:
        return WayBack(Way.STOP, f"{name} is still active: it is stopped, which takes the traffic back")
    if not over:
        return WayBack(Way.FOLLOW, f"{name} has {status} and is being rolled back")
    if runs_now == ran_before:
        return WayBack(Way.CONFIRM, f"{name} has {status} and production runs {ran_before}")
    if runs_now != delivered:
        return WayBack(Way.LEAVE, f"production runs {runs_now}, which another has deployed since: it is left alone")
    return WayBack(Way.REDEPLOY, f"production runs {runs_now}: deploying {ran_before} again")
