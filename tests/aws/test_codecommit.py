"""CodeCommit: real pushes and the fetches that Airdock makes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.git_server import git
from tests.local_aws_process import LocalAws


@pytest.fixture
def repository(local_aws: LocalAws) -> dict[str, Any]:
    name = f"repo-{uuid4().hex[:8]}"
    return local_aws.client("codecommit").create_repository(repositoryName=name)["repositoryMetadata"]


@pytest.fixture
def tree(tmp_path: Path, repository: dict[str, Any]) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    git(folder, "remote", "add", "origin", repository["cloneUrlHttp"])
    return folder


def push(tree: Path, content: str) -> str:
    (tree / "file").write_text(content)
    git(tree, "add", "-A")
    git(tree, "commit", "-q", "-m", content[:20])
    git(tree, "push", "-q", "origin", "HEAD:main")
    return git(tree, "rev-parse", "HEAD").strip()


def test_a_push_moves_the_branch(local_aws: LocalAws, repository: dict[str, Any], tree: Path) -> None:
    sha = push(tree, "one")
    name = repository["repositoryName"]
    client = local_aws.client("codecommit")
    assert client.get_branch(repositoryName=name, branchName="main")["branch"]["commitId"] == sha
    assert client.get_commit(repositoryName=name, commitId=sha)["commit"]["message"].strip() == "one"


def test_a_large_push_and_a_full_clone_agree(repository: dict[str, Any], tree: Path, tmp_path: Path) -> None:
    sha = push(tree, "x" * 3_000_000 + uuid4().hex)
    git(tmp_path, "clone", "-q", repository["cloneUrlHttp"], "copy")
    assert git(tmp_path / "copy", "rev-parse", "HEAD").strip() == sha


def test_exactly_one_commit_can_be_fetched_without_its_files(
    repository: dict[str, Any], tree: Path, tmp_path: Path
) -> None:
    first = push(tree, "one")
    push(tree, "two")
    bare = tmp_path / "bare"
    git(tmp_path, "init", "-q", "--bare", str(bare))
    git(bare, "fetch", "-q", "--depth=1", "--filter=blob:none", repository["cloneUrlHttp"], first)
    assert git(bare, "rev-list", "--count", "FETCH_HEAD").strip() == "1"


def test_a_push_is_told_to_eventbridge_and_the_effect_log(
    local_aws: LocalAws, repository: dict[str, Any], tree: Path
) -> None:
    name = repository["repositoryName"]
    queues, events = local_aws.client("sqs"), local_aws.client("events")
    url = queues.create_queue(QueueName=name)["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(
        Name=name, EventPattern=json.dumps({"source": ["aws.codecommit"], "resources": [repository["Arn"]]})
    )
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    sha = push(tree, "one")
    [message] = queues.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]
    detail = json.loads(message["Body"])["detail"]
    assert (detail["event"], detail["referenceName"], detail["commitId"]) == ("referenceCreated", "main", sha)
    assert [each["params"]["after"] for each in local_aws.effects("codecommit", "push")][-1] == sha


def test_pushed_commits_survive_kill_9(local_aws: LocalAws, repository: dict[str, Any], tree: Path) -> None:
    sha = push(tree, "one")
    local_aws.kill9()
    local_aws.restart()
    branch = local_aws.client("codecommit").get_branch(repositoryName=repository["repositoryName"], branchName="main")
    assert branch["branch"]["commitId"] == sha


def test_differences_name_what_was_added_modified_and_deleted(
    local_aws: LocalAws, repository: dict[str, Any], tree: Path
) -> None:
    (tree / "old").write_text("")
    first = push(tree, "one")
    (tree / "old").unlink()
    (tree / "docs").mkdir()
    (tree / "docs" / "new").write_text("")
    second = push(tree, "two")
    client, name = local_aws.client("codecommit"), repository["repositoryName"]
    pages = client.get_paginator("get_differences").paginate(
        repositoryName=name, beforeCommitSpecifier=first, afterCommitSpecifier=second, MaxResults=2
    )
    found = [each for page in pages for each in page["differences"]]
    told = {(each.get("afterBlob") or each["beforeBlob"])["path"]: each["changeType"] for each in found}
    assert told == {"docs/new": "A", "file": "M", "old": "D"}
    inside = client.get_differences(repositoryName=name, afterCommitSpecifier=second, afterPath="docs")["differences"]
    assert [each["afterBlob"]["path"] for each in inside] == ["docs/new"]
    with pytest.raises(client.exceptions.CommitDoesNotExistException):
        client.get_differences(repositoryName=name, afterCommitSpecifier="f" * 40)


def test_a_deleted_repository_is_gone_for_git_too(local_aws: LocalAws, repository: dict[str, Any], tree: Path) -> None:
    push(tree, "one")
    client = local_aws.client("codecommit")
    assert client.delete_repository(repositoryName=repository["repositoryName"])["repositoryId"]
    assert "repositoryId" not in client.delete_repository(repositoryName=repository["repositoryName"])
    with pytest.raises(subprocess.CalledProcessError):
        git(tree, "ls-remote", repository["cloneUrlHttp"])


def test_git_wants_a_login_when_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_AWS_GIT_CREDENTIALS", "ada:secret")
    aws = LocalAws(tmp_path / "state").start()
    try:
        url = aws.client("codecommit").create_repository(repositoryName="app")["repositoryMetadata"]["cloneUrlHttp"]
        with pytest.raises(subprocess.CalledProcessError):
            git(tmp_path, "-c", "core.askPass=true", "ls-remote", url)
        assert git(tmp_path, "ls-remote", url.replace("://", "://ada:secret@")) == ""
    finally:
        aws.end()


def test_an_unknown_repository_is_refused(local_aws: LocalAws) -> None:
    client = local_aws.client("codecommit")
    with pytest.raises(client.exceptions.RepositoryDoesNotExistException):
        client.get_repository(repositoryName="nobody")
