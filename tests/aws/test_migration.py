"""A release that needs a migration: run once, with the new image, before any traffic moves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from airdock.factory.deliver import deliver
from tests.blue_green import push_version
from tests.delivery import COMMIT, an_image
from tests.line_in_process import Run
from tests.outcomes.cases import CALLER, outcomes_aws
from tests.outcomes.codedeploy import CodeDeployStage
from tests.outcomes.greeter import a_pipeline, task_definition_file

PRINT = ["python", "-c", "import os; print('migrating to', os.environ['VERSION'])"]
BREAK = ["python", "-c", "import sys; print('column exists'); sys.exit(3)"]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CodeDeployStage]:
    with outcomes_aws(tmp_path_factory) as aws:
        yield CodeDeployStage(aws, "codedeploy, all at once", {"type": "all_at_once"})


def a_run(stage: CodeDeployStage, version: str, command: list[str]) -> Run:
    rollout = {"strategy": "codedeploy", "application": "greeter", "deployment_group": "greeter"}
    told = {"rollout": {**rollout, "success_at": "traffic_shift"}, "before_traffic": [_task(command)]}
    run = Run(deliver(a_pipeline(told, stage.page())), {"environment": "production"}, run_id=f"manual__{version}")
    commit = {"application": "greeter", "repository": "greeter", "ref": "main", "sha": COMMIT}
    files = {"taskdef.json": task_definition_file("<IMAGE1_NAME>")}
    run.leave("clone_source", return_value={"commit": commit, "files": files})
    run.leave("build", return_value={"image": an_image(push_version(stage.aws, "greeter", version, VERSION=version))})
    run.leave("wait_for_scan")
    return run


def _task(command: list[str]) -> dict[str, Any]:
    return {"name": "migrate", "command": command}


def calls(stage: CodeDeployStage, since: int) -> list[str]:
    made = [each for each in stage.aws.effects() if each["n"] > since and each["caller"] == CALLER]
    return [
        each["operation"]
        for each in made
        if each["operation"] not in ("RegisterTaskDefinition", "PutParameter", "TagResource")
    ]


def last_effect(stage: CodeDeployStage) -> int:
    return max(int(each["n"]) for each in stage.aws.effects())


def test_a_migration_runs_once_with_the_new_image_before_any_traffic(stage: CodeDeployStage) -> None:
    run, since = a_run(stage, "v2", PRINT), last_effect(stage)
    run.play()
    assert run.xcoms["production.verdict", "outcome"]["outcome"] == "live"
    assert calls(stage, since) == ["RunTask", "CreateDeployment"]
    [ran] = [each for each in stage.aws.effects("ecs", "RunTask") if each["n"] > since]
    registered = run.xcoms["production.register", "return_value"]
    assert ran["params"]["taskDefinition"] == registered["arn"]
    logs = stage.aws.client("logs").filter_log_events(logGroupName="/ecs/greeter")["events"]
    assert "migrating to v2" in [event["message"].strip() for event in logs]
    stage.settle()


def test_a_migration_that_fails_stops_the_line_with_the_old_version_untouched(stage: CodeDeployStage) -> None:
    run, since, before = a_run(stage, "v3", BREAK), last_effect(stage), stage.runs()
    run.play()
    report = run.xcoms["production.verdict", "outcome"]
    assert report["outcome"] == "refused"
    assert "migrate" in report["sentence"]
    assert "3" in report["sentence"]
    assert calls(stage, since) == ["RunTask"]
    assert stage.runs() == before
    assert stage.answer() == (200, "v2")
