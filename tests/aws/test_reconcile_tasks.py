"""Pushes that nobody delivered, and what runs have left behind, against real git and the local AWS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import ErrorResponse

from airdock.aws import missed_pushes
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
from tests.git_server import GitServer, git, serving
from tests.local_aws_process import LocalAws

MAIN = "refs/heads/main"
SINCE, FAR = "2026-11-23T12:00:00+00:00", "2999-01-01T00:00:00+00:00"


@dataclass
class Airflow:
    """The part of Airflow's task API that starts runs, each id once, and tells of them."""

    waiting: int = 0
    states: dict[str, str] = field(default_factory=dict)
    started: list[Any] = field(default_factory=list)

    def send(self, msg: Any) -> Any:
        if msg.type == "TriggerDagRun":
            if any((each.dag_id, each.run_id) == (msg.dag_id, msg.run_id) for each in self.started):
                return ErrorResponse(error=ErrorType.DAGRUN_ALREADY_EXISTS)
            self.started.append(msg)
            return None
        if msg.type == "GetDRCount":
            return SimpleNamespace(count=self.waiting)
        state = self.states.get(msg.run_id, "running")
        if state == "deleted":
            told = {"status_code": 404, "detail": "no such run"}
            raise AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail=told))
        return SimpleNamespace(state=state)


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

    def branch(self, name: str, gone: bool = False) -> str:
        """Push what is in `work` as a branch of this name, or take it away."""
        git(self.work, "push", "-q", str(self.server.root / "app.git"), f"{'' if gone else 'HEAD'}:refs/heads/{name}")
        return git(self.work, "rev-parse", "HEAD").strip()

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
    assert run.dag_id == f"deliver_{repository.application}"
    assert run.run_id.startswith(f"reconcile__{lost}.")
    assert run.conf == {"revision": lost, "ref": MAIN}


def test_what_was_delivered_or_may_be_about_to_begin_is_left_alone(repository: Repository, airflow: Airflow) -> None:
    repository.began_with(repository.push())
    assert repository.find() == []
    repository.push()
    airflow.waiting = 1
    assert repository.find() == []
    assert airflow.started == []


def test_what_was_never_delivered_when_airdock_came_is_told_once_and_not_delivered_unasked(
    repository: Repository, airflow: Airflow
) -> None:
    old = repository.push()
    [told] = repository.find()
    assert (told.kind, told.mended) == ("push", False)
    assert f"main is at {old[:12]} since before the first look, and was never delivered" in told.sentence
    assert repository.find() == []
    assert airflow.started == []

    lost = repository.push()
    repository.find()
    assert [run.conf["revision"] for run in airflow.started] == [lost]


def test_a_branch_that_came_while_nobody_listened_is_delivered(repository: Repository, airflow: Airflow) -> None:
    repository.began_with(repository.push())
    pipeline = repository.pipeline(branches=["main", "release/*"], paths=["services/greeter"])
    assert repository.find(pipeline) == []
    release = repository.branch("release/1.2")
    [found] = repository.find(pipeline)
    assert found.mended
    assert [run.conf for run in airflow.started] == [{"revision": release, "ref": "refs/heads/release/1.2"}]


def test_old_branches_that_new_patterns_name_are_told_and_not_delivered(
    repository: Repository, airflow: Airflow
) -> None:
    repository.began_with(repository.push())
    repository.find()
    repository.branch("release/0.9")
    [found] = repository.find(repository.pipeline(branches=["main", "release/*"]))
    assert "release/0.9 is at" in found.sentence
    assert airflow.started == []


