"""CodeBuild's API."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any
from uuid import uuid4

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse, EmptyResult

from local_aws.codebuild import news, records
from local_aws.world import world

TOKEN_MINUTES = 5
SHORTEST_TOKEN_SECONDS = 60
TOKEN = "codebuild.token"  # noqa: S105 - a kind of document
OVERRIDES = {
    "sourceTypeOverride": "type",
    "sourceLocationOverride": "location",
    "buildspecOverride": "buildspec",
}


class ResourceNotFoundException(ServiceException):
    code = "ResourceNotFoundException"


class ResourceAlreadyExistsException(ServiceException):
    code = "ResourceAlreadyExistsException"


class InvalidInputException(ServiceException):
    code = "InvalidInputException"


class CodeBuildResponse(BaseResponse):
    """Projects and builds."""

    def __init__(self) -> None:
        super().__init__(service_name="codebuild")
        self.automated_parameter_parsing = True

    def create_project(self) -> ActionResult:
        asked = dict(self._get_params())
        if world().store.get(records.PROJECT, asked["name"]):
            raise ResourceAlreadyExistsException(
                "ResourceAlreadyExistsException", f"Project already exists: {self._arn('project', asked['name'])}"
            )
        now = records.stamp(world().clock.now())
        project = {
            "timeoutInMinutes": 60,
            **asked,
            "arn": self._arn("project", asked["name"]),
            "created": now,
            "lastModified": now,
            "_builds": 0,
        }
        world().store.put(records.PROJECT, asked["name"], project)
        return ActionResult({"project": records.shown(project)})

    def update_project(self) -> ActionResult:
        asked = dict(self._get_params())
        project = {**self._project(asked["name"]), **asked, "lastModified": records.stamp(world().clock.now())}
        world().store.put(records.PROJECT, asked["name"], project)
        return ActionResult({"project": records.shown(project)})

    def delete_project(self) -> ActionResult:
        world().store.delete(records.PROJECT, self._get_param("name"))
        return EmptyResult()

    def batch_get_projects(self) -> ActionResult:
        names = self._get_param("names")
        found = [project for name in names if (project := world().store.get(records.PROJECT, name))]
        missing = [name for name in names if not world().store.get(records.PROJECT, name)]
        return ActionResult({"projects": [records.shown(each) for each in found], "projectsNotFound": missing})

    def list_projects(self) -> ActionResult:
        return ActionResult({"projects": sorted(each["name"] for each in world().store.all(records.PROJECT))})

    def start_build(self) -> ActionResult:
        asked = dict(self._get_params())
        project = self._project(asked["projectName"])
        token = asked.pop("idempotencyToken", None)
        if token and (known := self._started_before(token, asked)):
            return ActionResult({"build": records.shown(known)})
        build = self._new(project, asked)
        world().store.put(records.KIND, build["id"], build)
        if token:
            world().store.put(TOKEN, token, {"at": time.time(), "build": build["id"], "asked": _fingerprint(asked)})
        news.state_changed(world(), build)
        world().threads.wakeups.notify()
        return ActionResult({"build": records.shown(build)})

    def batch_get_builds(self) -> ActionResult:
        ids = self._get_param("ids")
        found = {each: world().store.get(records.KIND, each) for each in ids}
        told = [records.shown(build) for build in found.values() if build]
        return ActionResult({"builds": told, "buildsNotFound": [each for each in ids if not found[each]]})

    def list_builds_for_project(self) -> ActionResult:
        name = self._project(self._get_param("projectName"))["name"]
        return ActionResult({"ids": self._ids(lambda build: build["projectName"] == name)})

    def list_builds(self) -> ActionResult:
        return ActionResult({"ids": self._ids(lambda _: True)})

    def stop_build(self) -> ActionResult:
        build_id = self._get_param("id")
        if world().store.get(records.KIND, build_id) is None:
            raise ResourceNotFoundException("ResourceNotFoundException", f"Build does not exist: {build_id}")
        build = world().store.update(records.KIND, build_id, lambda known: {**known, "_stop": True})
        world().threads.wakeups.notify()
        return ActionResult({"build": records.shown(build)})

    def _project(self, name: str) -> dict[str, Any]:
        project = world().store.get(records.PROJECT, name)
        if project is None:
            arn = self._arn("project", name)
            raise ResourceNotFoundException("ResourceNotFoundException", f"Project cannot be found: {arn}")
        return project

    def _started_before(self, token: str, asked: dict[str, Any]) -> dict[str, Any] | None:
        known = world().store.get(TOKEN, token)
        life = max(world().clock.minutes(TOKEN_MINUTES), SHORTEST_TOKEN_SECONDS)
        if known is None or time.time() - known["at"] > life:
            return None
        if known["asked"] != _fingerprint(asked):
            message = "An idempotencyToken was provided, but the other parameters do not match the first request"
            raise InvalidInputException("InvalidInputException", message)
        return world().store.get(records.KIND, known["build"])

    def _new(self, project: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
        number = world().store.update(
            records.PROJECT, project["name"], lambda known: {**known, "_builds": known["_builds"] + 1}
        )["_builds"]
        now, build_id = records.stamp(world().clock.now()), f"{project['name']}:{uuid4()}"
        overrides = {name: asked[key] for key, name in OVERRIDES.items() if asked.get(key)}
        build = {
            "id": build_id,
            "arn": self._arn("build", build_id),
            "projectName": project["name"],
            "buildNumber": number,
            "initiator": "local",
            "startTime": now,
            "buildStatus": records.RUNNING,
            "buildComplete": False,
            "source": {**project["source"], **overrides},
            "sourceVersion": asked.get("sourceVersion") or project.get("sourceVersion", ""),
            "environment": {**project["environment"], "environmentVariables": _variables(project, asked)},
            "timeoutInMinutes": asked.get("timeoutInMinutesOverride") or project["timeoutInMinutes"],
            "phases": [],
            "currentPhase": "SUBMITTED",
            "_artifacts": project.get("artifacts", {}),
        }
        return records.end_phase(records.begin_phase(build, "SUBMITTED", now), "SUCCEEDED", now)

    def _ids(self, wanted: Any) -> list[str]:
        builds = [build for build in world().store.all(records.KIND) if wanted(build)]
        newest_first = self._get_param("sortOrder", "DESCENDING") == "DESCENDING"
        ordered = sorted(builds, key=lambda build: build["startTime"], reverse=newest_first)
        return [build["id"] for build in ordered[:100]]

    def _arn(self, kind: str, name: str) -> str:
        return f"arn:aws:codebuild:{self.region}:{world().settings.account}:{kind}/{name}"


def _variables(project: dict[str, Any], asked: dict[str, Any]) -> list[dict[str, str]]:
    """The project's variables, overridden by name by the call's."""
    given = [*project["environment"].get("environmentVariables", []), *asked.get("environmentVariablesOverride", [])]
    by_name = {each["name"]: {"type": "PLAINTEXT", **each} for each in given}
    return list(by_name.values())


def _fingerprint(asked: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()
