"""The first task of a delivery, with a git server and the S3 and CodeCommit of the local AWS."""

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airdock.aws.archives import Bucket
from airdock.aws.code_repositories import CodeRepository
from airdock.aws.heads import Head, Heads
from airdock.aws.operators.source import CloneSourceOperator
from airdock.release import Source
from airdock.spec.triggers import Triggers
from tests.fakes import a_context
from tests.git_server import GitServer, git, serving
from tests.local_aws_process import REGION


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    root = tmp_path / "served"
    root.mkdir()
    with serving(root) as state:
        yield state


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "buildspec.yml").write_text("version: 0.2\n")
    (folder / "taskdef.json").write_text("{}\n")
    return folder


def execute(repository: CodeRepository, **changes: Any) -> Source:
    arguments: dict[str, Any] = {
        "task_id": "clone_source",
        "application": "greeter",
        "repository": repository,
        "revision": "main",
        "files": ["buildspec.yml", "taskdef.json"],
    }
    operator = CloneSourceOperator(**(arguments | changes))
    return Source.from_json(operator.execute(a_context("clone_source")))


def test_clone_source_hands_on_the_commit_with_its_author_and_files(account, server, work):
    sha = server.push(work)
    source = execute(CodeRepository("git", server.url(), account))
    assert (source.commit.sha, source.commit.ref, source.commit.application) == (sha, "main", "greeter")
    assert (source.commit.author, source.commit.subject) == ("Ada", "Say hello")
    assert source.files == {"buildspec.yml": "version: 0.2\n", "taskdef.json": "{}\n"}
    assert (source.clone_url, source.archive) == (server.url(), None)


def test_clone_source_refuses_a_file_that_is_missing_and_tells_which(account, server, work):
    server.push(work)
    context = a_context("clone_source")
    operator = CloneSourceOperator(
        task_id="clone_source",
        application="greeter",
        repository=CodeRepository("git", server.url(), account),
        revision="main",
        files=["appspec.yaml"],
    )
    with pytest.raises(AirflowFailException, match=r"no file 'appspec\.yaml'"):
        operator.execute(context)
    assert "appspec.yaml" in context["ti"].xcoms["clone_source", "reason"]


def test_clone_source_stores_the_tree_once_for_each_content(account, server, work, local_aws):
    s3 = local_aws.client("s3")
    s3.create_bucket(Bucket="sources", CreateBucketConfiguration={"LocationConstraint": REGION})
    archive, repository = Bucket("sources", account), CodeRepository("git", server.url(), account)
    server.push(work)
    first = execute(repository, archive=archive)
    server.push(work)
    second = execute(repository, archive=archive)
    assert first.commit.sha != second.commit.sha
    assert first.archive == second.archive
    assert len(local_aws.effects("s3", "PutObject")) == 1
    bucket, _, key = str(first.archive).removeprefix("s3://").partition("/")
    with zipfile.ZipFile(io.BytesIO(s3.get_object(Bucket=bucket, Key=key)["Body"].read())) as packed:
        assert packed.read("buildspec.yml") == b"version: 0.2\n"


def test_clone_source_refuses_an_archive_bucket_that_is_not_there(account, server, work):
    server.push(work)
    with pytest.raises(AirflowFailException, match="NoSuchBucket"):
        execute(CodeRepository("git", server.url(), account), archive=Bucket("absent", account))


def test_clone_source_asks_codecommit_for_the_address_and_needs_no_connection_for_it(account, work, local_aws):
    made = local_aws.client("codecommit").create_repository(repositoryName="greeter")["repositoryMetadata"]
    git(work, "init", "-q", "-b", "main")
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "Say hello")
    git(work, "push", "-q", made["cloneUrlHttp"], "main")
    source = execute(CodeRepository("codecommit", "greeter", account))
    assert source.commit.sha == git(work, "rev-parse", "HEAD").strip()
    assert source.clone_url == made["cloneUrlHttp"]
    assert source.files["taskdef.json"] == "{}\n"


def test_clone_source_refuses_a_codecommit_repository_that_is_not_there(account):
    with pytest.raises(AirflowFailException, match="RepositoryDoesNotExist"):
        execute(CodeRepository("codecommit", "absent", account))


