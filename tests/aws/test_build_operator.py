"""A commit becomes an image exactly once, with CodeBuild, CodeCommit and ECR of the local AWS."""

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from airdock.aws.archives import Bucket
from airdock.aws.code_repositories import CodeRepository
from airdock.aws.hooks import Account
from airdock.aws.images import Repository
from airdock.aws.operators.codebuild import CodeBuildStartBuildOperator
from airdock.aws.operators.source import CloneSourceOperator
from airdock.errors import Fault
from airdock.release import Build, Image
from tests.fakes import FakeStore, a_context
from tests.git_server import git
from tests.local_aws_process import REGION, LocalAws
from tests.registry import Registry, until

SAMPLE = Path(__file__).parents[2] / "include" / "sample_app" / "buildspec.yml"
BUILDSPEC = """\
version: 0.2
env:
  exported-variables: [IMAGE_DIGEST, COMMIT]
phases:
  pre_build:
    commands:
      - {check}
  build:
    commands:
      - export IMAGE_DIGEST={digest}
"""
FAILING_TEST = "echo 'FAILED tests/test_greeting.py::test_greets - AssertionError'; exit 1"


class Workshop:
    """A project with its code and its image repository, and the tasks that use them."""

    def __init__(self, aws: LocalAws, account: Account, work: Path) -> None:
        self.aws, self.account, self.work = aws, account, work
        self.registry = Registry(aws)
        self.name = self.registry.name.replace("/", "-")
        self.digest = self.registry.push("one")
        metadata = aws.client("codecommit").create_repository(repositoryName=self.name)["repositoryMetadata"]
        self.address = metadata["cloneUrlHttp"]
        git(work, "init", "-q", "-b", "main")
        aws.client("codebuild").create_project(
            name=self.name,
            source={"type": "CODECOMMIT", "location": self.address},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={"type": "LINUX_CONTAINER", "image": "python:3.11", "computeType": "BUILD_GENERAL1_SMALL"},
            serviceRole="arn:aws:iam::123456789012:role/build",
        )

    def push(self, check: str = "echo fine", digest: str = "") -> str:
        (self.work / "buildspec.yml").write_text(BUILDSPEC.format(check=check, digest=digest or self.digest))
        git(self.work, "add", "-A")
        git(self.work, "commit", "-q", "--allow-empty", "-m", "Say hello")
        git(self.work, "push", "-q", self.address, "HEAD:main")
        return git(self.work, "rev-parse", "HEAD").strip()

    def source(self, archive: Bucket | None = None) -> dict[str, Any]:
        task = CloneSourceOperator(
            task_id="clone_source",
            application="greeter",
            repository=CodeRepository("codecommit", self.name, self.account),
            revision="main",
            files=["buildspec.yml"],
            archive=archive,
        )
        return task.execute(a_context("clone_source"))

    def task(self, source: dict[str, Any], **changes: Any) -> CodeBuildStartBuildOperator:
        arguments: dict[str, Any] = {
            "task_id": "build",
            "account": self.account,
            "application": "greeter",
            "project": self.name,
            "repository": Repository(self.registry.name, self.account),
            "source": source,
            "handoff_seconds": 30,
        }
        return CodeBuildStartBuildOperator(**(arguments | changes))

    def build(self, context: Any = None) -> dict[str, Any]:
        return self.task(self.source()).execute(context or a_context("build"))

    @contextmanager
    def late(self, source: dict[str, Any], context: Any) -> Iterator[Future[dict[str, Any]]]:
        """A run that has found no build, and whose start reaches CodeBuild after all that is done meanwhile."""
        fault = {"id": "held", "service": "codebuild", "operation": "StartBuild", "nth": 1, "action": "block_before"}
        self.aws.faults(fault)
        with ThreadPoolExecutor() as threads:
            run = threads.submit(self.task(source).execute, context)
            until(lambda: any(each["blocked"] for each in self.aws.control("GET", "faults")))
            try:
                yield run
            finally:
                self.aws.release("held")

    def started(self) -> list[dict[str, Any]]:
        """The starts that CodeBuild has taken, from the log of effects."""
        return [each for each in self.aws.effects("codebuild", "StartBuild") if not each["error"]]

    def builds(self) -> list[str]:
        """The ids of all builds that CodeBuild knows, oldest first."""
        client = self.aws.client("codebuild")
        return client.list_builds_for_project(projectName=self.name, sortOrder="ASCENDING")["ids"]


@pytest.fixture
def workshop(local_aws: LocalAws, account: Account, tmp_path: Path) -> Workshop:
    local_aws.faults()
    work = tmp_path / "work"
    work.mkdir()
    return Workshop(local_aws, account, work)


def test_build_of_a_commit_ends_in_the_image_that_it_names(workshop):
    commit = workshop.push()
    record = workshop.build()
    image, build = Image.from_json(record["image"]), Build.from_json(record["build"])
    assert (image.digest, image.repository) == (workshop.digest, workshop.registry.name)
    assert build.exported["IMAGE_DIGEST"] == workshop.digest
    [raw] = workshop.aws.client("codebuild").batch_get_builds(ids=[build.id])["builds"]
    assert raw["resolvedSourceVersion"] == commit


def test_build_takes_the_tree_from_s3_where_it_cannot_reach_the_repository_and_still_knows_its_commit(workshop):
    [tell_commit] = re.findall(r"- (export COMMIT=.+)", SAMPLE.read_text())
    commit = workshop.push(check=tell_commit)
    name = f"sources-{workshop.name}"
    s3 = workshop.aws.client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    source = workshop.source(Bucket(name, workshop.account))
    record = workshop.task(source).execute(a_context("build"))
    assert record["digest"] == workshop.digest
    assert Build.from_json(record["build"]).exported["COMMIT"] == commit


