"""A linear shift of ECS's own whose every step is decided by what was measured in the one before."""

from __future__ import annotations

import json
import multiprocessing
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airdock.aws.hooks import Account
from airdock.aws.release_records import Records
from airdock.factory.deliver import deliver
from airdock.plan.release_record import TrafficDecision
from airdock.spec import Pipeline
from demo.traffic import Client
from tests.blue_green import push_version, until
from tests.delivery import COMMIT, an_image
from tests.fakes import FakeStore
from tests.line_in_process import Run
from tests.outcomes.cases import outcomes_aws
from tests.outcomes.ecs import EcsStage
from tests.outcomes.greeter import a_pipeline, task_definition_file

ERROR_RATE = {
    "name": "error_rate",
    "kind": "cloudwatch",
    "unit": "%",
    "metrics": {
        "errors": {"metric": "HTTPCode_Target_5XX_Count", "missing": 0.0},
        "requests": {"metric": "RequestCount"},
    },
    "expression": "errors / requests * 100",
    "samples": "requests",
    "at_most_times_baseline": 2.0,
    "tolerated": 1.0,
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EcsStage]:
    with outcomes_aws(tmp_path_factory) as aws:
        yield EcsStage(aws, "ecs, linear", {"type": "linear", "percent": 20.0, "every_minutes": 3})


