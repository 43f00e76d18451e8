"""A commit is built once, whatever happens between starting and knowing."""

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airdock.aws.images import Repository
from airdock.aws.operators.codebuild import CodeBuildStartBuildOperator
from airdock.errors import Fault, Refused
from airdock.release import Build, Commit, Image, Source
from tests.builders import DIGEST, IMAGE
from tests.fake_aws import FakeAccount, FakeCodeBuild, FakeEcr, FakeLogs
from tests.fakes import FakeStore, a_context

COMMIT = "c" * 40
FAILED = {
    "buildStatus": "FAILED",
    "phases": [
        {"phaseType": "INSTALL", "phaseStatus": "SUCCEEDED", "durationInSeconds": 1},
        {
            "phaseType": "PRE_BUILD",
            "phaseStatus": "FAILED",
            "durationInSeconds": 2,
            "contexts": [{"statusCode": "COMMAND_EXECUTION_ERROR", "message": "Error while executing command: pytest"}],
        },
    ],
}


def a_source(sha: str = COMMIT, archive: str | None = None) -> dict[str, Any]:
    return Source(Commit("greeter", "greeter", "main", sha), {}, "https://x/y", archive).to_json()


def an_operator(account: Any, **changes: Any) -> CodeBuildStartBuildOperator:
    arguments = {
        "task_id": "build",
        "account": account,
        "application": "greeter",
        "project": "greeter",
        "repository": Repository("greeter", account),
        "source": a_source(),
        "handoff_seconds": 0,
    }
    return CodeBuildStartBuildOperator(**(arguments | changes))


def deliver(account: Any, *, context: Any = None, **changes: Any) -> dict[str, Any]:
    return an_operator(account, **changes).deliver(context or a_context("build"))


def test_build_record_is_the_image_by_digest_as_ecr_has_it():
    record = deliver(FakeAccount())
    assert Image.from_json(record["image"]).uri == IMAGE
    assert record["digest"] == DIGEST
    assert Build.from_json(record["build"]).log_stream == "1"


def test_build_uses_no_override_that_could_run_something_else():
    account = FakeAccount()
    deliver(account, variables={"STAGE": "x"})
    [request] = account.codebuild.requests
    assert request["sourceVersion"] == COMMIT
    assert set(request) == {"projectName", "idempotencyToken", "environmentVariablesOverride", "sourceVersion"}
    variables = {each["name"]: each["value"] for each in request["environmentVariablesOverride"]}
    assert variables["STAGE"] == "x"
    assert variables["AIRDOCK_COMMIT"] == COMMIT


def test_build_takes_an_archive_where_the_source_is_one():
    account = FakeAccount()
    deliver(account, source=a_source(archive="s3://bucket/airdock/source/tree.zip"))
    [request] = account.codebuild.requests
    assert request["sourceTypeOverride"] == "S3"
    assert request["sourceLocationOverride"] == "bucket/airdock/source/tree.zip"
    assert "sourceVersion" not in request


def test_build_leaves_its_page_in_the_console_as_a_link():
    context = a_context("build")
    deliver(FakeAccount(), context=context)
    assert context["ti"].xcoms["build", "console_url"].endswith("/codebuild/projects/greeter/build/greeter:1/")


def test_build_whose_reply_was_lost_is_adopted_at_once():
    account = FakeAccount(FakeCodeBuild(lose_replies=1))
    assert deliver(account)["build"]["id"] == "greeter:1"
    assert len(account.codebuild.requests) == 1


def test_build_that_was_not_started_is_a_fault_and_started_by_the_retry():
    account = FakeAccount(FakeCodeBuild(refuse_calls=1))
    with pytest.raises(Fault, match="starting a build of greeter"):
        deliver(account)
    assert deliver(account)["build"]["id"] == "greeter:1"
    assert len({request["idempotencyToken"] for request in account.codebuild.requests}) == 1


