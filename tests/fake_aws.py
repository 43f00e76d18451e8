"""A hand-written CodeBuild, ECR and CloudWatch Logs: just what an image is made with, in memory and at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError, ConnectionClosedError

from tests.builders import DIGEST

REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"


def an_error(code: str, operation: str = "Operation") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "told by the fake"}}, operation)


@dataclass
class FakeCodeBuild:
    """Builds end as `outcomes` say, one for each build, and then all with the last of them."""

    outcomes: list[dict[str, Any]] = field(default_factory=lambda: [{}])
    builds: list[dict[str, Any]] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    lose_replies: int = 0
    refuse_calls: int = 0
    meta: Any = field(default_factory=lambda: SimpleNamespace(region_name="eu-west-1"))

    def start_build(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        if self.refuse_calls:
            self.refuse_calls -= 1
            raise an_error("ThrottlingException", "StartBuild")
        known = [build for build in self.builds if build["token"] == request["idempotencyToken"]]
        build = known[0] if known else self._built(request)
        if self.lose_replies:
            self.lose_replies -= 1
            raise ConnectionClosedError(endpoint_url="http://fake")
        return {"build": build}

    def list_builds_for_project(self, projectName: str, sortOrder: str) -> dict[str, Any]:
        assert sortOrder == "DESCENDING"
        return {"ids": [build["id"] for build in reversed(self.builds)]}

    def batch_get_builds(self, ids: list[str]) -> dict[str, Any]:
        assert 0 < len(ids) <= 100
        return {"builds": [build for build in self.builds if build["id"] in ids]}

    def _built(self, request: dict[str, Any]) -> dict[str, Any]:
        number = len(self.builds) + 1
        outcome = self.outcomes[min(number, len(self.outcomes)) - 1]
        build = {
            "id": f"{request['projectName']}:{number}",
            "arn": f"arn:aws:codebuild:eu-west-1:123456789012:build/{request['projectName']}:{number}",
            "projectName": request["projectName"],
            "token": request["idempotencyToken"],
            "buildStatus": "SUCCEEDED",
            "buildComplete": True,
            "resolvedSourceVersion": request.get("sourceVersion", ""),
            "environment": {"environmentVariables": request["environmentVariablesOverride"]},
            "exportedEnvironmentVariables": [{"name": "IMAGE_DIGEST", "value": DIGEST}],
            "logs": {"groupName": "/aws/codebuild/greeter", "streamName": str(number)},
            **outcome,
        }
        self.builds.append(build)
        return build


@dataclass
class FakeEcr:
    """A repository; `scans` are the answers to one look after the other, the last one for good."""

    digests: list[str] = field(default_factory=lambda: [DIGEST])
    manifest: dict[str, Any] = field(default_factory=dict)
    scans: list[Any] = field(default_factory=list)
    scanned: list[str] = field(default_factory=list)

    def describe_images(self, repositoryName: str, imageIds: list[dict[str, str]]) -> dict[str, Any]:
        if imageIds[0]["imageDigest"] not in self.digests:
            raise an_error("ImageNotFoundException")
        return {"imageDetails": [{"imageDigest": imageIds[0]["imageDigest"], "imageTags": ["v1"]}]}

    def describe_repositories(self, repositoryNames: list[str]) -> dict[str, Any]:
        return {"repositories": [{"repositoryUri": f"{REGISTRY}/{repositoryNames[0]}"}]}

    def batch_get_image(self, imageIds: list[dict[str, str]], **_: Any) -> dict[str, Any]:
        known = imageIds[0]["imageDigest"] in self.digests
        return {"images": [{"imageManifest": json.dumps(self.manifest)}] if known else []}

    def describe_image_scan_findings(self, imageId: dict[str, str], **_: Any) -> dict[str, Any]:
        self.scanned.append(imageId["imageDigest"])
        answer = self.scans.pop(0) if len(self.scans) > 1 else self.scans[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def get_paginator(self, operation: str) -> FakeEcr:
        assert operation == "describe_image_scan_findings"
        return self

    def paginate(self, **parameters: Any) -> Iterator[dict[str, Any]]:
        yield self.describe_image_scan_findings(**parameters)


@dataclass
class FakeLogs:
    lines: list[str] = field(default_factory=list)

    def get_log_events(self, logGroupName: str, logStreamName: str, limit: int) -> dict[str, Any]:
        return {"events": [{"message": line} for line in self.lines[-limit:]]}


@dataclass
class FakeAccount:
    """Stands where an Account does."""

    codebuild: FakeCodeBuild = field(default_factory=FakeCodeBuild)
    ecr: FakeEcr = field(default_factory=FakeEcr)
    logs: FakeLogs = field(default_factory=FakeLogs)
    s3: Any = None

    def client(self, service: str, *, once: bool = False) -> Any:
        return getattr(self, service)
