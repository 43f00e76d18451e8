"""A delivery as its forge and its people see it: from pending to its end, told once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from airflow.sdk import DAG

from airdock.factory.deliver import deliver
from airdock.spec import Pipeline
from tests.blue_green import push_version
from tests.delivery import COMMIT, an_image
from tests.forge_server import ForgeServer, serving
from tests.line_in_process import Run
from tests.outcomes.cases import outcomes_aws
from tests.outcomes.codedeploy import CodeDeployStage
from tests.outcomes.greeter import a_pipeline, task_definition_file

ROLLOUT = {"strategy": "codedeploy", "application": "greeter", "deployment_group": "greeter"}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CodeDeployStage]:
    with outcomes_aws(tmp_path_factory) as aws:
        yield CodeDeployStage(aws, "codedeploy, all at once", {"type": "all_at_once"})


@pytest.fixture
def forge(monkeypatch: pytest.MonkeyPatch) -> Iterator[ForgeServer]:
    monkeypatch.setenv("AIRFLOW_CONN_CODE", '{"conn_type": "generic", "password": "glpat-0123456789"}')
    with serving() as server:
        yield server


@pytest.fixture
def topic(stage: CodeDeployStage) -> str:
    return str(stage.aws.client("sns").create_topic(Name=f"deliveries-{uuid4().hex[:8]}")["TopicArn"])


def line(stage: CodeDeployStage, forge: ForgeServer, topic: str, *environments: str) -> DAG:
    """The greeter's line through these environments, with its code at the test's forge."""
    told = a_pipeline({"rollout": {**ROLLOUT, "success_at": "traffic_shift"}}, stage.page())
    written = told.model_dump(by_alias=True, exclude_unset=True)
    written |= {
        "environments": dict.fromkeys(environments, written["environments"]["production"]),
        "source": {"provider": "git", "repository": forge.repository(), "connection": "code"},
        "report": {"forge": "gitlab"},
        "notify": [{"to": "sns", "topic": topic}],
    }
    return deliver(Pipeline.model_validate(written))


def delivered(stage: CodeDeployStage, dag: DAG, version: str, **variables: str) -> Run:
    """A run with this version's image."""
    run = Run(dag, {"environment": "production"}, run_id=f"manual__{version}")
    commit = {"application": "greeter", "repository": "greeter", "ref": "main", "sha": COMMIT, "message": "Say hello"}
    files = {"taskdef.json": task_definition_file("<IMAGE1_NAME>")}
    run.leave("clone_source", return_value={"commit": commit, "files": files})
    image = push_version(stage.aws, "greeter", version, VERSION=version, **variables)
    run.leave("build", return_value={"image": an_image(image)})
    run.leave("wait_for_scan")
    run.play()
    stage.settle()
    return run


def notices(stage: CodeDeployStage, topic: str) -> list[dict[str, Any]]:
    """What was published to the topic, by the log of effects."""
    return [each["params"] for each in stage.aws.effects("sns", "Publish") if each["params"]["TargetArn"] == topic]


def test_a_commit_is_pending_and_then_live(stage: CodeDeployStage, forge: ForgeServer, topic: str) -> None:
    run = delivered(stage, line(stage, forge, topic, "production"), "v2")
    assert run.states["production.verdict"] == "success"
    assert forge.states() == ["pending", "success"]
    assert [each["statuses"] for each in forge.deployments] == [["running", "success"]]
    assert {(each["environment"], each["sha"], each["ref"]) for each in forge.deployments} == {
        ("production", COMMIT, "main")
    }
    assert [each["Subject"] for each in notices(stage, topic)] == ["greeter ccccccc in production: live"]


def test_a_release_that_is_taken_back_is_told_with_its_cause(
    stage: CodeDeployStage, forge: ForgeServer, topic: str
) -> None:
    run = delivered(stage, line(stage, forge, topic, "production"), "v3", CRASH="DATABASE_URL")
    sentence = run.xcoms["production.verdict", "outcome"]["sentence"]
    assert run.states["production.verdict"] == "failed"
    assert forge.states() == ["pending", "failed"]
    assert [each["statuses"] for each in forge.deployments] == [["running", "failed"]]
    assert forge.statuses[-1]["description"][:60] == sentence[:60]
    [notice] = notices(stage, topic)
    assert notice["Subject"] == "greeter ccccccc in production: rolled back"
    assert "the configuration is missing" in json.loads(notice["Message"])["default"]


def test_a_run_that_fails_before_any_environment_is_told_once(
    stage: CodeDeployStage, forge: ForgeServer, topic: str
) -> None:
    run = Run(line(stage, forge, topic, "staging", "production"), {"environment": "production", "revision": COMMIT})
    run.states |= {"clone_source": "failed", "build": "upstream_failed", "wait_for_scan": "upstream_failed"}
    run.xcoms["clone_source", "reason"] = "taskdef.json is not in the repository"
    run.play()
    assert (run.states["staging.verdict"], run.states["production.verdict"]) == ("failed", "failed")
    assert [(each["name"], each["state"]) for each in forge.statuses] == [
        ("airdock/staging", "failed"),
        ("airdock/production", "failed"),
    ]
    assert forge.deployments == []
    [notice] = notices(stage, topic)
    assert notice["Subject"] == "greeter ccccccc in staging: refused"
    assert "taskdef.json is not in the repository" in json.loads(notice["Message"])["default"]


def test_a_verdict_that_is_tried_again_tells_nobody_again(
    stage: CodeDeployStage, forge: ForgeServer, topic: str
) -> None:
    # The service is tagged beside the notices: when AWS's own four tries have failed, the task is tried again.
    plan = [{"service": "ecs", "operation": "TagResource", "action": "error", "nth": n} for n in range(1, 5)]
    stage.aws.faults(*plan)
    run = delivered(stage, line(stage, forge, topic, "production"), "v4")
    struck = [each["hits"] for each in stage.aws.control("GET", "faults")]
    assert (struck, run.states["production.verdict"]) == ([1, 1, 1, 1], "success")
    assert forge.states() == ["pending", "success"]
    assert len(notices(stage, topic)) == 1
