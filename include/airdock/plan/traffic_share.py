"""How production traffic has moved: each share of the new version, and when it was first seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airdock.spec.codedeploy_rollout import AllAtOnce, Canary, CodeDeployRollout, Linear
from airdock.spec.ecs_rollout import BlueGreen, EcsRollout, NativeCanary, NativeLinear, RollingRollout

Facts = dict[str, Any]
Share = Mapping[str, Any]


def followed(before: Mapping[str, Any] | None, now: Facts, at: str) -> Facts:
    """The facts with `shares`, those of `before` and the one that is new: [{at: ISO 8601, percent}], oldest first.

    Facts of what moves no traffic stay as they are.
    """
    percent, known = _share(now), list((before or {}).get("shares") or ())
    if percent is None:
        return {**now, "shares": known} if known else now
    if not known or known[-1]["percent"] != percent:
        known.append({"at": at, "percent": percent})
    return {**now, "shares": known}


def carried_on(left: Sequence[Share] | None, seen: Sequence[Share]) -> list[Share]:
    """The shares that one has left, and what another, who began earlier than that, has seen of them since."""
    moved = list(left or ())
    for each in seen:
        last = moved[-1] if moved else {"at": "", "percent": None}
        if each not in moved and each["at"] >= last["at"] and each["percent"] != last["percent"]:
            moved.append(each)
    return moved


def _share(facts: Mapping[str, Any]) -> float | None:
    """The new version's percent of the traffic; CodeDeploy calls it green. None where nothing tells."""
    weights = facts.get("weights") or {}
    percent = weights.get("new", weights.get("green"))
    return None if percent is None else float(percent)


def planned_shares(rollout: CodeDeployRollout | EcsRollout | RollingRollout) -> list[float]:
    """The new version's shares in percent, one after the other; none where another knows them, or no traffic moves."""
    traffic = None if isinstance(rollout, RollingRollout) else rollout.traffic
    if isinstance(traffic, Canary | NativeCanary):
        return [float(traffic.percent), 100.0]
    if isinstance(traffic, Linear | NativeLinear):
        steps = int(-(-100 // traffic.percent))
        return [min(100.0, round(number * traffic.percent, 1)) for number in range(1, steps + 1)]
    return [100.0] if isinstance(traffic, AllAtOnce | BlueGreen) else []
