"""Pushes that nobody delivered, and what runs have left behind, against real git and the local AWS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.execution_time import task_runner

from airdock.aws.code_repositories import CodeRepository
from airdock.aws.heads import Head, Heads
from airdock.aws.hooks import Account
from airdock.aws.leases import Leases
from airdock.aws.operators.reconcile import FindMissedPushesOperator, LookAfterEnvironmentsOperator
from airdock.aws.operators.source import CloneSourceOperator
from airdock.aws.release_records import Records
from airdock.names import marker
from airdock.plan.lease import Lease
from airdock.plan.reconcile import Found
from airdock.plan.release_record import ReleaseRecord
from airdock.spec import Pipeline
from tests.blue_green import HELD_CANARY, BlueGreen
from tests.delivery import connect
from tests.fakes import a_context, run_task
from tests.git_server import GitServer, serving
from tests.local_aws_process import LocalAws

MAIN = "refs/heads/main"
SINCE, FAR = "2026-11-23T12:00:00+00:00", "2999-01-01T00:00:00+00:00"


@dataclass
class Airflow:
    """The part of Airflow's task API that starts runs and tells of them."""

    waiting: int = 0
    states: dict[str, str] = field(default_factory=dict)
    started: list[Any] = field(default_factory=list)

    def send(self, msg: Any) -> Any:
        if msg.type == "TriggerDagRun":
            self.started.append(msg)
            return None
        if msg.type == "GetDRCount":
            return SimpleNamespace(count=self.waiting)
        return SimpleNamespace(state=self.states.get(msg.run_id, "running"))


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Airflow:
    known = Airflow()
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", known, raising=False)
    return known


@dataclass
class Repository:
    """A git repository whose pushes get lost, and the pipeline of the application in it."""

    server: GitServer
    work: Path
    account: Account
    application: str

    def push(self, path: str = "app.py") -> str:
        place = self.work / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(uuid4().hex)
        return self.server.push(self.work)

    def pipeline(self, **triggers: Any) -> Pipeline:
        return a_pipeline(self.application, {"provider": "git", "repository": self.server.url()}, triggers=triggers)

    def began_with(self, commit: str) -> None:
        Heads(self.account, self.application).begin(Head(MAIN, commit, "github__1"))

    def find(self, *pipelines: Pipeline) -> list[Found]:
        operator = FindMissedPushesOperator(task_id="find", pipelines=pipelines or [self.pipeline()])
        return found_by(operator)


def a_pipeline(application: str, source: dict[str, str], **more: Any) -> Pipeline:
    rollout = {"strategy": "codedeploy", "application": "greeter", "deployment_group": "greeter"}
    production = {"cluster": "demo", "service": "greeter", "container": "web", "rollout": rollout}
    told = {
        "application": application,
        "source": source,
        "build": {"project": "greeter"},
        "image": {"repository": "greeter"},
        "environments": {"production": production},
    }
    return Pipeline.model_validate({**told, **more})


def found_by(operator: Any) -> list[Found]:
    xcoms: dict[tuple[str, str], Any] = {}
    run_task(operator, a_context(operator.task_id, xcoms=xcoms))
    return [Found.from_json(each) for each in xcoms[operator.task_id, "found"]]


@pytest.fixture
def repository(tmp_path: Path, account: Account) -> Iterator[Repository]:
    (tmp_path / "git").mkdir()
    (tmp_path / "work").mkdir()
    with serving(tmp_path / "git") as server:
        yield Repository(server, tmp_path / "work", account, f"app-{uuid4().hex[:8]}")


def test_a_push_that_nobody_began_with_is_delivered(repository: Repository, airflow: Airflow) -> None:
    repository.began_with(repository.push())
    lost = repository.push()
    [found] = repository.find()
    assert (found.kind, found.mended) == ("push", True)
    [run] = airflow.started
    assert (run.dag_id, run.run_id) == (f"deliver_{repository.application}", f"reconcile__{lost}")
    assert run.conf == {"revision": lost, "ref": MAIN}


def test_what_was_delivered_or_may_be_about_to_begin_is_left_alone(repository: Repository, airflow: Airflow) -> None:
    repository.began_with(repository.push())
    assert repository.find() == []
    repository.push()
    airflow.waiting = 1
    assert repository.find() == []
    assert airflow.started == []


def test_an_application_that_was_never_delivered_is_not_delivered_unasked(
    repository: Repository, airflow: Airflow
) -> None:
    repository.push()
    assert repository.find() == []
    assert airflow.started == []


