"""The deciding tasks of the release train: waves, the way back, and the last word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from airdock.aws.operators.release_train import BeginWaveOperator, PutBackWaveOperator, TrainSummaryOperator
from airdock.plan.release_record import ReleaseRecord
from airdock.plan.release_train import Car, Journey, run_id
from airdock.plan.train_end import Arrival
from airdock.release import Outcome
from tests.fakes import FakeTaskInstance, a_context
from tests.unit.test_release_record import a_record

TRAIN = "scheduled__2026-11-24T01:30:00+00:00"
BEFORE, BROUGHT = a_record(1), a_record(2, run_id=run_id("train", TRAIN, 0))
WENT = Journey(
    (
        Car("api", "production", 1, BEFORE.key, "new"),
        Car("web", "production", 2, BEFORE.key, "new"),
        Car("docs", "staging", 2, BEFORE.key, "new"),
    )
)
DELIVERS = ("wave_1.deliver", "wave_2.deliver")


class MappedTaskInstance(FakeTaskInstance):
    """Knows a task's XComs as a list of what its mapped instances left, when several tasks are asked for."""

    def xcom_pull(self, task_ids: Any = None, key: str = "return_value", default: Any = None, **more: Any) -> Any:
        if isinstance(task_ids, list):
            return [each for name in task_ids for each in self.xcoms.get((name, key), [None])]
        return super().xcom_pull(task_ids, key, default, **more)


@dataclass
class FakeRecords:
    now: ReleaseRecord

    def live(self) -> ReleaseRecord:
        return self.now


def a_train(*came: Arrival, went: Journey | None = WENT, back: tuple[Arrival, ...] = ()) -> Any:
    """The context of a task, after these have arrived."""
    xcoms: dict[tuple[str, str], Any] = {("choose", "reason"): "the api-server of git is away"}
    if went is not None:
        xcoms["choose", "journey"] = went.to_json()
    xcoms["wave_1.deliver", "arrival"] = [each.to_json() for each in came[:1]] or [None]
    xcoms["wave_2.deliver", "arrival"] = [each.to_json() for each in came[1:]] or [None]
    xcoms["put_back.wave_1.deploy", "arrival"] = [each.to_json() for each in back]
    context = a_context("task", run_id=TRAIN, xcoms=xcoms)
    context["ti"] = MappedTaskInstance("task", xcoms, {}, TRAIN)
    return context


def came(application: str, outcome: Outcome = Outcome.LIVE) -> Arrival:
    return Arrival(application, run_id("train", TRAIN, 0), outcome, f"{application} {outcome}")


def put_back(wave: int, now: ReleaseRecord = BROUGHT) -> PutBackWaveOperator:
    records = {car.application: FakeRecords(now) for car in WENT.cars}
    return PutBackWaveOperator(task_id="begin", wave=wave, records=records, delivers=DELIVERS)


def back_to(environment: str) -> dict[str, str]:
    return {"release": BEFORE.key, "environment": environment, "instead_of": BROUGHT.key}


def the_summary() -> TrainSummaryOperator:
    return TrainSummaryOperator(task_id="summary", delivers=DELIVERS, returns=["put_back.wave_1.deploy"], put_back=True)


def test_a_wave_begins_with_a_run_for_each_of_its_applications() -> None:
    assert BeginWaveOperator(task_id="begin", wave=2).execute(a_train()) == [
        {
            "application": name,
            "run_dag_id": f"deliver_{name}",
            "environment": environment,
            "conf": {"environment": environment},
        }
        for name, environment in (("web", "production"), ("docs", "staging"))
    ]


def test_a_wave_that_nobody_is_in_is_skipped() -> None:
    with pytest.raises(AirflowSkipException, match="wave 3"):
        BeginWaveOperator(task_id="begin", wave=3).execute(a_train())


def test_nothing_goes_back_when_all_came_live() -> None:
    with pytest.raises(AirflowSkipException, match="All that went came live"):
        put_back(1).execute(a_train(came("api"), came("web"), came("docs")))


def test_what_came_live_is_deployed_as_it_was_before() -> None:
    context = a_train(came("api"), came("web", Outcome.ROLLED_BACK), came("docs"))
    [web] = put_back(2).execute(context)
    assert (web["run_dag_id"], web["conf"]) == ("deploy_docs", back_to("staging"))
    [api] = put_back(1).execute(context)
    assert (api["run_dag_id"], api["conf"]) == ("deploy_api", back_to("production"))


def test_what_somebody_else_has_delivered_since_is_left_alone() -> None:
    hotfix = a_record(3, run_id="manual__hotfix")
    with pytest.raises(AirflowSkipException, match="Nothing of wave 1"):
        put_back(1, hotfix).execute(a_train(came("api"), came("web", Outcome.FAILED)))


def test_a_wave_that_never_began_has_nothing_to_go_back() -> None:
    with pytest.raises(AirflowSkipException, match="Nothing of wave 2"):
        put_back(2).execute(a_train(came("api", Outcome.REFUSED)))


def test_the_summary_of_a_train_that_arrived_succeeds_with_a_line_for_each() -> None:
    context = a_train(came("api"), came("web"), came("docs"))
    the_summary().execute(context)
    report = context["ti"].xcoms["task", "outcome"]
    assert (report["outcome"], report["sentence"]) == ("live", "3 of 3 applications came live")
    assert report["details"] == ["wave 1, api: api live", "wave 2, web: web live", "wave 2, docs: docs live"]


def test_the_summary_is_as_red_as_the_train_and_says_what_went_back() -> None:
    context = a_train(came("api"), came("web", Outcome.REFUSED), back=(came("api"),))
    with pytest.raises(AirflowFailException, match="stopped in wave 2 for web; 1 of 1 went back"):
        the_summary().execute(context)
    assert context["ti"].xcoms["task", "outcome"]["outcome"] == "rolled_back"
    assert "wave 2, docs: was not started" in context["ti"].xcoms["task", "outcome"]["details"]


def test_nothing_new_is_a_quiet_success() -> None:
    context = a_train(went=Journey(stays={"api": "1 is live"}))
    the_summary().execute(context)
    assert context["ti"].xcoms["task", "outcome"]["sentence"] == "no application has anything new"


def test_a_train_that_could_not_choose_says_why() -> None:
    with pytest.raises(AirflowFailException, match="Nobody went: the api-server of git is away"):
        the_summary().execute(a_train(went=None))
