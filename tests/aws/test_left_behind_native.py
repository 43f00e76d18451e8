"""What a run has left behind where ECS itself deploys: a deployment that nobody follows, its lease, and drift."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from airflow.sdk.execution_time import task_runner

from airdock.aws.operators.reconcile import LookAfterEnvironmentsOperator
from airdock.names import RUN_TAG, tag_value
from airdock.plan.reconcile import Found
from tests.aws.test_reconcile_tasks import Airflow, a_live_record, a_pipeline, found_by, is_free, leased
from tests.blue_green import APPLICATION, CLUSTER
from tests.delivery import connect
from tests.local_aws_process import LocalAws
from tests.native_service import HELD_CANARY, NativeService


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativeService]:
    aws = LocalAws(tmp_path_factory.mktemp("native"), minute_seconds=1.0).start()
    try:
        with pytest.MonkeyPatch.context() as patch:
            connect(aws, patch)
            yield NativeService(aws, strategy="BLUE_GREEN", bakeTimeInMinutes=0)
    finally:
        aws.end()


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Airflow:
    known = Airflow()
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", known, raising=False)
    return known


def look_after(application: str) -> list[Found]:
    rollout = {"strategy": "ecs", "traffic": {"type": "canary", "percent": 10}}
    place = {"cluster": CLUSTER, "service": APPLICATION, "container": "web", "rollout": rollout}
    source = {"provider": "codecommit", "repository": "greeter"}
    pipeline = a_pipeline(application, source, environments={"production": place})
    return found_by(LookAfterEnvironmentsOperator(task_id="look", pipelines=[pipeline]))


def held_at_ten_percent(service: NativeService, run_id: str) -> str:
    """The deployment that a run has begun, which moves no further."""
    definition = service.task_definition("v2")
    service.ecs.tag_resource(resourceArn=definition, tags=[{"key": RUN_TAG, "value": tag_value(run_id)}])
    deployment = service.update(definition, **HELD_CANARY)
    service.shifted(deployment, 10)
    return deployment


def stops(service: NativeService) -> list[str]:
    return [each["params"]["serviceDeploymentArn"] for each in service.aws.effects("ecs", "StopServiceDeployment")]


def test_the_deployment_of_a_run_that_failed_is_stopped_and_then_its_lease_given_back(
    service: NativeService, airflow: Airflow
) -> None:
    leases = leased("stray", "manual__stray")
    deployment = held_at_ten_percent(service, "manual__stray")
    assert look_after("stray") == []
    airflow.states["manual__stray"] = "failed"
    [found] = look_after("stray")
    assert (found.kind, found.mended, stops(service)) == ("deployment", True, [deployment])
    assert service.ended(deployment)["status"] == "ROLLBACK_SUCCESSFUL"
    assert service.versions(10) == {"v1": 10}
    [given] = look_after("stray")
    assert (given.kind, given.mended, is_free(leases)) == ("lease", True, True)


def test_the_deployment_of_another_run_is_neither_touched_nor_called_drift(
    service: NativeService, airflow: Airflow
) -> None:
    leases = leased("other", "manual__failed")
    airflow.states["manual__failed"] = "failed"
    before = stops(service)
    deployment = held_at_ten_percent(service, "manual__somebodys")
    a_live_record("other", "production")
    [given] = look_after("other")
    assert (given.kind, is_free(leases)) == ("lease", True)
    assert (look_after("other"), stops(service)) == ([], before)

    service.ecs.stop_service_deployment(serviceDeploymentArn=deployment, stopType="ROLLBACK")
    service.ended(deployment)
    [drift] = look_after("other")
    assert (drift.kind, drift.mended) == ("drift", False)
    assert f"was last verified here is sha256:{'9' * 64}" in drift.sentence
