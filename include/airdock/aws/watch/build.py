"""How a CodeBuild build is followed, and what is kept of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from airdock.aws.faults import spoken
from airdock.aws.watch.subject import Facts, Lookup
from airdock.names import DELIVERY_VARIABLE

COMMIT_VARIABLE = "AIRDOCK_COMMIT"
"""The commit that a build builds: CodeBuild itself does not know it when the source comes as an archive."""
STILL_RUNNING = "IN_PROGRESS"
COMPLETED_PHASE = "COMPLETED"


class BuildWatch:
    """Facts of a build, plain JSON:

    id, arn, project, status (IN_PROGRESS, SUCCEEDED, FAILED, FAULT, TIMED_OUT, STOPPED), complete,
    phase: the current one, phases: [{name, status, seconds, contexts: [{code, message}]}],
    started_at, ended_at: ISO 8601 or None, commit: what is built, as AIRDOCK_COMMIT or CodeBuild itself says,
    delivery: the value of AIRDOCK_DELIVERY or "", exported: {variable: value},
    log: {group, stream} or None before there is one, console_url, artifact: an S3 ARN or "".
    """

    service = "codebuild"
    batch = 100

    def read(self, lookup: Lookup, ids: Sequence[str]) -> dict[str, Facts]:
        with spoken("reading the build"):
            answer = lookup("codebuild").batch_get_builds(ids=list(ids))
        return {build["id"]: build_facts(build) for build in answer.get("builds", [])}

    def finished(self, facts: Facts, options: Mapping[str, Any]) -> bool:  # noqa: ARG002 - no options
        return bool(facts["complete"])

    def progress(self, before: Facts | None, now: Facts) -> list[str]:
        return [*_beginning(before, now), *_phase_changes(before, now), *_end(before, now)]


def build_facts(build: Mapping[str, Any]) -> Facts:
    """What is kept of a build as BatchGetBuilds answers it."""
    variables = _variables(build)
    return {
        "id": build["id"],
        "arn": build.get("arn", ""),
        "project": build.get("projectName", ""),
        "status": build.get("buildStatus", STILL_RUNNING),
        "complete": bool(build.get("buildComplete")),
        "phase": build.get("currentPhase", ""),
        "phases": [_phase(phase) for phase in build.get("phases", [])],
        "started_at": _iso(build.get("startTime")),
        "ended_at": _iso(build.get("endTime")),
        "commit": variables.get(COMMIT_VARIABLE) or build.get("resolvedSourceVersion", ""),
        "delivery": variables.get(DELIVERY_VARIABLE, ""),
        "exported": {each["name"]: each.get("value", "") for each in build.get("exportedEnvironmentVariables", [])},
        "log": _log(build.get("logs") or {}),
        "console_url": console_url(_region(build), build["id"]),
        "artifact": (build.get("artifacts") or {}).get("location", ""),
    }


def console_url(region: str, build_id: str) -> str:
    """The page of a build in the console of the account that its reader is signed in to."""
    project = build_id.partition(":")[0]
    return f"https://{region}.console.aws.amazon.com/codesuite/codebuild/projects/{project}/build/{build_id}/"


def _region(build: Mapping[str, Any]) -> str:
    """From arn:<partition>:codebuild:<region>:<account>:build/<id>."""
    return str((build.get("arn", "").split(":") + [""] * 4)[3])


def _phase(phase: Mapping[str, Any]) -> dict[str, Any]:
    contexts = [
        {"code": each.get("statusCode", ""), "message": each.get("message", "")}
        for each in phase.get("contexts") or []
        if each.get("statusCode") or each.get("message")
    ]
    return {
        "name": phase["phaseType"],
        "status": phase.get("phaseStatus", ""),
        "seconds": phase.get("durationInSeconds"),
        "contexts": contexts,
    }


def _variables(build: Mapping[str, Any]) -> dict[str, str]:
    variables = (build.get("environment") or {}).get("environmentVariables", [])
    return {each["name"]: each["value"] for each in variables if each.get("type", "PLAINTEXT") == "PLAINTEXT"}


def _log(logs: Mapping[str, Any]) -> dict[str, str] | None:
    """The build's place in CloudWatch Logs: absent before PROVISIONING, and when a project logs elsewhere."""
    if not (logs.get("groupName") and logs.get("streamName")):
        return None
    return {"group": logs["groupName"], "stream": logs["streamName"]}


def _beginning(before: Facts | None, now: Facts) -> list[str]:
    return [] if before else [f"build {now['id']} of {now['commit']}: {now['console_url']}"]


def _phase_changes(before: Facts | None, now: Facts) -> list[str]:
    known = {_phase_line(phase) for phase in before["phases"]} if before else set()
    lines = [_phase_line(phase) for phase in now["phases"] if phase["name"] != COMPLETED_PHASE]
    return [line for line in lines if line not in known]


def _phase_line(phase: Mapping[str, Any]) -> str:
    took = "" if phase["seconds"] is None else f" after {phase['seconds']} s"
    causes = "".join(f"; {context['message']}" for context in phase["contexts"] if phase["status"] != "SUCCEEDED")
    return f"{phase['name']} {phase['status'] or 'begins'}{took}{causes}"


def _end(before: Facts | None, now: Facts) -> list[str]:
    news = now["complete"] and not (before and before["complete"])
    return [f"build {now['id']} {now['status']}"] if news else []


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
