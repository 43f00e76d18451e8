"""What is kept and told of a CodeBuild build."""

from datetime import UTC, datetime
from typing import Any

from airdock.aws.watch.build import BuildWatch, build_facts

LINK = "https://eu-west-1.console.aws.amazon.com/codesuite/codebuild/projects/greeter/build/greeter:1/"
INSTALL = {"phaseType": "INSTALL", "phaseStatus": "SUCCEEDED", "durationInSeconds": 3}


def a_build(**changes: Any) -> dict[str, Any]:
    """A build as BatchGetBuilds answers it."""
    return {
        "id": "greeter:1",
        "arn": "arn:aws:codebuild:eu-west-1:123456789012:build/greeter:1",
        "projectName": "greeter",
        "buildStatus": "IN_PROGRESS",
        "buildComplete": False,
        "startTime": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "currentPhase": "BUILD",
        "resolvedSourceVersion": "a" * 40,
        "phases": [INSTALL, {"phaseType": "BUILD"}],
        "environment": {"environmentVariables": [{"name": "AIRDOCK_DELIVERY", "value": "m", "type": "PLAINTEXT"}]},
    } | changes


def test_build_facts_are_plain_json_even_of_a_build_that_was_only_submitted():
    facts = build_facts({"id": "greeter:1"})
    assert (facts["complete"], facts["log"], facts["started_at"], facts["exported"]) == (False, None, None, {})


def test_build_facts_hold_whose_build_it_is_and_where_it_logs():
    facts = build_facts(a_build(logs={"groupName": "g", "streamName": "s"}))
    assert (facts["delivery"], facts["commit"], facts["started_at"]) == ("m", "a" * 40, "2026-01-02T03:04:05+00:00")
    assert facts["log"] == {"group": "g", "stream": "s"}
    assert facts["console_url"] == LINK


def test_build_facts_believe_the_commit_in_the_environment_when_the_source_is_an_archive():
    variables = [{"name": "AIRDOCK_COMMIT", "value": "b" * 40, "type": "PLAINTEXT"}]
    archived = a_build(environment={"environmentVariables": variables}, resolvedSourceVersion="")
    assert build_facts(archived)["commit"] == "b" * 40


def test_build_facts_never_hold_a_variable_that_is_a_reference_to_a_secret():
    variables = [{"name": "AIRDOCK_DELIVERY", "value": "prod/db", "type": "SECRETS_MANAGER"}]
    assert build_facts(a_build(environment={"environmentVariables": variables}))["delivery"] == ""


def test_build_progress_begins_with_the_link_and_the_phases_so_far():
    assert BuildWatch().progress(None, build_facts(a_build())) == [
        f"build greeter:1 of {'a' * 40}: {LINK}",
        "INSTALL SUCCEEDED after 3 s",
        "BUILD begins",
    ]


def test_build_progress_tells_only_what_is_new():
    before = build_facts(a_build())
    failed = {
        "phaseType": "BUILD",
        "phaseStatus": "FAILED",
        "durationInSeconds": 9,
        "contexts": [{"statusCode": "COMMAND_EXECUTION_ERROR", "message": "Error while executing command: pytest"}],
    }
    after = build_facts(
        a_build(
            phases=[INSTALL, failed, {"phaseType": "COMPLETED"}],
            buildStatus="FAILED",
            buildComplete=True,
        )
    )
    assert BuildWatch().progress(before, before) == []
    assert BuildWatch().progress(before, after) == [
        "BUILD FAILED after 9 s; Error while executing command: pytest",
        "build greeter:1 FAILED",
    ]


def test_build_watch_ends_by_build_complete_alone():
    watch = BuildWatch()
    assert not watch.finished(build_facts(a_build(buildStatus="FAILED")), {})
    assert watch.finished(build_facts(a_build(buildStatus="SUCCEEDED", buildComplete=True)), {})


def test_build_watch_reads_many_builds_in_one_call_and_leaves_unknown_ones_out():
    class CodeBuild:
        def batch_get_builds(self, ids: list[str]) -> dict[str, Any]:
            return {"builds": [a_build()], "buildsNotFound": ids[1:]}

    assert list(BuildWatch().read(lambda service: CodeBuild(), ["greeter:1", "greeter:2"])) == ["greeter:1"]
