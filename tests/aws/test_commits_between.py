"""Which commits lie between two, asked with the login that deliveries use."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from airdock.aws.commits_between import commits_between
from airdock.aws.hooks import Account
from airdock.errors import Fault, Refused
from airdock.source.commits import brought
from airdock.source.git import opened
from airdock.source.remote import Remote
from airdock.spec import parse
from tests.aws.test_changed_files import committed
from tests.builders import a_pipeline_text
from tests.git_server import git
from tests.local_aws_process import REGION, LocalAws


def test_codecommit_tells_the_commits_of_the_newer_that_the_older_does_not_have(
    account: Account, local_aws: LocalAws, tmp_path: Path
) -> None:
    created = local_aws.client("codecommit").create_repository(repositoryName="greeter")
    made = []
    for name in ("one", "two", "three"):
        (tmp_path / name).write_text(name)
        made.append(committed(tmp_path))
    git(tmp_path, "push", "-q", created["repositoryMetadata"]["cloneUrlHttp"], "main")

    pipeline = parse(a_pipeline_text("environments:", f"region: {REGION}\nenvironments:"))
    first, *later = made
    found = commits_between(pipeline, later[-1], first)
    assert [(each.sha, each.subject, each.author) for each in found] == [
        (sha, "Change", "Ada") for sha in reversed(later)
    ]
    assert commits_between(pipeline, first, later[-1]) == []
    with pytest.raises(Refused):
        commits_between(pipeline, later[-1], "a" * 40)


def test_server_that_takes_the_question_and_never_answers_is_left_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        remote = Remote(f"http://127.0.0.1:{silent.getsockname()[1]}/app.git")
        with opened(remote) as repository, pytest.raises(Fault, match="fetch had not ended"):
            brought(replace(repository, longest_seconds=0.5), "a" * 40, "b" * 40)
