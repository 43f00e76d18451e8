"""Back to a recorded release without a build: what the local AWS is asked for, and what production runs then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from airdock.aws.hooks import Account
from airdock.aws.left_behind import look_after
from airdock.aws.release_records import Records
from airdock.factory.deliver import deliver
from airdock.factory.deploy import deploy
from airdock.spec import Pipeline
from tests.blue_green import push_version
from tests.delivery import an_image
from tests.line_in_process import Run
from tests.outcomes.cases import CALLER, outcomes_aws
from tests.outcomes.codedeploy import CodeDeployStage
from tests.outcomes.greeter import a_pipeline, task_definition_file

PARAMS = {"release": None, "environment": "production", "from_environment": None}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CodeDeployStage]:
    with outcomes_aws(tmp_path_factory) as aws:
        made = CodeDeployStage(aws, "codedeploy, all at once", {"type": "all_at_once"})
        for number, version in enumerate(("v2", "v3"), start=2):
            delivered(made, version, str(number) * 40)
        yield made


def pipeline(stage: CodeDeployStage, **words: Any) -> Pipeline:
    rollout = {"strategy": "codedeploy", "application": "greeter", "deployment_group": "greeter"}
    migrate = {"name": "migrate", "command": ["python", "-c", "print('migrated')"]}
    told = {"rollout": {**rollout, "success_at": "traffic_shift"}, "before_traffic": [migrate]}
    return a_pipeline({**told, **words}, stage.page())


def delivered(stage: CodeDeployStage, version: str, commit: str) -> None:
    """A release that went live by the whole line."""
    run = a_run(stage, version, commit)
    run.play()
    assert run.states["production.verdict"] == "success", run.xcoms["production.verdict", "outcome"]
    stage.settle()


def a_run(stage: CodeDeployStage, version: str, commit: str, **words: Any) -> Run:
    """The whole line with an image of this version, before its first task in production."""
    run = Run(deliver(pipeline(stage, **words)), {"environment": "production"}, run_id=f"manual__{version}")
    told = {"application": "greeter", "repository": "greeter", "ref": "main", "sha": commit, "message": version}
    run.leave(
        "clone_source", return_value={"commit": told, "files": {"taskdef.json": task_definition_file("<IMAGE1_NAME>")}}
    )
    run.leave("build", return_value={"image": an_image(push_version(stage.aws, "greeter", version, VERSION=version))})
    run.leave("wait_for_scan")
    return run


def brought(stage: CodeDeployStage, name: str, **params: str | None) -> tuple[Run, list[str]]:
    """A run of deploy_greeter, and the changing calls that it made."""
    seen = max(int(each["n"]) for each in stage.aws.effects())
    run = Run(deploy(pipeline(stage)), {**PARAMS, **params}, run_id=f"manual__{name}")
    run.play()
    stage.settle()
    made: list[dict[str, Any]] = [each for each in stage.aws.effects() if each["n"] > seen and each["caller"] == CALLER]
    return run, [each["operation"] for each in made if each["service"] != "ssm" and each["operation"] != "TagResource"]


def records(stage: CodeDeployStage) -> Records:
    return Records(Account(), "greeter", "production")


def tags(stage: CodeDeployStage) -> dict[str, str]:
    """The service's tags."""
    ecs = stage.aws.client("ecs")
    [service] = ecs.describe_services(cluster="demo", services=["greeter"])["services"]
    told = ecs.list_tags_for_resource(resourceArn=service["serviceArn"])["tags"]
    return {tag["key"]: tag["value"] for tag in told}


def test_the_way_back_to_the_last_good_release_is_one_deployment_and_nothing_else(stage: CodeDeployStage) -> None:
    assert stage.answer() == (200, "v3")
    run, calls = brought(stage, "back")
    assert (run.states["production.verdict"], stage.answer()) == ("success", (200, "v2"))
    assert calls == ["CreateDeployment"]
    live = records(stage).live()
    assert live is not None
    assert (live.commit, live.dag_id) == ("2" * 40, "deliver_greeter")
    assert tags(stage)["airdock:commit"] == "2" * 40
    assert tags(stage)["airdock:release"] == live.key
    assert [record.commit[0] for record in records(stage).newest()] == ["2", "3", "2"]


def test_a_release_that_is_live_is_left_as_it_is(stage: CodeDeployStage) -> None:
    live = records(stage).live()
    assert live is not None
    run, calls = brought(stage, "again", release=live.commit[:12])
    assert calls == []
    assert set(run.states.values()) == {"skipped"}


def test_a_release_is_brought_by_its_commit(stage: CodeDeployStage) -> None:
    run, calls = brought(stage, "forth", release="3333333")
    assert (run.states["production.verdict"], calls, stage.answer()) == ("success", ["CreateDeployment"], (200, "v3"))


def test_an_unknown_release_is_refused_before_anything_is_touched(stage: CodeDeployStage) -> None:
    run, calls = brought(stage, "unknown", release="abcdef1")
    report = run.xcoms["production.verdict", "outcome"]
    assert (report["outcome"], calls) == ("refused", [])
    assert "no recorded release that was live is called 'abcdef1'" in report["sentence"]


def test_a_release_is_recorded_where_it_runs_although_what_follows_it_failed(stage: CodeDeployStage) -> None:
    events = stage.aws.client("events")
    events.put_rule(Name="nightly", ScheduleExpression="rate(1 day)")
    run = a_run(stage, "v4", "4" * 40, scheduled=[{"rule": "nightly"}])
    run.before = lambda task: events.delete_rule(Name="nightly") if task == "production.retarget" else None
    run.play()
    stage.settle()
    report, live = run.xcoms["production.verdict", "outcome"], records(stage).live()
    assert (run.states["production.verdict"], report["outcome"], stage.answer()) == ("failed", "failed", (200, "v4"))
    assert "the release itself is live" in report["sentence"]
    assert live is not None
    assert (live.commit, live.outcome, live.stays) == ("4" * 40, "failed", True)
    assert tags(stage)["airdock:release"] == live.key
    target = pipeline(stage).environments["production"]
    assert list(look_after("greeter", "production", target, lambda *_: "failed")) == []
    asked, calls = brought(stage, "asked", release="4444444")
    assert (set(asked.states.values()), calls) == ({"skipped"}, [])
    brought(stage, "away")
    back, _ = brought(stage, "returned", release="4444444")
    assert (back.states["production.verdict"], stage.answer()) == ("success", (200, "v4"))
