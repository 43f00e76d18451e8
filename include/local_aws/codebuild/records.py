"""The document of a build: CodeBuild's own shape of it, with `_`-names for what only this machine knows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

KIND = "codebuild.build"
PROJECT = "codebuild.project"
RUNNING = "IN_PROGRESS"


def stamp(now: datetime) -> float:
    """CodeBuild tells times in seconds since 1970."""
    return now.timestamp()


def begin_phase(build: Mapping[str, Any], phase: str, at: float) -> dict[str, Any]:
    """The build in its next phase."""
    phases = [*build["phases"], {"phaseType": phase, "startTime": at}]
    return {**build, "currentPhase": phase, "phases": phases}


def end_phase(build: Mapping[str, Any], status: str, at: float, message: str = "", code: str = "") -> dict[str, Any]:
    """The build with its current phase ended; `code` and `message` make the phase's context."""
    *before, last = build["phases"]
    ended = {
        **last,
        "phaseStatus": status,
        "endTime": at,
        "durationInSeconds": int(at - last["startTime"]),
        "contexts": [{"statusCode": code, "message": message}],
    }
    return {**build, "phases": [*before, ended]}


def finished(build: Mapping[str, Any], status: str, at: float, exported: Mapping[str, str]) -> dict[str, Any]:
    """The build at its end; everything that a reader wants is there in the same write as the end."""
    phases = [*build["phases"], {"phaseType": "COMPLETED", "startTime": at}]
    told = [{"name": name, "value": value} for name, value in exported.items()]
    return {
        **build,
        "currentPhase": "COMPLETED",
        "phases": phases,
        "buildStatus": status,
        "buildComplete": True,
        "endTime": at,
        "exportedEnvironmentVariables": told,
    }


def shown(build: Mapping[str, Any]) -> dict[str, Any]:
    """The build as the API tells it."""
    return {key: value for key, value in build.items() if not key.startswith("_")}
