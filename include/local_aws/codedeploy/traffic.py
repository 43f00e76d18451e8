"""How deployment configurations move traffic: "Working with deployment configurations" of the CodeDeploy guide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Config = dict[str, Any]
ALL_AT_ONCE = "CodeDeployDefault.ECSAllAtOnce"


class TrafficConfigError(ValueError):
    """A traffic routing configuration that CodeDeploy would refuse."""


@dataclass(frozen=True)
class Shift:
    """One move: this percentage on the replacement, then a rest of so many AWS minutes before the next move."""

    percent: int
    hold_minutes: float


def canary(percentage: int, minutes: int) -> Config:
    """Two moves: a percentage first, everything after so many minutes."""
    return {
        "type": "TimeBasedCanary",
        "timeBasedCanary": {"canaryPercentage": percentage, "canaryInterval": minutes},
    }


def linear(percentage: int, minutes: int) -> Config:
    """Equal moves, so many minutes apart."""
    return {
        "type": "TimeBasedLinear",
        "timeBasedLinear": {"linearPercentage": percentage, "linearInterval": minutes},
    }


PREDEFINED: dict[str, Config] = {
    ALL_AT_ONCE: {"type": "AllAtOnce"},
    "CodeDeployDefault.ECSCanary10Percent5Minutes": canary(10, 5),
    "CodeDeployDefault.ECSCanary10Percent15Minutes": canary(10, 15),
    "CodeDeployDefault.ECSLinear10PercentEvery1Minutes": linear(10, 1),
    "CodeDeployDefault.ECSLinear10PercentEvery3Minutes": linear(10, 3),
}


def schedule(config: Config) -> tuple[Shift, ...]:
    """The moves of a configuration, the last one to 100 percent.

    Raises TrafficConfigError.
    """
    match config.get("type"):
        case "AllAtOnce":
            return (Shift(100, 0),)
        case "TimeBasedCanary":
            percent, minutes = _numbers(config, "timeBasedCanary", "canaryPercentage", "canaryInterval")
            return Shift(percent, minutes), Shift(100, 0)
        case "TimeBasedLinear":
            percent, minutes = _numbers(config, "timeBasedLinear", "linearPercentage", "linearInterval")
            return (*(Shift(step, minutes) for step in range(percent, 100, percent)), Shift(100, 0))
    raise TrafficConfigError(f"no such traffic routing type: {config.get('type')}")


def _numbers(config: Config, section: str, percentage: str, interval: str) -> tuple[int, int]:
    given = config.get(section) or {}
    percent, minutes = given.get(percentage, 0), given.get(interval, 0)
    if not 1 <= percent <= 99:
        raise TrafficConfigError(f"{percentage} must be from 1 to 99, not {percent}")
    if not 1 <= minutes <= 2880:
        raise TrafficConfigError(f"{interval} must be from 1 to 2880 minutes, not {minutes}")
    return percent, minutes