def test_build_whose_reply_is_lost_is_one_build(workshop):
    workshop.push()
    fault = {"id": "lost", "service": "codebuild", "operation": "StartBuild", "nth": 1, "action": "reset_after"}
    workshop.aws.faults(fault)
    starts = len(workshop.aws.effects("codebuild", "StartBuild"))
    assert workshop.build()["digest"] == workshop.digest
    assert len(workshop.builds()) == 1
    assert len(workshop.aws.effects("codebuild", "StartBuild")) == starts + 1


def test_build_is_followed_after_the_task_process_was_killed_before_it_knew_of_it(workshop):
    workshop.push()
    source, before = workshop.source(), len(workshop.aws.effects("codebuild", "StartBuild"))
    fault = {"id": "held", "service": "codebuild", "operation": "StartBuild", "nth": 1, "action": "block_after"}
    workshop.aws.faults(fault)
    process = get_context("fork").Process(target=lambda: workshop.task(source).execute(a_context("build")))
    process.start()
    until(lambda: any(each["blocked"] for each in workshop.aws.control("GET", "faults")))
    process.kill()
    process.join(10)
    workshop.aws.release("held")
    assert workshop.task(source).execute(a_context("build"))["digest"] == workshop.digest
    assert len(workshop.aws.effects("codebuild", "StartBuild")) == before + 1


def test_build_is_found_again_by_a_try_that_knows_nothing_of_the_first(workshop):
    workshop.push()
    with pytest.raises(TaskDeferred):
        workshop.task(workshop.source(), handoff_seconds=0).execute(a_context("build", store=FakeStore()))
    assert workshop.build(a_context("build", store=FakeStore()))["digest"] == workshop.digest
    assert len(workshop.builds()) == 1


def test_build_that_takes_longer_is_waited_for_in_the_triggerer_and_concluded_from_its_event(workshop):
    workshop.push()
    task, context = workshop.task(workshop.source(), handoff_seconds=0, poll_seconds=0.3), a_context("build")
    with pytest.raises(TaskDeferred) as deferred:
        task.execute(context)
    event = asyncio.run(anext(deferred.value.trigger.run()))
    record = getattr(task, deferred.value.method_name)(context, event.payload)
    assert record["digest"] == workshop.digest


def test_build_of_one_commit_serves_all_runs(workshop):
    workshop.push()
    first, second = (workshop.build(a_context("build", run_id=run)) for run in ("one", "two"))
    assert first["build"]["id"] == second["build"]["id"]
    assert len(workshop.builds()) == 1


def test_two_runs_that_both_find_no_build_of_their_commit_start_one(workshop):
    """A branch and a tag are pushed together: each run looks before the other has started."""
    workshop.push()
    source, before = workshop.source(), len(workshop.started())
    with workshop.late(source, a_context("build", run_id="tag")) as tag:
        branch = workshop.task(source).execute(a_context("build", run_id="branch"))
    assert tag.result()["build"]["id"] == branch["build"]["id"]
    assert workshop.builds() == [branch["build"]["id"]]
    assert len(workshop.started()) == before + 1


def test_run_that_came_too_late_to_start_tries_anew_what_has_failed_meanwhile(workshop):
    workshop.push(check=FAILING_TEST)
    source, late = workshop.source(), a_context("build", run_id="tag")
    with (
        workshop.late(source, late) as tag,
        pytest.raises(AirflowFailException),
    ):
        workshop.task(source).execute(a_context("build", run_id="branch"))
    with pytest.raises(Fault, match="another start came first"):
        tag.result()
    assert len(workshop.builds()) == 1
    with pytest.raises(AirflowFailException, match="test_greets"):
        workshop.task(source).execute(late)
    assert len(workshop.builds()) == 2


def test_build_of_the_next_commit_is_another_one(workshop):
    workshop.push()
    workshop.build()
    workshop.push()
    workshop.build()
    assert len(workshop.builds()) == 2


def test_build_with_a_failing_test_is_refused_by_the_tests_name(workshop):
    workshop.push(check=FAILING_TEST)
    context = a_context("build")
    with pytest.raises(AirflowFailException, match=r"PRE_BUILD: tests/test_greeting\.py::test_greets"):
        workshop.build(context)
    assert "test_greets" in context["ti"].xcoms["build", "reason"]


def test_build_that_failed_is_tried_anew_only_after_a_clear(workshop):
    workshop.push(check=FAILING_TEST)
    for _ in range(2):
        with pytest.raises(AirflowFailException):
            workshop.build()
    assert len(workshop.builds()) == 1
    with pytest.raises(AirflowFailException):
        workshop.build(a_context("build", clear_number=1))
    assert len(workshop.builds()) == 2


def test_build_that_names_an_image_which_ecr_does_not_have_is_refused(workshop):
    workshop.push(digest="sha256:" + "0" * 64)
    with pytest.raises(AirflowFailException, match="ECR does not have it"):
        workshop.build()


def test_build_of_a_project_that_is_not_there_is_refused(workshop):
    workshop.push()
    with pytest.raises(AirflowFailException, match="no CodeBuild project 'absent'"):
        workshop.task(workshop.source(), project="absent").execute(a_context("build"))


def test_build_is_a_fault_while_codebuild_is_out_of_reach(workshop):
    workshop.push()
    source = workshop.source()
    fault = {"id": "down", "service": "codebuild", "operation": "StartBuild", "every": True, "action": "throttle"}
    workshop.aws.faults(fault)
    with pytest.raises(Fault, match="starting a build"):
        workshop.task(source).execute(a_context("build"))
    workshop.aws.faults()
    assert workshop.task(source).execute(a_context("build"))["digest"] == workshop.digest