class FileStore:
    """A task state store that outlives the process, as Airflow's does."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, key: str, default: Any = None) -> Any:
        return json.loads(self._path.read_text()).get(key, default) if self._path.exists() else default

    def set(self, key: str, value: Any) -> None:
        known = json.loads(self._path.read_text()) if self._path.exists() else {}
        written = self._path.with_suffix(".new")
        written.write_text(json.dumps({**known, key: value}))
        written.replace(self._path)


def pipeline(stage: EcsStage) -> Pipeline:
    rollout = {"strategy": "ecs", "traffic": stage.traffic, "bake_minutes": 0, "deadline_minutes": 600}
    analysis = {"checks": [ERROR_RATE], "inconclusive_waits": 20, "wait_seconds": 1}
    return a_pipeline({"rollout": rollout, "analysis": analysis}, stage.page())


def a_run(stage: EcsStage, name: str, **variables: str) -> Run:
    image = push_version(stage.aws, "greeter", name, VERSION=name, **variables)
    dag = deliver(pipeline(stage))
    for task in dag.tasks:
        if hasattr(task, "poll_seconds"):
            task.poll_seconds = 0.5
    run = Run(dag, {"environment": "production"}, run_id=f"manual__{name}")
    commit = {"application": "greeter", "repository": "greeter", "ref": "main", "sha": COMMIT}
    run.leave(
        "clone_source",
        return_value={"commit": commit, "files": {"taskdef.json": task_definition_file("<IMAGE1_NAME>")}},
    )
    run.leave("build", return_value={"image": an_image(image)})
    run.leave("wait_for_scan")
    return run


def decisions(run: Run) -> list[dict[str, Any]]:
    return list(run.xcoms["production.deploy", "decisions"])


def recorded(run: Run) -> tuple[TrafficDecision, ...]:
    """The decisions that are kept with the release in SSM."""
    [record] = [each for each in Records(Account(), "greeter", "production").newest() if each.run_id == run.run_id]
    return record.analysis


def answers(stage: EcsStage, since: int) -> list[str]:
    """The answers that ECS was given, from the log of effects."""
    given = [each for each in stage.aws.effects("ecs", "ContinueServiceDeployment") if each["n"] > since]
    return [str(each["params"]["action"]) for each in given]


def last_effect(stage: EcsStage) -> int:
    return max(int(each["n"]) for each in stage.aws.effects())


def test_five_steps_are_five_decisions(stage: EcsStage) -> None:
    run, since = a_run(stage, "good"), last_effect(stage)
    with Client(stage.page()) as client:
        run.play()
        failed = [each for each in client.answers() if each.failed]
    assert run.xcoms["production.verdict", "outcome"]["outcome"] == "live"
    taken = decisions(run)
    assert [(each["step"], each["percent"], each["answer"]) for each in taken] == [
        (step, 20.0 * (step - 1), "CONTINUE") for step in range(1, 6)
    ]
    assert len({each["hook"] for each in taken}) == 5
    assert answers(stage, since) == ["CONTINUE"] * 5
    assert failed == []


def test_a_lost_answer_and_one_that_never_got_out_are_sent_again_and_nothing_is_decided_twice(stage: EcsStage) -> None:
    run = a_run(stage, "steady")
    stage.aws.faults(
        {"id": "1", "service": "ecs", "operation": "ContinueServiceDeployment", "nth": 2, "action": "reset_before"},
        {"id": "2", "service": "ecs", "operation": "ContinueServiceDeployment", "nth": 4, "action": "reset_after"},
    )
    with Client(stage.page()):
        run.play()
    stage.aws.faults()
    assert run.xcoms["production.verdict", "outcome"]["outcome"] == "live"
    assert [(each["step"], each["answer"]) for each in decisions(run)] == [(step, "CONTINUE") for step in range(1, 6)]


def test_a_try_that_has_nothing_to_decide_any_more_tells_all_that_was_decided(stage: EcsStage) -> None:
    run = a_run(stage, "told")
    run.stores["production.deploy"] = FakeStore()
    with Client(stage.page()):
        run.play()
        for task in ("production.deploy", "production.verdict"):
            del run.states[task]
        run.play()
    assert [(each["step"], each["answer"]) for each in decisions(run)] == [(step, "CONTINUE") for step in range(1, 6)]
    assert [(each.step, each.answer) for each in recorded(run)] == [(step, "CONTINUE") for step in range(1, 6)]


def test_a_task_that_is_killed_before_its_answer_is_confirmed_decides_nothing_twice(
    stage: EcsStage, tmp_path: Path
) -> None:
    """The process dies with -9 while ECS has the answer of the third step, and the task has not heard so."""
    run, since = a_run(stage, "killed"), last_effect(stage)
    hold = {"service": "ecs", "operation": "ContinueServiceDeployment", "nth": 3, "action": "block_after"}
    stage.aws.faults({"id": "held", **hold})
    store = FileStore(tmp_path / "store.json")
    run.stores["production.deploy"] = store
    with Client(stage.page()):
        first = multiprocessing.get_context("fork").Process(target=run.play)
        first.start()
        until(lambda: len(answers(stage, since)) == 3, "the third answer", stage.aws, 90)
        first.kill()
        first.join(60)
        stage.aws.faults()
        run.play()
    assert first.exitcode == -9
    assert run.xcoms["production.verdict", "outcome"]["outcome"] == "live"
    kept = json.loads((tmp_path / "store.json").read_text())["decisions"]["taken"]
    assert [(each["step"], each["answer"]) for each in kept] == [(step, "CONTINUE") for step in range(1, 6)]
    updates = [each for each in stage.aws.effects("ecs", "UpdateService") if each["n"] > since]
    assert len(updates) == 1


def test_a_worse_error_rate_at_the_third_step_takes_the_traffic_back(stage: EcsStage, tmp_path: Path) -> None:
    breaks = tmp_path / "broken"
    run, since, before = a_run(stage, "breaking", BREAKS_WITH=str(breaks)), last_effect(stage), stage.runs()
    hold = {"service": "ecs", "operation": "ContinueServiceDeployment", "nth": 2, "action": "block_after"}
    stage.aws.faults({"id": "held", **hold})
    with Client(stage.page()) as client:

        def break_at_the_second_share() -> None:
            """The third decision is not taken before there is something to see."""
            until(lambda: answers(stage, since) == ["CONTINUE"] * 2, "the second decision", stage.aws, 90)
            breaks.touch()
            until(lambda: sum(each.failed for each in client.answers()) > 30, "bad answers", stage.aws)
            stage.aws.faults()

        breaking = threading.Thread(target=break_at_the_second_share, daemon=True)
        breaking.start()
        run.play()
        breaking.join(60)
    report = run.xcoms["production.verdict", "outcome"]
    assert report["outcome"] == "rolled_back"
    assert "error_rate" in report["sentence"]
    assert [each["answer"] for each in decisions(run)] == ["CONTINUE", "CONTINUE", "ROLLBACK"]
    assert answers(stage, since) == ["CONTINUE", "CONTINUE", "ROLLBACK"]
    assert stage.runs() == before
    kept = recorded(run)
    assert [(each.step, each.percent, each.answer) for each in kept] == [
        (1, 0.0, "CONTINUE"),
        (2, 20.0, "CONTINUE"),
        (3, 40.0, "ROLLBACK"),
    ]
    assert "error_rate" in kept[-1].sentence
