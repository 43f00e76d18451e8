"""What a push to CodeCommit changed, asked with the login that deliveries use."""

from __future__ import annotations

from pathlib import Path

import pytest

from airdock.aws.changed_files import changed_files
from airdock.aws.hooks import Account
from airdock.errors import Refused
from airdock.spec import parse
from tests.builders import a_pipeline_text
from tests.git_server import git
from tests.local_aws_process import REGION, LocalAws


def test_codecommit_tells_what_differs_between_two_commits(
    account: Account, local_aws: LocalAws, tmp_path: Path
) -> None:
    created = local_aws.client("codecommit").create_repository(repositoryName="greeter")
    url = created["repositoryMetadata"]["cloneUrlHttp"]
    (tmp_path / "one.txt").write_text("one")
    before = committed(tmp_path)
    (tmp_path / "two.txt").write_text("two")
    after = committed(tmp_path)
    git(tmp_path, "push", "-q", url, "main")

    pipeline = parse(a_pipeline_text("environments:", f"region: {REGION}\nenvironments:"))
    assert changed_files(pipeline, before, after) == ["two.txt"]
    with pytest.raises(Refused):
        changed_files(pipeline, "a" * 40, after)


def committed(folder: Path) -> str:
    if not (folder / ".git").exists():
        git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "Change")
    return git(folder, "rev-parse", "HEAD").strip()
