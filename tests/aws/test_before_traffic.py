"""A blue/green shift whose test listener is asked before any production traffic moves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from airflow.sdk.exceptions import AirflowFailException

from tests.delivery import connect
from tests.local_aws_process import LocalAws
from tests.native_run import Run
from tests.native_service import NativeService

BLUE_GREEN = {"strategy": "ecs", "bake_minutes": 0}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativeService]:
    aws = LocalAws(tmp_path_factory.mktemp("before-traffic"), minute_seconds=0.5).start()
    try:
        yield NativeService(aws)
    finally:
        aws.end()


@pytest.fixture
def stage(shared: NativeService, monkeypatch: pytest.MonkeyPatch) -> NativeService:
    connect(shared.aws, monkeypatch)
    return shared


def a_run(stage: NativeService, version: str, **variables: str) -> Run:
    url = f"http://127.0.0.1:{stage.ports['test']}/"
    check = {"name": "greeting", "kind": "http", "url": url, "contains": version, "samples": 3, "test_listener": True}
    return Run(stage, BLUE_GREEN, version, analysis={"checks": [check]}, variables=variables)


def decided(run: Run) -> list[tuple[str, float]]:
    taken = run.xcoms["production.deploy", "decisions"]
    return [(each["answer"], each["percent"]) for each in taken]


def test_a_version_that_answers_badly_on_the_test_listener_never_gets_production_traffic(stage: NativeService) -> None:
    run = a_run(stage, "v2", STATUS="500")
    with pytest.raises(AirflowFailException, match="greeting"):
        run.deploy()
    deployment = stage.deployments()[0]["serviceDeploymentArn"]
    assert decided(run) == [("ROLLBACK", 0)]
    assert 100 in stage.shifts(deployment, "test")
    assert 100 not in stage.shifts(deployment, "production")
    assert stage.answers(10) == {(200, "v1"): 10}


def test_a_version_that_answers_well_there_gets_it(stage: NativeService) -> None:
    run = a_run(stage, "v3")
    run.deploy()
    assert decided(run) == [("CONTINUE", 0)]
    assert stage.answers(10) == {(200, "v3"): 10}