def test_a_push_that_changes_nothing_of_the_application_is_seen_once(repository: Repository, airflow: Airflow) -> None:
    repository.began_with(repository.push("services/greeter/app.py"))
    other = repository.push("services/other/app.py")
    pipeline = repository.pipeline(paths=["services/greeter"])
    assert repository.find(pipeline) == []
    assert airflow.started == []
    assert Heads(repository.account, repository.application).begun(MAIN) == Head(MAIN, other)

    repository.push("services/greeter/app.py")
    [found] = repository.find(pipeline)
    assert "changes services/greeter/app.py" in found.sentence


def test_a_repository_that_does_not_answer_stops_no_other(repository: Repository, airflow: Airflow) -> None:
    repository.began_with(repository.push())
    repository.push()
    away = a_pipeline("away", {"provider": "git", "repository": f"{repository.server.url()}x"})
    trouble, found = repository.find(away, repository.pipeline())
    assert (trouble.kind, trouble.application, found.kind) == ("trouble", "away", "push")
    assert len(airflow.started) == 1


def test_of_two_runs_for_one_head_the_reconciled_one_steps_back(repository: Repository) -> None:
    head = repository.push()

    def clone(run_id: str) -> Any:
        operator = CloneSourceOperator(
            task_id="clone_source",
            application=repository.application,
            repository=CodeRepository("git", repository.server.url(), repository.account),
            revision=head,
            files=["app.py"],
        )
        return run_task(operator, a_context("clone_source", run_id=run_id, params={"ref": MAIN}))

    clone(f"reconcile__{head}")
    clone(f"reconcile__{head}")
    clone("github__2")
    with pytest.raises(AirflowFailException, match=f"github__2 delivers {head[:7]} already"):
        clone(f"reconcile__{head}")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlueGreen]:
    aws = LocalAws(tmp_path_factory.mktemp("left"), minute_seconds=1.0).start()
    try:
        with pytest.MonkeyPatch.context() as patch:
            connect(aws, patch)
            yield BlueGreen(aws)
    finally:
        aws.end()


def look_after(application: str) -> list[Found]:
    pipeline = a_pipeline(application, {"provider": "codecommit", "repository": "greeter"})
    return found_by(LookAfterEnvironmentsOperator(task_id="look", pipelines=[pipeline]))


def leased(application: str, run_id: str) -> Leases:
    leases = Leases(Account(), application, "production")
    assert leases.take(Lease(1, f"deliver_{application}", run_id, SINCE, FAR))
    return leases


def test_the_deployment_of_a_run_that_failed_is_stopped_and_then_its_lease_given_back(
    stage: BlueGreen, airflow: Airflow
) -> None:
    leases = leased("stray", "manual__stray")
    mark = marker("stray", "production", "manual__stray", 0)
    deployment = stage.deploy(stage.task_definition("v2"), deploymentConfigName=HELD_CANARY, description=str(mark))
    stage.shifted(deployment, 10)
    assert look_after("stray") == []

    airflow.states["manual__stray"] = "failed"
    [found] = look_after("stray")
    assert (found.kind, found.mended) == ("deployment", True)
    stage.ended(deployment)
    assert stage.answers(10) == {(200, "v1"): 10}

    [given] = look_after("stray")
    newest = leases.newest()
    assert (given.kind, given.mended) == ("lease", True)
    assert newest is not None
    assert newest.released


def test_a_lease_at_work_is_left_alone(stage: BlueGreen, airflow: Airflow) -> None:
    leases = leased("busy", "manual__busy")
    assert look_after("busy") == []
    newest = leases.newest()
    assert newest is not None
    assert not newest.released


def test_what_runs_beside_the_recorded_release_is_told_and_not_touched(stage: BlueGreen, airflow: Airflow) -> None:
    told = {each.name: "" for each in fields(ReleaseRecord)}
    own = {"key": "20260101T000000Z-1", "application": "drifting", "environment": "production", "outcome": "live"}
    image = f"1.example/greeter@sha256:{'9' * 64}"
    record = ReleaseRecord.from_json({**told, **own, "image": image, "commit": "c" * 40})
    Records(Account(), "drifting", "production").keep(record)
    before = len(stage.aws.effects())
    [found] = look_after("drifting")
    assert (found.kind, found.mended) == ("drift", False)
    assert f"was last verified here is sha256:{'9' * 64}" in found.sentence
    done = {each["operation"] for each in stage.aws.effects()[before:]}
    assert not done & {"StopDeployment", "CreateDeployment", "UpdateService", "PutParameter"}