def test_build_of_a_crashed_try_is_followed_even_when_the_store_was_not_written():
    account = FakeAccount()
    deliver(account, context=a_context("build", store=FakeStore()))
    deliver(account, context=a_context("build", store=FakeStore()))
    assert len(account.codebuild.requests) == 1


def test_build_of_the_same_commit_by_another_run_is_not_repeated():
    account = FakeAccount()
    deliver(account, context=a_context("build", run_id="one"))
    deliver(account, context=a_context("build", run_id="two"))
    assert len(account.codebuild.requests) == 1


def test_build_of_another_commit_or_application_is_not_adopted():
    account = FakeAccount()
    deliver(account)
    deliver(account, source=a_source("d" * 40))
    deliver(account, application="another")
    assert len(account.codebuild.requests) == 3


def test_build_is_repeated_when_ecr_has_lost_the_image_of_the_earlier_one():
    account = FakeAccount()
    deliver(account, context=a_context("build", run_id="one"))
    account.ecr.digests.clear()
    with pytest.raises(Refused, match="ECR does not have it"):
        deliver(account, context=a_context("build", run_id="two"))
    assert len(account.codebuild.builds) == 2


def test_build_that_failed_is_refused_with_phase_and_named_test_and_never_retried(caplog):
    lines = ["collecting", "FAILED tests/test_greeting.py::test_greets - AssertionError: assert 'x' == 'y'"]
    account = FakeAccount(FakeCodeBuild([FAILED]), logs=FakeLogs(lines))
    context = a_context("build")
    with pytest.raises(AirflowFailException, match=r"PRE_BUILD.*tests/test_greeting.py::test_greets"):
        an_operator(account).execute(context)
    assert "test_greets" in context["ti"].xcoms["build", "reason"]
    with pytest.raises(AirflowFailException):
        an_operator(account).execute(context)
    assert len(account.codebuild.builds) == 1


def test_build_names_the_failing_test_even_when_much_was_said_after_it():
    lines = ["FAILED tests/test_greeting.py::test_greets", *(f"cleaning up {number}" for number in range(100))]
    with pytest.raises(Refused, match="test_greets"):
        deliver(FakeAccount(FakeCodeBuild([FAILED]), logs=FakeLogs(lines)))


def test_build_that_failed_is_started_anew_by_a_clear_and_by_another_run():
    account = FakeAccount(FakeCodeBuild([FAILED, FAILED, {}]))
    store = FakeStore()
    for context in (a_context("build", store=store), a_context("build", run_id="two")):
        with pytest.raises(Refused, match="failed in PRE_BUILD"):
            deliver(account, context=context)
    assert deliver(account, context=a_context("build", clear_number=1, store=store))["build"]["id"] == "greeter:3"


def test_build_lost_to_a_fault_of_aws_is_started_again_with_another_token():
    account = FakeAccount(FakeCodeBuild([{"buildStatus": "FAULT"}, {}]))
    context = a_context("build")
    with pytest.raises(Fault, match="fault of CodeBuild"):
        an_operator(account).execute(context)
    assert an_operator(account).execute(context)["build"]["id"] == "greeter:2"
    assert len({request["idempotencyToken"] for request in account.codebuild.requests}) == 2


def test_build_that_names_no_digest_is_refused_with_what_to_do():
    account = FakeAccount(FakeCodeBuild([{"exportedEnvironmentVariables": []}]))
    with pytest.raises(Refused, match="exported-variables"):
        deliver(account)


def test_build_whose_image_never_reached_ecr_is_refused():
    with pytest.raises(Refused, match=f"{DIGEST}, but ECR does not have it in the repository greeter"):
        deliver(FakeAccount(ecr=FakeEcr(digests=[])))


def test_build_log_that_cannot_be_read_does_not_hide_why_the_build_failed():
    account = FakeAccount(FakeCodeBuild([{**FAILED, "logs": {}}]))
    with pytest.raises(Refused, match="failed in PRE_BUILD: Error while executing command: pytest"):
        deliver(account)
