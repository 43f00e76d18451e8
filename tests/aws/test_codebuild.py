"""CodeBuild: builds that really run, on source that was really pushed, to images that are really there."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.build_project import Project, commands, phase, until
from tests.local_aws_process import LocalAws

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


@pytest.fixture
def project(local_aws: LocalAws, tmp_path: Path) -> Callable[..., Project]:
    return lambda buildspec, **files: Project(local_aws, tmp_path / "tree", buildspec, **files)


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
    made = project(commands(f"sleep 300 & echo $! >> {starts}", f"while [ ! -e {go} ]; do sleep 0.1; done"))
    build_id = made.start()
    until(lambda: starts.exists() and starts.read_text().endswith("\n"))
    local_aws.kill9()
    local_aws.restart()
    until(lambda: len(starts.read_text().split()) == 2)
    left_over = starts.read_text().split()[0]
    until(lambda: not Path(f"/proc/{left_over}").exists())
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


def test_phases_share_directory_variables_and_what_runs_in_the_background(project: Callable[..., Project]) -> None:
    made = project(
        "version: 0.2\nphases:\n"
        '  pre_build:\n    commands:\n      - C="two  \'words"\n      - mkdir deep && cd deep\n'
        "      - (until [ -e asked ]; do sleep 0.1; done; touch answered) &\n"
        '  build:\n    commands:\n      - echo "<$C> in $(basename $PWD)"\n'
        "      - touch asked; until [ -e answered ]; do sleep 0.1; done\n"
    )
    build = made.ended(made.start())
    assert build["buildStatus"] == "SUCCEEDED", made.log(build)
    assert "<two  'words> in deep\n" in made.log(build)


def test_a_command_of_several_lines_may_end_at_its_first_failure(project: Callable[..., Project]) -> None:
    made = project(commands('"set -e\\nfalse\\necho never\\n"'))
    build = made.ended(made.start())
    assert phase(build, "BUILD")["phaseStatus"] == "FAILED"
    assert "\nnever\n" not in made.log(build)


def test_after_a_failed_pre_build_nothing_else_is_run(project: Callable[..., Project]) -> None:
    made = project(
        "version: 0.2\nphases:\n  pre_build:\n    commands: ['exit 1']\n    finally: [echo finally]\n"
        "  build:\n    commands: [echo never]\n  post_build:\n    commands: [echo never]\n"
    )
    build = made.ended(made.start())
    assert [each["phaseType"] for each in build["phases"]][-3:] == ["PRE_BUILD", "FINALIZING", "COMPLETED"]
    assert "\nfinally\n" in made.log(build)


def test_artifacts_are_in_s3_where_the_build_says(project: Callable[..., Project], local_aws: LocalAws) -> None:
    spec = commands("mkdir out; echo hello > out/a.txt") + "artifacts:\n  files: ['*.txt']\n  base-directory: out\n"
    made = project(spec)
    bucket = made.name
    local_aws.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    to = {"type": "S3", "location": bucket, "path": "builds", "namespaceType": "BUILD_ID", "name": "app"}
    build = made.ended(made.start(artifactsOverride=to))
    place = build["artifacts"]["location"]
    assert place == f"arn:aws:s3:::{bucket}/builds/{build['id'].rpartition(':')[2]}/app"
    key = place.partition("/")[2] + "/a.txt"
    assert local_aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read() == b"hello\n"


def test_a_missing_artifact_fails_the_build(project: Callable[..., Project]) -> None:
    made = project(commands("echo fine") + "artifacts:\n  files: [nothing.json]\n")
    build = made.ended(made.start(artifactsOverride={"type": "S3", "location": "anywhere"}))
    context = phase(build, "UPLOAD_ARTIFACTS")["contexts"][0]
    assert build["buildStatus"] == "FAILED"
    assert context["message"] == "no matching artifact paths found: nothing.json"


def test_the_call_overrides_source_buildspec_and_variables(
    project: Callable[..., Project], local_aws: LocalAws
) -> None:
    made, content = project(commands("echo never")), io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("told.txt", "from the archive")
    s3 = local_aws.client("s3")
    s3.create_bucket(Bucket=made.name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket=made.name, Key="source.zip", Body=content.getvalue())
    asked = {"sourceTypeOverride": "S3", "sourceLocationOverride": f"{made.name}/source.zip"}
    variables = [{"name": "REPOSITORY_URI", "value": "overridden"}]
    build_id = made.client.start_build(
        projectName=made.name,
        buildspecOverride=commands('echo "$(cat told.txt), $REPOSITORY_URI"'),
        environmentVariablesOverride=variables,
        **asked,
    )["build"]["id"]
    build = made.ended(build_id)
    assert "from the archive, overridden\n" in made.log(build)


def test_what_is_not_followed_is_refused_by_name(project: Callable[..., Project]) -> None:
    made = project(commands("echo fine"))
    with pytest.raises(made.client.exceptions.InvalidInputException, match="cacheOverride"):
        made.start(cacheOverride={"type": "NO_CACHE"})
    with pytest.raises(made.client.exceptions.InvalidInputException, match="Invalid timeout"):
        made.start(timeoutInMinutesOverride=3000)


def test_secrets_reach_the_build_and_their_absence_is_told(
    project: Callable[..., Project], local_aws: LocalAws
) -> None:
    made = project("version: 0.2\nenv:\n  secrets-manager: {TOKEN: 'NAME:token'}\nphases: {build: {commands: [a]}}")
    secret = local_aws.client("secretsmanager").create_secret(Name=made.name, SecretString='{"token": "s3"}')
    spec = commands('test "$TOKEN" = s3')
    for reference in (f"{made.name}:token", f"{secret['ARN']}:token"):
        told = f"version: 0.2\nenv:\n  secrets-manager: {{TOKEN: '{reference}'}}\n" + spec.partition("\n")[2]
        assert made.ended(made.start(buildspecOverride=told))["buildStatus"] == "SUCCEEDED"
    context = phase(made.ended(made.start()), "DOWNLOAD_SOURCE")["contexts"][0]
    assert context["statusCode"] == "Secrets Manager Error"
    assert "NAME:token" in context["message"]


def test_a_build_is_told_to_eventbridge(project: Callable[..., Project], local_aws: LocalAws) -> None:
    made, queues, events = project(commands("echo fine")), local_aws.client("sqs"), local_aws.client("events")
    url = queues.create_queue(QueueName=made.name)["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"detail-type": ["CodeBuild Build State Change"], "detail": {"project-name": [made.name]}}
    events.put_rule(Name=made.name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=made.name, Targets=[{"Id": "queue", "Arn": arn}])
    build = made.ended(made.start())
    statuses: set[str] = set()

    def told() -> bool:
        for message in queues.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", []):
            detail = json.loads(message["Body"])["detail"]
            assert detail["build-id"] == build["arn"]
            statuses.add(detail["build-status"])
            if detail["build-status"] == "SUCCEEDED":
                assert detail["additional-information"]["logs"]["stream-name"] == build["logs"]["streamName"]
        return statuses == {"IN_PROGRESS", "SUCCEEDED"}

    until(told)


def test_a_build_can_be_run_anew(project: Callable[..., Project]) -> None:
    made = project(commands('echo "told $GREETING"'))
    first = made.ended(made.start(environmentVariablesOverride=[{"name": "GREETING", "value": "hello"}]))
    second = made.ended(made.client.retry_build(id=first["id"])["build"]["id"])
    assert second["id"] != first["id"]
    assert (second["buildNumber"], second["resolvedSourceVersion"]) == (2, made.commit)
    assert "told hello\n" in made.log(second)
    listed = made.client.list_builds_for_project(projectName=made.name, sortOrder="ASCENDING")["ids"]
    assert listed == [first["id"], second["id"]]
