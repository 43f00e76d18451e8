"""From the traffic that a pipeline asks for to a CodeDeploy deployment configuration.

Predefined configurations and limits: AWS CodeDeploy User Guide, "Working with deployment configurations".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airdock.spec.codedeploy_rollout import AllAtOnce, Canary, Configuration, Linear

ALL_AT_ONCE = "CodeDeployDefault.ECSAllAtOnce"
PREDEFINED_CANARIES = {(10, 5): "5Minutes", (10, 15): "15Minutes"}
PREDEFINED_LINEAR_MINUTES = (1, 3)


@dataclass(frozen=True, slots=True)
class TrafficConfiguration:
    """A deployment configuration by name; `definition` is CreateDeploymentConfig's input, None for what exists."""

    name: str
    definition: Mapping[str, Any] | None
    sentence: str


def traffic_configuration(traffic: AllAtOnce | Canary | Linear | Configuration) -> TrafficConfiguration:
    """The configuration for a shift: a predefined one where it fits, else one of our own with a telling name."""
    match traffic:
        case Canary():
            return _canary(traffic.percent, traffic.wait_minutes)
        case Linear():
            return _linear(traffic.percent, traffic.every_minutes)
        case Configuration():
            return TrafficConfiguration(traffic.configuration, None, f"traffic moves as {traffic.configuration} says")
    return TrafficConfiguration(ALL_AT_ONCE, None, "all traffic moves in one step")


def _canary(percent: int, minutes: int) -> TrafficConfiguration:
    sentence = f"{percent} % of the traffic moves first, the rest {minutes} minutes later"
    if (percent, minutes) in PREDEFINED_CANARIES:
        name = f"CodeDeployDefault.ECSCanary{percent}Percent{PREDEFINED_CANARIES[percent, minutes]}"
        return TrafficConfiguration(name, None, sentence)
    routing = {
        "type": "TimeBasedCanary",
        "timeBasedCanary": {"canaryPercentage": percent, "canaryInterval": minutes},
    }
    return _own(f"Airdock.ECSCanary{percent}Percent{minutes}Minutes", routing, sentence)


def _linear(percent: int, minutes: int) -> TrafficConfiguration:
    sentence = f"{percent} % of the traffic moves every {minutes} minutes"
    if percent == 10 and minutes in PREDEFINED_LINEAR_MINUTES:
        return TrafficConfiguration(f"CodeDeployDefault.ECSLinear10PercentEvery{minutes}Minutes", None, sentence)
    routing = {
        "type": "TimeBasedLinear",
        "timeBasedLinear": {"linearPercentage": percent, "linearInterval": minutes},
    }
    return _own(f"Airdock.ECSLinear{percent}PercentEvery{minutes}Minutes", routing, sentence)


def _own(name: str, routing: Mapping[str, Any], sentence: str) -> TrafficConfiguration:
    definition = {"deploymentConfigName": name, "computePlatform": "ECS", "trafficRoutingConfig": routing}
    return TrafficConfiguration(name, definition, sentence)
