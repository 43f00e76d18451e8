"""CodeBuild: builds that really run, on source that was really pushed, to images that are really there."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.git_server import git
from tests.local_aws_process import LocalAws

WAIT_SECONDS = 60
DOCKERFILE = (
    'ARG BASE=python:3.12-slim\nFROM ${BASE}\nWORKDIR /app\nCOPY app.py ./\nENV A=1\nCMD ["python3", "app.py"]\n'
)
BUILD_IMAGE = """
version: 0.2
env:
  exported-variables: [IMAGE_DIGEST, GREETING]
phases:
  pre_build:
    commands:
      - export GREETING="hello from $CODEBUILD_RESOLVED_SOURCE_VERSION"
      - aws ecr get-login-password | docker login --username AWS --password-stdin "${REPOSITORY_URI%%/*}"
  build:
    commands:
      - docker build -t "$REPOSITORY_URI:one" .
      - docker push "$REPOSITORY_URI:one" | tee push.log
      - export IMAGE_DIGEST=$(sed -n 's/.*digest:[[:space:]]*\\(sha256:[0-9a-f]*\\).*/\\1/p' push.log)
"""


class Project:
    """A CodeBuild project over a repository of its own."""

    def __init__(self, aws: LocalAws, folder: Path, buildspec: str, **files: str) -> None:
        self.aws, self.name, self.client = aws, f"p-{uuid4().hex[:8]}", aws.client("codebuild")
        made = aws.client("codecommit").create_repository(repositoryName=self.name)["repositoryMetadata"]
        self.repository = aws.client("ecr").create_repository(repositoryName=self.name)["repository"]["repositoryUri"]
        folder.mkdir()
        git(folder, "init", "-q", "-b", "main")
        for name, text in {"buildspec.yml": buildspec, **files}.items():
            (folder / name).write_text(text)
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", "first")
        git(folder, "push", "-q", made["cloneUrlHttp"], "HEAD:main")
        self.commit = git(folder, "rev-parse", "HEAD").strip()
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


@pytest.fixture
def project(local_aws: LocalAws, tmp_path: Path) -> Callable[..., Project]:
    return lambda buildspec, **files: Project(local_aws, tmp_path / "tree", buildspec, **files)


def commands(*lines: str, post: str = "echo done") -> str:
    told = "\n".join(f"      - {line}" for line in lines)
    return f"version: 0.2\nphases:\n  build:\n    commands:\n{told}\n  post_build:\n    commands:\n      - {post}\n"


def test_a_build_pushes_an_image_and_exports_its_digest(project: Callable[..., Project], local_aws: LocalAws) -> None:
    made = project(BUILD_IMAGE, **{"Dockerfile": DOCKERFILE, "app.py": "print('hello')\n"})
    build = made.ended(made.start())
    assert build["buildStatus"] == "SUCCEEDED", made.log(build)
    exported = {each["name"]: each["value"] for each in build["exportedEnvironmentVariables"]}
    [image] = local_aws.client("ecr").describe_images(repositoryName=made.name)["imageDetails"]
    assert exported["IMAGE_DIGEST"] == image["imageDigest"]
    assert exported["GREETING"] == f"hello from {made.commit}"
    assert build["resolvedSourceVersion"] == made.commit
    assert [each["phaseType"] for each in build["phases"]] == [
        "SUBMITTED", "QUEUED", "PROVISIONING", "DOWNLOAD_SOURCE", "INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD",
        "UPLOAD_ARTIFACTS", "FINALIZING", "COMPLETED",
    ]  # fmt: skip


def test_a_failed_command_is_named_and_post_build_is_told(project: Callable[..., Project]) -> None:
    made = project(
        commands("echo fine", "echo broken; exit 3", "echo never", post='echo "told $CODEBUILD_BUILD_SUCCEEDING"')
    )
    build = made.ended(made.start())
    assert build["buildStatus"] == "FAILED"
    context = phase(build, "BUILD")["contexts"][0]
    assert context["statusCode"] == "COMMAND_EXECUTION_ERROR"
    assert context["message"] == "Error while executing command: echo broken; exit 3. Reason: exit status 3"
    log = made.log(build)
    assert "told 0" in log
    assert "\nnever\n" not in log


def test_nothing_of_the_host_gets_into_a_build(
    project: Callable[..., Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = project(commands("env | sort"))
    build = made.ended(made.start())
    log = made.log(build)
    assert f"HOME={os.environ['HOME']}\n" not in log
    assert "DOCKER_CONFIG=" in log
    assert "PYTHONPATH" not in log


def test_a_token_starts_one_build_and_refuses_other_parameters(project: Callable[..., Project]) -> None:
    made = project(commands("echo fine"))
    first = made.start(idempotencyToken="token-of-this-test")
    assert made.start(idempotencyToken="token-of-this-test") == first
    with pytest.raises(made.client.exceptions.InvalidInputException):
        made.start(idempotencyToken="token-of-this-test", environmentVariablesOverride=[{"name": "A", "value": "1"}])


def test_a_build_that_is_stopped_says_so_and_leaves_nothing_running(
    project: Callable[..., Project], tmp_path: Path
) -> None:
    mark = tmp_path / "pid"
    made = project(commands(f"echo $$ > {mark}; sleep 300"))
    build_id = made.start()
    until(lambda: mark.exists() and bool(mark.read_text().strip()))
    made.client.stop_build(id=build_id)
    assert made.ended(build_id)["buildStatus"] == "STOPPED"
    until(lambda: not Path(f"/proc/{mark.read_text().strip()}").exists())


def test_a_build_under_way_is_run_again_after_kill_9(
    project: Callable[..., Project], local_aws: LocalAws, tmp_path: Path
) -> None:
    starts, go = tmp_path / "starts", tmp_path / "go"
    made = project(commands(f"echo started >> {starts}", f"while [ ! -e {go} ]; do sleep 0.1; done"))
    build_id = made.start()
    until(starts.exists)
    local_aws.kill9()
    local_aws.restart()
    until(lambda: starts.read_text().count("started") == 2)
    go.touch()
    assert made.ended(build_id)["buildStatus"] == "SUCCEEDED"
    assert len(made.client.list_builds_for_project(projectName=made.name)["ids"]) == 1


def test_an_unknown_commit_fails_in_the_source_phase(project: Callable[..., Project]) -> None:
    made = project(commands("echo fine"))
    made.commit = "0" * 40
    build = made.ended(made.start())
    assert build["buildStatus"] == "FAILED"
    assert "source version" in phase(build, "DOWNLOAD_SOURCE")["contexts"][0]["message"]


def test_the_stand_in_names_the_instruction_that_it_does_not_follow(project: Callable[..., Project]) -> None:
    made = project(commands("docker build ."), Dockerfile="FROM scratch\nRUN make\n")
    build = made.ended(made.start())
    assert build["buildStatus"] == "FAILED"
    assert "line 2: this stand-in for docker does not follow RUN" in made.log(build)