def test_of_more_branches_than_are_looked_at_those_with_a_name_of_their_own_come_first(
    repository: Repository, airflow: Airflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(missed_pushes, "MOST_BRANCHES", 3)
    repository.began_with(repository.push())
    for number in range(4):
        repository.branch(f"feature/{number}")
    pipeline = repository.pipeline(branches=["feature/*", "main"])
    repository.find(pipeline)
    lost = repository.push()
    found = [each.sentence for each in repository.find(pipeline)]
    assert found[0] == "2 branches are not looked at, as more than 3 fit: feature/2, feature/3"
    assert [run.conf["revision"] for run in airflow.started] == [lost]

    repository.branch("feature/0", gone=True)
    repository.branch("feature/1", gone=True)
    assert all("since before the first look" in each.sentence for each in repository.find(pipeline)[1:])
    assert len(airflow.started) == 1


def test_a_head_that_comes_back_after_another_was_delivered_is_a_push_of_its_own(
    repository: Repository, airflow: Airflow
) -> None:
    repository.began_with(repository.push())
    first = repository.push()
    repository.find()
    repository.began_with(repository.push())
    git(repository.work, "reset", "-q", "--hard", first)
    git(repository.work, "push", "-q", "--force", str(repository.server.root / "app.git"), "HEAD:main")
    [found] = repository.find()
    assert found.mended
    assert [run.conf["revision"] for run in airflow.started] == [first, first]
    [known] = repository.find()
    assert "is there already" in known.sentence
    assert len(airflow.started) == 2


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


def a_live_record(application: str, environment: str) -> None:
    """Of an image that no service runs."""
    told = {each.name: "" for each in fields(ReleaseRecord)}
    own = {"key": "20260101T000000Z-1", "application": application, "environment": environment, "outcome": "live"}
    image = f"1.example/greeter@sha256:{'9' * 64}"
    record = ReleaseRecord.from_json({**told, **own, "image": image, "commit": "c" * 40})
    Records(Account(), application, environment).keep(record)


def look_after(application: str) -> list[Found]:
    pipeline = a_pipeline(application, {"provider": "codecommit", "repository": "greeter"})
    return found_by(LookAfterEnvironmentsOperator(task_id="look", pipelines=[pipeline]))


def leased(application: str, run_id: str, expires: str = FAR) -> Leases:
    leases = Leases(Account(), application, "production")
    assert leases.take(Lease(1, f"deliver_{application}", run_id, SINCE, expires))
    return leases


def is_free(leases: Leases) -> bool:
    newest = leases.newest()
    return newest is not None and newest.released


def test_the_deployment_of_a_run_that_failed_is_stopped_and_then_its_lease_given_back(
    stage: BlueGreen, airflow: Airflow
) -> None:
    leases = leased("stray", "manual__stray")
    mark = marker("stray", "production", ("deliver_stray", "manual__stray"), 0)
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


def test_what_a_deleted_run_has_left_is_told_and_its_lease_given_back_at_its_end(
    stage: BlueGreen, airflow: Airflow
) -> None:
    leases = leased("deleted", "manual__deleted", expires=SINCE)
    airflow.states["manual__deleted"] = "deleted"
    mark = marker("deleted", "production", ("deliver_deleted", "manual__deleted"), 0)
    deployment = stage.deploy(stage.task_definition("v2"), deploymentConfigName=HELD_CANARY, description=str(mark))
    stage.shifted(deployment, 10)
    [found] = look_after("deleted")
    assert (found.kind, found.mended) == ("deployment", False)
    assert f"which ended at {SINCE}, and {deployment} goes on" in found.sentence
    assert not is_free(leases)

    stage.codedeploy.stop_deployment(deploymentId=deployment, autoRollbackEnabled=True)
    stage.ended(deployment)
    [given] = look_after("deleted")
    assert (given.kind, given.mended, is_free(leases)) == ("lease", True, True)


def test_a_lease_at_work_is_left_alone(stage: BlueGreen, airflow: Airflow) -> None:
    leases = leased("busy", "manual__busy")
    assert look_after("busy") == []
    newest = leases.newest()
    assert newest is not None
    assert not newest.released


def test_a_place_that_could_not_be_looked_at_is_not_one_without_drift(stage: BlueGreen, airflow: Airflow) -> None:
    away = {"cluster": "demo", "service": "absent", "container": "web"}
    rollout = {"strategy": "codedeploy", "application": "greeter", "deployment_group": "greeter"}
    environments = {"staging": {**away, "rollout": {"strategy": "ecs"}}, "production": {**away, "rollout": rollout}}
    a_live_record("away", "staging")
    a_live_record("away", "production")
    pipeline = a_pipeline("away", {"provider": "codecommit", "repository": "greeter"}, environments=environments)
    operator = LookAfterEnvironmentsOperator(task_id="look_after_environments", pipelines=[pipeline])
    xcoms: dict[tuple[str, str], Any] = {}
    run_task(operator, a_context(operator.task_id, xcoms=xcoms))
    told = xcoms["look_after_environments", "drift"]
    assert [(each["kind"], each["environment"]) for each in told] == [("trouble", "staging"), ("trouble", "production")]
    assert all("what it runs can't be told" in each["sentence"] for each in told)


def test_only_who_looks_at_the_environments_tells_of_drift(repository: Repository, airflow: Airflow) -> None:
    xcoms: dict[tuple[str, str], Any] = {}
    operator = FindMissedPushesOperator(task_id="find_missed_pushes", pipelines=[repository.pipeline()])
    repository.push()
    run_task(operator, a_context(operator.task_id, xcoms=xcoms))
    assert ("find_missed_pushes", "drift") not in xcoms


def test_what_runs_beside_the_recorded_release_is_told_and_not_touched(stage: BlueGreen, airflow: Airflow) -> None:
    a_live_record("drifting", "production")
    before = len(stage.aws.effects())
    [found] = look_after("drifting")
    assert (found.kind, found.mended) == ("drift", False)
    assert f"was last verified here is sha256:{'9' * 64}" in found.sentence
    done = {each["operation"] for each in stage.aws.effects()[before:]}
    assert not done & {"StopDeployment", "CreateDeployment", "UpdateService", "PutParameter"}