def test_a_param_that_there_is_not_is_refused_before_anything_happens(account, server, work):
    server.push(work)
    for conf, hint in (({"enviroment": "staging"}, "did you mean 'environment'?"), ({"x": 1}, "there are revision, ")):
        context = a_context("clone_source")
        context["dag_run"].conf = conf
        operator = CloneSourceOperator(
            task_id="clone_source",
            application="greeter",
            repository=CodeRepository("git", server.url(), account),
            revision="main",
            files=[],
        )
        with pytest.raises(AirflowFailException, match=re.escape(hint)):
            operator.execute(context)
    assert server.requests == []


def pushed(server, account, revision: str, ref: str, application: str = "greeter", **arguments):
    """What clone_source makes of a push: the context afterwards, and what it raised."""
    context = a_context("clone_source", params={"ref": ref})
    operator = CloneSourceOperator(
        task_id="clone_source",
        application=application,
        repository=CodeRepository("git", server.url(), account),
        revision=revision,
        files=["buildspec.yml"],
        **arguments,
    )
    try:
        operator.execute(context)
    except AirflowFailException as refused:
        return context["ti"].xcoms, str(refused)
    return context["ti"].xcoms, ""


def test_of_pushes_in_any_order_the_branchs_head_is_delivered_and_the_others_are_superseded(account, server, work):
    first, second, third = server.push(work), server.push(work), server.push(work)
    for old in (first, second, first):
        left, refused = pushed(server, account, old, "refs/heads/main")
        assert left["clone_source", "deployment_outcome"] == "superseded"
        assert f"main is at {third[:12]} by now: the push of {old[:12]} was overtaken" in refused
    left, refused = pushed(server, account, third, "refs/heads/main")
    assert (refused, ("clone_source", "deployment_outcome") in left) == ("", False)


def test_a_push_to_a_branch_that_is_gone_is_superseded_and_one_of_a_tag_is_not_asked_for(account, server, work):
    sha = server.push(work)
    assert "gone is gone" in pushed(server, account, sha, "refs/heads/gone")[1]
    assert pushed(server, account, sha, "refs/tags/v1")[1] == ""


def test_a_pipeline_that_queues_delivers_a_push_that_was_overtaken(account, server, work):
    first, _ = server.push(work), server.push(work)
    assert pushed(server, account, first, "refs/heads/main", newest_wins=False)[1] == ""


def test_in_a_shared_repository_only_a_newer_commit_of_its_own_paths_overtakes_a_push(account, server, work):
    def push(path: str) -> str:
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_text(uuid4().hex)
        return server.push(work)

    own = Triggers(paths=["services/a"], shared=["libs"])
    first, _ = push("services/a/app.py"), push("services/b/app.py")
    left, refused = pushed(server, account, first, "refs/heads/main", triggers=own)
    assert (refused, ("clone_source", "deployment_outcome") in left) == ("", False)
    for path in ("libs/words.py", "services/a/app.py"):
        newest = push(path)
        assert f"main is at {newest[:12]} by now" in pushed(server, account, first, "refs/heads/main", triggers=own)[1]
        first = newest


def test_where_git_can_not_tell_what_changed_since_a_push_the_branchs_head_wins(account, server, work):
    server.push(work)
    own = Triggers(paths=["services/a"])
    assert "was overtaken" in pushed(server, account, "a" * 40, "refs/heads/main", triggers=own)[1]


@pytest.mark.parametrize("old", [False, True])
def test_of_images_in_any_order_an_older_commits_does_not_replace_a_newer_ones(account, server, work, old):
    first, second, third, name = *(server.push(work) for _ in range(3)), f"app-{uuid4().hex[:8]}"
    server.old = old
    assert pushed(server, account, second, "images", name)[1] == ""
    left, refused = pushed(server, account, first, "images", name)
    assert left["clone_source", "deployment_outcome"] == "superseded"
    assert f"{second[:12]} has begun, which is newer: the image of {first[:12]} was overtaken" in refused
    assert pushed(server, account, first, "images", name, newest_wins=False)[1] == ""
    for again in (second, third, third):
        assert pushed(server, account, again, "images", name)[1] == ""


def test_an_image_is_delivered_where_the_one_before_it_was_taken_out_of_the_history(account, server, work):
    name = f"app-{uuid4().hex[:8]}"
    Heads(account, name).begin(Head("images", "a" * 40))
    assert pushed(server, account, server.push(work), "images", name)[1] == ""
