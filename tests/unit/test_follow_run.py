"""A task of the train starts a run once, follows it to its verdict, and holds no worker meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from airdock.aws import runs
from airdock.aws.operators.follow_run import FollowRunOperator
from airdock.errors import Fault
from airdock.release import Outcome, OutcomeReport
from tests.fakes import FakeStore, a_context, run_task

TRAIN = "scheduled__2026-11-24T01:30:00+00:00"


@dataclass
class Runs:
    """Airflow's runs of other dags: each question for a state takes the next answer, the last one stays."""

    answers: list[str | Exception | None] = field(default_factory=lambda: ["success"])
    started: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def start(self, dag_id: str, run_id: str, conf: dict[str, Any], note: str = "") -> bool:
        new = (dag_id, run_id, conf) not in self.started
        self.started += [(dag_id, run_id, conf)] if new else []
        return new

    def state(self, dag_id: str, run_id: str) -> str | None:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def other(monkeypatch: pytest.MonkeyPatch) -> Iterator[Runs]:
    made = Runs()
    monkeypatch.setattr(runs, "start", made.start)
    monkeypatch.setattr(runs, "state", made.state)
    yield made


def an_operator(**changes: Any) -> FollowRunOperator:
    told = {"purpose": "train", "application": "api", "run_dag_id": "deliver_api", "environment": "production"}
    waits = {"deadline_hours": 1, "handoff_seconds": 0, "poll_seconds": 0.01}
    return FollowRunOperator(task_id="deliver", conf={"environment": "production"}, **{**told, **waits, **changes})


def a_run(outcome: Outcome | None, **more: Any) -> Any:
    """The context of the task, where the followed run has left this verdict."""
    xcoms: dict[tuple[str, str], Any] = {}
    if outcome:
        xcoms["production.verdict", "outcome"] = OutcomeReport(outcome, f"api {outcome}").to_json()
    return a_context("deliver", run_id=TRAIN, xcoms=xcoms, **more)


def arrival_in(context: Any) -> tuple[str, str]:
    left = context["ti"].xcoms["deliver", "arrival"]
    return left["outcome"], left["sentence"]


def test_a_run_that_came_live_is_the_tasks_record(other: Runs) -> None:
    context = a_run(Outcome.LIVE)
    record = run_task(an_operator(), context)
    assert record == {"application": "api", "run_id": f"train__{TRAIN}", "outcome": "live", "sentence": "api live"}
    [(dag_id, run_id, conf)] = other.started
    assert (dag_id, run_id, set(conf)) == ("deliver_api", f"train__{TRAIN}", {"environment", "not_after"})
    assert context["ti"].xcoms["deliver", "arrival"] == record


def test_a_retry_follows_the_run_that_the_first_try_has_started(other: Runs) -> None:
    context = a_run(Outcome.LIVE)
    for _ in range(3):
        run_task(an_operator(), context)
    assert len(other.started) == 1


def test_a_clear_starts_another_run(other: Runs) -> None:
    run_task(an_operator(), a_run(Outcome.LIVE))
    run_task(an_operator(), a_run(Outcome.LIVE, clear_number=1))
    assert [run_id for _, run_id, _ in other.started] == [f"train__{TRAIN}", f"train1__{TRAIN}"]


def test_a_long_run_is_waited_for_in_the_triggerer(other: Runs) -> None:
    other.answers = ["queued", "running", "running", "success"]
    with pytest.raises(TaskDeferred):
        an_operator().execute(a_run(Outcome.LIVE))
    other.answers = ["queued", "running", Fault("the api-server is away"), "running", "success"]
    assert run_task(an_operator(), a_run(Outcome.LIVE))["outcome"] == "live"


def test_a_short_run_costs_no_deferral(other: Runs) -> None:
    other.answers = ["running", "success"]
    assert an_operator(handoff_seconds=30).execute(a_run(Outcome.LIVE))["outcome"] == "live"


@pytest.mark.parametrize("outcome", [each for each in Outcome if each is not Outcome.LIVE])
def test_a_release_that_did_not_come_live_fails_the_task_with_its_sentence(other: Runs, outcome: Outcome) -> None:
    other.answers = ["running", "failed"]
    context = a_run(outcome)
    with pytest.raises(AirflowFailException, match=f"api {outcome}"):
        run_task(an_operator(), context)
    assert arrival_in(context) == (outcome, f"api {outcome}")


def test_a_run_that_had_nothing_to_do_is_as_good(other: Runs) -> None:
    assert run_task(an_operator(run_dag_id="deploy_api"), a_run(None))["outcome"] == "live"


def test_a_run_without_end_is_refused_at_the_deadline_which_no_retry_moves(other: Runs) -> None:
    other.answers = ["queued"]
    context = a_run(None)
    with pytest.raises(
        AirflowFailException, match="is queued, and begins nothing in an environment any more; is deliver_api paused"
    ):
        run_task(an_operator(deadline_hours=0.2 / 3600), context)
    assert arrival_in(context)[0] == "stopped"
    with pytest.raises(AirflowFailException, match="had not ended"):
        an_operator(deadline_hours=99).execute(context)


def test_a_delivery_may_begin_as_long_as_the_train_waits_and_a_way_back_for_ever(other: Runs) -> None:
    other.answers = ["queued"]
    context = a_run(None)
    for _ in range(2):
        with pytest.raises(TaskDeferred):
            an_operator(deadline_hours=1).execute(context)
    [(_, _, conf)] = other.started
    assert conf["not_after"] == context["task_state_store"].get("waiting")["deadline_at"]
    with pytest.raises(TaskDeferred):
        an_operator(purpose="put_back", run_dag_id="deploy_api").execute(a_run(None))
    assert other.started[1][2] == {"environment": "production"}


def test_what_was_started_is_told_even_when_the_task_dies(other: Runs) -> None:
    context = a_run(None)
    other.answers = ["running"]
    with pytest.raises(TaskDeferred):
        an_operator().execute(context)
    assert arrival_in(context)[0] == "stopped"
    assert f"train__{TRAIN}" in arrival_in(context)[1]


def test_a_run_that_was_deleted_is_a_fault(other: Runs) -> None:
    other.answers = ["running", None]
    with pytest.raises(Fault, match="deleted"):
        run_task(an_operator(), a_run(None))


@pytest.mark.parametrize("error", ["Trigger failure", "Trigger timeout"])
def test_a_wait_that_broke_off_is_a_fault(other: Runs, error: str) -> None:
    with pytest.raises(Fault, match="broke off in the triggerer"):
        an_operator().resume_execution("__fail__", {"error": error}, a_run(None))


def test_another_trains_retry_keeps_its_own_deadline(other: Runs) -> None:
    other.answers = ["running"]
    store = FakeStore({"waiting": {"run": "train__another", "deadline_at": "2020-01-01T00:00:00+00:00"}})
    with pytest.raises(TaskDeferred):
        an_operator().execute(a_run(None, store=store))
