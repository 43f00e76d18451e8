"""A CodeBuild project over a repository of its own, for tests that build."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.git_server import git
from tests.local_aws_process import LocalAws

WAIT_SECONDS = 60


class Project:
    """A CodeBuild project over a repository of its own."""

    def __init__(
        self, aws: LocalAws, folder: Path, buildspec: str, login: str = "", *, name: str = "", **files: str
    ) -> None:
        self.aws, self.name, self.client = aws, name or f"p-{uuid4().hex[:8]}", aws.client("codebuild")
        made = aws.client("codecommit").create_repository(repositoryName=self.name)["repositoryMetadata"]
        self.repository = aws.client("ecr").create_repository(repositoryName=self.name)["repository"]["repositoryUri"]
        self._folder, self._remote = folder, made["cloneUrlHttp"].replace("://", f"://{login}")
        folder.mkdir()
        git(folder, "init", "-q", "-b", "main")
        self.commit = self.push(**{"buildspec.yml": buildspec, **files})
        self.client.create_project(
            name=self.name,
            source={"type": "CODECOMMIT", "location": made["cloneUrlHttp"]},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "LINUX_CONTAINER",
                "image": "aws/codebuild/standard:7.0",
                "computeType": "BUILD_GENERAL1_SMALL",
                "environmentVariables": [{"name": "REPOSITORY_URI", "value": self.repository}],
            },
            serviceRole="arn:aws:iam::123456789012:role/build",
        )

    def push(self, **files: str) -> str:
        """Make these files part of the newest commit of `main`, which is what is built; its id."""
        for name, text in files.items():
            (self._folder / name).write_text(text)
        git(self._folder, "add", "-A")
        git(self._folder, "commit", "-q", "-m", "a change")
        git(self._folder, "push", "-q", self._remote, "HEAD:main")
        self.commit = git(self._folder, "rev-parse", "HEAD").strip()
        return self.commit

    def start(self, **asked: Any) -> str:
        return str(self.client.start_build(projectName=self.name, sourceVersion=self.commit, **asked)["build"]["id"])

    def build(self, build_id: str) -> dict[str, Any]:
        return self.client.batch_get_builds(ids=[build_id])["builds"][0]

    def ended(self, build_id: str) -> dict[str, Any]:
        until(lambda: self.build(build_id)["buildComplete"])
        return self.build(build_id)

    def log(self, build: dict[str, Any]) -> str:
        logs = self.aws.client("logs")
        group, stream = build["logs"]["groupName"], build["logs"]["streamName"]
        events = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)["events"]
        return "".join(event["message"] for event in events)


def until(holds: Callable[[], bool]) -> None:
    waiting, left = threading.Event(), WAIT_SECONDS / 0.1
    while not holds():
        left -= 1
        assert left > 0, "it never came"
        waiting.wait(0.1)


def phase(build: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in build["phases"] if each["phaseType"] == name)


def commands(*lines: str, post: str = "echo done") -> str:
    told = "\n".join(f"      - {line}" for line in lines)
    return f"version: 0.2\nphases:\n  build:\n    commands:\n{told}\n  post_build:\n    commands:\n      - {post}\n"
