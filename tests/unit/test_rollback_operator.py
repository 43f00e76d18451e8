"""Deploying and the way back, with every turn that CodeDeploy can take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, TaskDeferred

from airdock.aws.operators.codedeploy import CodeDeployCreateDeploymentOperator
from airdock.aws.operators.codedeploy_rollback import CodeDeployRollBackOperator
from airdock.errors import Fault
from tests.delivery import a_release, a_source, a_target
from tests.fake_stage import FakeStage, arn, image
from tests.fakes import FakeStore, a_context, run_task

NAMES: dict[str, Any] = {"application": "greeter", "environment": "production"}
QUICK: dict[str, Any] = {"poll_seconds": 0.01, "handoff_seconds": 0}


class Run:
    """One run of the delivery of revision 2, whose register task has happened."""

    def __init__(self, stage: FakeStage, **target: Any) -> None:
        self.stage = stage
        self.target = a_target(**target)
        self.release = a_release(arn(2), before=arn(stage.runs), image=image(2))
        self.xcoms: dict[tuple[str, str], Any] = {("register", "return_value"): self.release}
        self.stores = {"deploy": FakeStore(), "roll_back": FakeStore()}
        self.clears = 0

    def deploying(self, **changes: Any) -> CodeDeployCreateDeploymentOperator:
        return CodeDeployCreateDeploymentOperator(
            task_id="deploy",
            **NAMES,
            target=self.target,
            source=a_source(),
            task_definition=self.release,
            **{**QUICK, **changes},
        )

    def deploy(self, **changes: Any) -> Any:
        return run_task(self.deploying(**changes), self.context("deploy"))

    def roll_back(self, state: str = "failed", **changes: Any) -> Any:
        return run_task(self.rolling_back(**changes), self.context("roll_back", state))

    def rolling_back(self, **changes: Any) -> CodeDeployRollBackOperator:
        return CodeDeployRollBackOperator(
            task_id="roll_back",
            **NAMES,
            target=self.target,
            register_task="register",
            deploy_task="deploy",
            **{**QUICK, **changes},
        )

    def context(self, task_id: str, state: str = "running") -> Any:
        store, states = self.stores[task_id], {"deploy": state}
        return a_context(task_id, clear_number=self.clears, store=store, xcoms=self.xcoms, states=states)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> FakeStage:
    stage = FakeStage()
    monkeypatch.setattr("airdock.aws.hooks._client", stage.client)
    return stage


@pytest.mark.parametrize("state", ["failed", "upstream_failed", "skipped"])
def test_a_run_without_a_deployment_has_nothing_to_roll_back(stage: FakeStage, state: str) -> None:
    with pytest.raises(AirflowSkipException, match="deployed nothing"):
        Run(stage).roll_back(state)


def test_a_deployment_of_an_earlier_attempt_is_left_alone_when_this_one_did_not_deploy(stage: FakeStage) -> None:
    run = Run(stage)
    run.deploy()
    with pytest.raises(AirflowSkipException):
        run.roll_back("upstream_failed")
    assert stage.runs == 2


def test_codedeploys_own_rollback_is_confirmed_and_nothing_is_created(stage: FakeStage) -> None:
    stage.bad = {2}
    run = Run(stage)
    with pytest.raises(AirflowFailException, match="production is on the previous version"):
        run.deploy()
    record = run.roll_back()
    assert record["task_definition"] == arn(1)
    assert image(1).endswith(record["digest"])
    assert (len(stage.created), stage.stopped) == (1, [])


def test_a_failure_that_codedeploy_leaves_as_it_is_gets_a_deployment_of_the_old_version(stage: FakeStage) -> None:
    stage.bad, stage.rolls_back = {2}, False
    run = Run(stage)
    with pytest.raises(AirflowFailException):
        run.deploy()
    assert stage.runs == 2
    assert run.roll_back()["task_definition"] == arn(stage.runs) == arn(1)


def test_an_active_deployment_is_stopped_with_rollback(stage: FakeStage) -> None:
    stage.patience = 10**6
    run = Run(stage)
    deployment = run.deploying().adopt_or_start(run.context("deploy"))
    assert run.roll_back()["task_definition"] == arn(1)
    assert stage.stopped == [deployment]


def test_a_deployment_that_ends_while_it_is_to_be_stopped_is_looked_at_again(stage: FakeStage) -> None:
    stage.patience = 2
    run = Run(stage)
    run.deploying().adopt_or_start(run.context("deploy"))
    stop, stage.patience = stage.stop_deployment, 3

    def too_late(deploymentId: str, autoRollbackEnabled: bool) -> Any:
        stage._look(stage.infos[deploymentId])
        return stop(deploymentId, autoRollbackEnabled)

    stage.stop_deployment = too_late  # type: ignore[method-assign]
    with pytest.raises(Fault, match="looks again"):
        run.roll_back()
    assert run.roll_back()["task_definition"] == arn(1)


def test_a_good_deployment_is_taken_back_by_one_new_deployment_however_often_the_task_runs(stage: FakeStage) -> None:
    run = Run(stage)
    run.deploy()
    for _ in range(3):
        assert run.roll_back("success")["task_definition"] == arn(1)
        run.stores["roll_back"] = FakeStore()
    assert len(stage.created) == 2
    assert stage.created[1]["description"].endswith("/rollback attempt 0")


def test_a_way_back_that_fails_is_refused_and_says_what_production_runs(stage: FakeStage) -> None:
    run = Run(stage)
    run.deploy()
    stage.bad = {1}
    with pytest.raises(AirflowFailException, match=r"the rollback failed: .*production runs \S+greeter:2"):
        run.roll_back("success")


def test_without_word_of_what_ran_before_nothing_is_touched(stage: FakeStage) -> None:
    run = Run(stage)
    run.deploy()
    del run.xcoms["register", "return_value"]
    with pytest.raises(AirflowFailException, match="nothing to go back to"):
        run.roll_back("success")
    assert len(stage.created) == 1


def test_a_release_that_somebody_else_has_deployed_since_is_never_overwritten(stage: FakeStage) -> None:
    run = Run(stage)
    run.deploy()
    stage.runs = 3
    with pytest.raises(AirflowFailException, match=r"production runs \S+greeter:3, which another has deployed since"):
        run.roll_back("success")
    assert (stage.runs, len(stage.created)) == (3, 1)
    assert run.xcoms["roll_back", "deployment_outcome"] == "superseded"


def test_a_live_release_stays_when_its_cleared_run_fails_before_it_deploys_again(stage: FakeStage) -> None:
    run = Run(stage)
    run.deploy()
    run.clears = 1
    with pytest.raises(AirflowSkipException, match="deployed nothing"):
        run.roll_back("failed")
    assert (stage.runs, stage.stopped, len(stage.created)) == (2, [], 1)


def test_a_deployment_of_an_earlier_attempt_that_this_one_followed_is_stopped(stage: FakeStage) -> None:
    stage.patience = 10**6
    run = Run(stage)
    deployment = run.deploying().adopt_or_start(run.context("deploy"))
    run.clears = 1
    assert run.roll_back("failed")["task_definition"] == arn(1)
    assert stage.stopped == [deployment]


def test_a_cleared_run_whose_check_fails_takes_its_release_back(stage: FakeStage) -> None:
    run = Run(stage)
    run.deploy()
    run.clears = 1
    run.deploy()
    assert run.roll_back("success")["task_definition"] == arn(1)
    assert len(stage.created) == 2


def test_an_overdue_deployment_is_stopped_and_its_end_told(stage: FakeStage) -> None:
    stage.patience = 10**6
    run = Run(stage)
    with pytest.raises(AirflowFailException, match=r"not over after 0\.001 minutes, so Airdock stopped it"):
        run.deploy(deadline_minutes=0.001)
    assert stage.runs == 1
    assert len(stage.stopped) == 1
    assert run.xcoms["deploy", "deployment_outcome"] == "rolled_back"
    with pytest.raises(AirflowFailException, match="so Airdock stopped it"):
        run.deploy(deadline_minutes=0.001)  # a retry of the same attempt tells the same and stops nothing
    assert len(stage.stopped) == 1


def test_a_deployment_whose_old_tasks_outlive_its_deadline_is_live_and_not_taken_back(stage: FakeStage) -> None:
    stage.keeps_old_tasks = True
    run = Run(stage)
    assert run.deploy(deadline_minutes=0.001)["status"] == "InProgress"
    assert (stage.runs, stage.stopped) == (2, [])


def test_a_way_back_whose_replaced_tasks_outlive_its_deadline_has_succeeded(stage: FakeStage) -> None:
    run = Run(stage)
    run.deploy()
    stage.keeps_old_tasks = True
    assert run.roll_back("success", deadline_minutes=0.001)["task_definition"] == arn(1)
    assert stage.stopped == []


def until(work: Callable[[], Any]) -> str:
    """The moment until which a task waits in the triggerer."""
    with pytest.raises(TaskDeferred) as deferred:
        work()
    return str(deferred.value.trigger.deadline_at)


def test_no_restart_moves_the_end_of_a_wait_for_a_way_back(stage: FakeStage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.patience = 10**6
    monkeypatch.setattr(stage, "stop_deployment", lambda **_: {"status": "Pending"})
    run = Run(stage)
    run.deploying().adopt_or_start(run.context("deploy"))
    first = until(lambda: run.rolling_back().execute(run.context("roll_back", "failed")))
    assert until(lambda: run.rolling_back().execute(run.context("roll_back", "failed"))) == first
    run.clears = 1
    assert until(lambda: run.rolling_back().execute(run.context("roll_back", "failed"))) > first
    with pytest.raises(AirflowFailException, match=r"had not ended after 0 minutes"):
        run.roll_back("failed", deadline_minutes=0)


def test_no_restart_moves_the_end_of_a_wait_for_the_rollback_of_a_deployment_that_was_given_up(
    stage: FakeStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.patience = 10**6
    monkeypatch.setattr(stage, "stop_deployment", lambda **_: {"status": "Pending"})
    run = Run(stage)
    first = until(lambda: run.deploying(deadline_minutes=0).execute(run.context("deploy")))
    assert until(lambda: run.deploying(deadline_minutes=0).execute(run.context("deploy"))) == first
    monkeypatch.setattr("airdock.aws.operators.deploy.ROLLBACK_MINUTES", 0)
    with pytest.raises(AirflowFailException, match="its rollback had not ended"):
        run.deploy(deadline_minutes=0)


def test_a_rollback_that_does_not_end_is_given_up_and_said(stage: FakeStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airdock.aws.operators.deploy.ROLLBACK_MINUTES", 0.002)
    stage.patience = 10**6
    monkeypatch.setattr(stage, "stop_deployment", lambda **_: {"status": "Pending"})
    with pytest.raises(AirflowFailException, match="its rollback had not ended"):
        Run(stage).deploy(deadline_minutes=0.001)
