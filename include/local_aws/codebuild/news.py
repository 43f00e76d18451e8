"""CodeBuild's events: "CodeBuild build notifications"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_aws.world import World

LOG_NAMES = {"groupName": "group-name", "streamName": "stream-name", "deepLink": "deep-link"}


def told(build: Mapping[str, Any]) -> dict[str, Any]:
    """What both events say of a build."""
    return {
        "build-id": build["arn"],
        "project-name": build["projectName"],
        "current-phase": build["currentPhase"],
        "additional-information": {
            "build-complete": build["buildComplete"],
            "initiator": build["initiator"],
            "source": build["source"],
            "source-version": build.get("sourceVersion", ""),
            "build-number": build["buildNumber"],
            "timeout-in-minutes": build["timeoutInMinutes"],
            "artifact": {"location": build.get("artifacts", {}).get("location", "")},
            "logs": {LOG_NAMES[key]: value for key, value in build.get("logs", {}).items()},
            "phases": [_phase(each) for each in build["phases"]],
        },
    }


def state_changed(of: World, build: Mapping[str, Any]) -> None:
    detail = {"build-status": build["buildStatus"], **told(build)}
    of.events.emit("aws.codebuild", "CodeBuild Build State Change", detail, [build["arn"]])


def phase_changed(of: World, build: Mapping[str, Any]) -> None:
    """After a phase has ended: the last of the build's phases."""
    last = build["phases"][-1]
    detail = {
        "completed-phase": last["phaseType"],
        "completed-phase-status": last["phaseStatus"],
        "completed-phase-duration-seconds": last["durationInSeconds"],
        **told(build),
    }
    of.events.emit("aws.codebuild", "CodeBuild Build Phase Change", detail, [build["arn"]])


def _phase(phase: Mapping[str, Any]) -> dict[str, Any]:
    names = {"phaseType": "phase-type", "phaseStatus": "phase-status", "durationInSeconds": "duration-in-seconds"}
    contexts = [f"{each['statusCode']}: {each['message']}" for each in phase.get("contexts", [])]
    return {**{name: phase[key] for key, name in names.items() if key in phase}, "phase-context": contexts}
