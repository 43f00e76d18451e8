"""CodeBuild's API."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse, EmptyResult

from local_aws.codebuild import news, orders, records
from local_aws.world import world

TOKEN_MINUTES = 5
SHORTEST_TOKEN_SECONDS = 60
TOKEN = "codebuild.token"  # noqa: S105 - a kind of document
LARGEST_PAGE = 100
_starting = threading.Lock()
"""Two calls with one token come one after the other, so that one build is started."""


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
        token = asked.pop("idempotencyToken", "")
        try:
            orders.check(asked)
        except orders.OrderError as error:
            raise InvalidInputException("InvalidInputException", str(error)) from None
        return self._started(asked, token)

    def retry_build(self) -> ActionResult:
        return self._started(self._build(self._get_param("id"))["_asked"], self._get_param("idempotencyToken") or "")

    def batch_get_builds(self) -> ActionResult:
        ids = self._get_param("ids")
        if len(ids) > LARGEST_PAGE:
            raise InvalidInputException("InvalidInputException", f"At most {LARGEST_PAGE} build ids")
        found = {each: world().store.get(records.KIND, each) for each in ids}
        told = [records.shown(build) for build in found.values() if build]
        return ActionResult({"builds": told, "buildsNotFound": [each for each in ids if not found[each]]})

    def list_builds_for_project(self) -> ActionResult:
        name = self._project(self._get_param("projectName"))["name"]
        return ActionResult(self._ids(lambda build: build["projectName"] == name))

    def list_builds(self) -> ActionResult:
        return ActionResult(self._ids(lambda _: True))

    def stop_build(self) -> ActionResult:
        build_id = self._build(self._get_param("id"))["id"]
        build = world().store.update(records.KIND, build_id, lambda known: {**known, "_stop": True})
        world().threads.wakeups.notify()
        return ActionResult({"build": records.shown(build)})

    def _project(self, name: str) -> dict[str, Any]:
        project = world().store.get(records.PROJECT, name)
        if project is None:
            arn = self._arn("project", name)
            raise ResourceNotFoundException("ResourceNotFoundException", f"Project cannot be found: {arn}")
        return project

    def _build(self, build_id: str) -> dict[str, Any]:
        build = world().store.get(records.KIND, build_id)
        if build is None:
            raise ResourceNotFoundException("ResourceNotFoundException", f"Build does not exist: {build_id}")
        return build

    def _started(self, asked: dict[str, Any], token: str) -> ActionResult:
        project = self._project(asked["projectName"])
        with _starting:
            build = self._started_before(token, asked) or self._new(project, asked, token)
        return ActionResult({"build": records.shown(build)})

    def _started_before(self, token: str, asked: dict[str, Any]) -> dict[str, Any] | None:
        known = world().store.get(TOKEN, token) if token else None
        life = max(world().clock.minutes(TOKEN_MINUTES), SHORTEST_TOKEN_SECONDS)
        if known is None or time.time() - known["at"] > life:
            return None
        if known["asked"] != orders.fingerprint(asked):
            message = "An idempotencyToken was provided, but the other parameters do not match the first request"
            raise InvalidInputException("InvalidInputException", message)
        return world().store.get(records.KIND, known["build"])

    def _new(self, project: dict[str, Any], asked: dict[str, Any], token: str) -> dict[str, Any]:
        store, build_id = world().store, f"{project['name']}:{uuid4()}"
        number = store.update(records.PROJECT, project["name"], _one_more)["_builds"]
        named = {"id": build_id, "arn": self._arn("build", build_id), "buildNumber": number}
        build = orders.build(project, asked, named, records.stamp(world().clock.now()))
        if token:
            # Before the build: whoever dies in between has promised a build that is then started under the token.
            told = {"at": time.time(), "build": build_id, "asked": orders.fingerprint(asked)}
            store.put(TOKEN, token, told)
        store.put(records.KIND, build_id, build)
        news.state_changed(world(), build)
        world().threads.wakeups.notify()
        return build

    def _ids(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        builds = [build for build in world().store.all(records.KIND) if wanted(build)]
        newest_first = self._get_param("sortOrder", "DESCENDING") == "DESCENDING"
        ordered = sorted(builds, key=lambda build: build["startTime"], reverse=newest_first)
        begin = int(self._get_param("nextToken") or 0)
        end = begin + LARGEST_PAGE
        more = {"nextToken": str(end)} if end < len(ordered) else {}
        return {"ids": [build["id"] for build in ordered[begin:end]], **more}

    def _arn(self, kind: str, name: str) -> str:
        return f"arn:aws:codebuild:{self.region}:{world().settings.account}:{kind}/{name}"


def _one_more(project: dict[str, Any]) -> dict[str, Any]:
    return {**project, "_builds": project["_builds"] + 1}
