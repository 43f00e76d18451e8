"""What StartBuild makes of a project and the call's own parameters; pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from local_aws.codebuild import records

SHORTEST_MINUTES, LONGEST_MINUTES = 5, 2160
SOURCE = {"sourceTypeOverride": "type", "sourceLocationOverride": "location", "buildspecOverride": "buildspec"}
ENVIRONMENT = {
    "environmentTypeOverride": "type",
    "imageOverride": "image",
    "computeTypeOverride": "computeType",
    "privilegedModeOverride": "privilegedMode",
}
"""Told again by BatchGetBuilds; the build runs on this machine all the same."""
TAKEN = {
    "projectName",
    "sourceVersion",
    "environmentVariablesOverride",
    "artifactsOverride",
    "timeoutInMinutesOverride",
    *SOURCE,
    *ENVIRONMENT,
}


class OrderError(Exception):
    """A parameter that CodeBuild, or this one, does not take."""


def check(asked: Mapping[str, Any]) -> None:
    """Raises OrderError."""
    if unknown := sorted(asked.keys() - TAKEN):
        raise OrderError(f"the local CodeBuild does not follow {', '.join(unknown)}")
    minutes = asked.get("timeoutInMinutesOverride")
    if minutes is not None and not SHORTEST_MINUTES <= minutes <= LONGEST_MINUTES:
        raise OrderError(f"Invalid timeout: {minutes} is not between {SHORTEST_MINUTES} and {LONGEST_MINUTES} minutes")


def build(project: Mapping[str, Any], asked: Mapping[str, Any], named: Mapping[str, Any], at: float) -> dict[str, Any]:
    """The document of a build that waits for its turn; `named`: id, arn and buildNumber."""
    environment = {**project["environment"], **_overridden(asked, ENVIRONMENT)}
    artifacts = {**project.get("artifacts", {}), **asked.get("artifactsOverride", {})}
    ordered = {
        **named,
        "projectName": project["name"],
        "initiator": "local",
        "startTime": at,
        "buildStatus": records.RUNNING,
        "buildComplete": False,
        "source": {**project["source"], **_overridden(asked, SOURCE)},
        "sourceVersion": asked.get("sourceVersion") or project.get("sourceVersion", ""),
        "environment": {**environment, "environmentVariables": variables(project, asked)},
        "timeoutInMinutes": asked.get("timeoutInMinutesOverride") or project["timeoutInMinutes"],
        "phases": [],
        "_artifacts": artifacts,
        "_asked": dict(asked),
    }
    submitted = records.end_phase(records.begin_phase(ordered, "SUBMITTED", at), "SUCCEEDED", at)
    return records.begin_phase(submitted, "QUEUED", at)


def variables(project: Mapping[str, Any], asked: Mapping[str, Any]) -> list[dict[str, str]]:
    """The project's variables, overridden by name by the call's."""
    given = [*project["environment"].get("environmentVariables", []), *asked.get("environmentVariablesOverride", [])]
    by_name = {each["name"]: {"type": "PLAINTEXT", **each} for each in given}
    return list(by_name.values())


def fingerprint(asked: Mapping[str, Any]) -> str:
    """The same for the same parameters."""
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()


def _overridden(asked: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {name: asked[key] for key, name in names.items() if asked.get(key) is not None}
