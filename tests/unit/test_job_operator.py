"""Starting a job once and seeing it to its end, whatever Airflow does to the task in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from airdock.aws.hooks import Account
from airdock.aws.operators.job import JobOperator
from airdock.aws.operators.wait import WaitOperator
from airdock.aws.watch import Facts, Lookup, Subject
from airdock.errors import Fault, Refused
from tests.fakes import FakeStore, a_context, run_task


class FakeService:
    """The service that runs jobs, and the Watch that reads them: one tick passes with each look."""

    service = ""
    batch = 1

    def __init__(self, ticks: int = 1) -> None:
        self.ticks = ticks
        self.started = datetime.now(UTC)
        self.jobs: list[str] = []
        self.weights: list[float] = []
        """The new version's shares of the traffic that the looks find in turn; none for what moves no traffic."""

    def start(self) -> str:
        self.jobs.append(f"job-{len(self.jobs) + 1}")
        return self.jobs[-1]

    def read(self, lookup: Lookup, ids: Sequence[str]) -> dict[str, Facts]:
        self.ticks -= 1
        moved = {"weights": {"new": self.weights.pop(0)}} if self.weights else {}
        told = {"ticks": self.ticks, "started_at": self.started.isoformat(), **moved}
        return {each: {"id": each, **told} for each in ids}

    def finished(self, facts: Facts, options: Mapping[str, Any]) -> bool:
        return bool(facts["ticks"] <= 0)

    def progress(self, before: Facts | None, now: Facts) -> list[str]:
        return []


class StartJobOperator(JobOperator):
    """Starts a job of the fake service; `broken` is what its end raises, once."""

    kind = "fake"
    moves_traffic = True

    def __init__(self, *, service: FakeService, broken: Exception | None = None, **kwargs: Any) -> None:
        super().__init__(task_id="start", account=Account(), poll_seconds=0.01, handoff_seconds=0, **kwargs)
        self.service = service
        self.broken = broken

    def adopt_or_start(self, context: Any) -> str:
        return self.service.start()

    def conclude(self, context: Any, facts: Facts) -> Any:
        if self.broken:
            self.broken, broken = None, self.broken
            self.forget_job(context)
            raise broken
        return facts["id"]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> FakeService:
    service = FakeService()
    monkeypatch.setattr("airdock.aws.operators.job.watch_for", lambda _: service)
    monkeypatch.setattr("airdock.aws.watch.sweep.watch_for", lambda _: service)
    return service


def test_a_quick_job_ends_in_the_worker(service: FakeService) -> None:
    assert StartJobOperator(service=service).execute(a_context()) == "job-1"


def test_a_longer_job_is_waited_for_in_the_triggerer(service: FakeService) -> None:
    service.ticks = 3
    with pytest.raises(TaskDeferred) as deferred:
        StartJobOperator(service=service).execute(a_context())
    assert deferred.value.method_name == "resume"
    assert deferred.value.trigger.deadline_at == (service.started + timedelta(minutes=60)).isoformat()
    assert run_task(StartJobOperator(service=service), a_context()) == "job-2"


def test_a_retry_follows_the_job_of_the_try_before(service: FakeService) -> None:
    store = FakeStore()
    for _ in range(3):
        assert StartJobOperator(service=service).execute(a_context(store=store)) == "job-1"
    assert service.jobs == ["job-1"]


def test_a_clear_looks_afresh(service: FakeService) -> None:
    store = FakeStore()
    StartJobOperator(service=service).execute(a_context(store=store))
    assert StartJobOperator(service=service).execute(a_context(store=store, clear_number=1)) == "job-2"


def test_a_job_that_a_fault_ended_is_forgotten_and_the_next_try_starts_anew(service: FakeService) -> None:
    store, operator = FakeStore(), StartJobOperator(service=service, broken=Fault("the machine died"))
    with pytest.raises(Fault):
        operator.execute(a_context(store=store))
    assert operator.execute(a_context(store=store)) == "job-2"


@pytest.mark.parametrize(
    ("error", "raised", "faulted"), [(Refused("no"), AirflowFailException, False), (Fault("later"), Fault, True)]
)
def test_a_failure_leaves_its_sentence_and_whether_it_may_pass(
    service: FakeService, error: Exception, raised: type[Exception], faulted: bool
) -> None:
    context = a_context()
    with pytest.raises(raised, match=str(error)):
        StartJobOperator(service=service, broken=error).execute(context)
    assert context["ti"].xcoms == {("task", "reason"): str(error), ("task", "faulted"): faulted}


def test_a_job_past_its_deadline_is_not_waited_for(service: FakeService) -> None:
    service.ticks, service.started = 9, service.started - timedelta(minutes=61)
    with pytest.raises(AirflowFailException, match="had not ended after 60 minutes"):
        StartJobOperator(service=service).execute(a_context())


def test_a_deadline_that_comes_in_the_triggerer_is_a_refusal(service: FakeService) -> None:
    service.ticks = 10**9
    service.started = datetime.now(UTC) - timedelta(minutes=59, seconds=59.7)
    with pytest.raises(AirflowFailException, match="had not ended after 60 minutes"):
        run_task(StartJobOperator(service=service), a_context())


@pytest.mark.parametrize("error", ["Trigger timeout", "Trigger failure"])
def test_a_wait_that_breaks_off_is_a_fault_and_the_next_try_follows_the_job(service: FakeService, error: str) -> None:
    store = FakeStore()
    service.ticks = 2
    with pytest.raises(TaskDeferred):
        StartJobOperator(service=service).execute(a_context(store=store))
    context = a_context(store=store)
    with pytest.raises(Fault, match="broke off"):
        StartJobOperator(service=service).resume_execution("__fail__", {"error": error}, context)
    assert context["ti"].xcoms["task", "faulted"] is True
    assert StartJobOperator(service=service).execute(context) == "job-1"


class WaitForJobOperator(WaitOperator):
    """Waits for a job of the fake service that another has started."""

    kind = "fake"

    def adopt_or_start(self, context: Any) -> str:
        return "another's job"

    def conclude(self, context: Any, facts: Facts) -> Any:
        return facts["id"]


def test_what_only_waits_asks_for_no_memory_and_keeps_none(service: FakeService) -> None:
    service.ticks = 3
    operator = WaitForJobOperator(task_id="wait", account=Account(), poll_seconds=0.01, handoff_seconds=0)
    assert run_task(operator, {**a_context(), "task_state_store": None}) == "another's job"


class StepwiseOperator(StartJobOperator):
    """Follows its job once more after each of its first ends, as a deploy task does after each answered pause."""

    more = 1

    def conclude(self, context: Any, facts: Facts) -> Any:
        if self.more:
            self.more -= 1
            self.service.ticks = 2
            return self.follow(context, Subject(self.kind, facts["id"], self.account))
        return super().conclude(context, facts)


class StillOperator(StartJobOperator):
    moves_traffic = False


def test_a_job_that_moves_no_traffic_is_not_asked_how_it_has_moved(service: FakeService) -> None:
    store = FakeStore({"shares": {"job": "job-1", "shares": [{"at": "t0", "percent": 20}]}})
    context = a_context(store=store)
    assert StillOperator(service=service).execute(context) == "job-1"
    assert context["ti"].xcoms == {}


def percents(context: Any) -> list[float]:
    return [each["percent"] for each in context["ti"].xcoms["task", "shares"]]


def test_the_traffic_s_history_goes_on_after_each_wait(service: FakeService) -> None:
    service.ticks, service.weights, context = 3, [0.0, 0.0, 20.0, 20.0, 40.0], a_context()
    run_task(StepwiseOperator(service=service), context)
    assert percents(context) == [0, 20, 40]


def test_the_traffic_s_history_survives_a_retry_which_takes_the_xcoms_away(service: FakeService) -> None:
    store, context = FakeStore(), a_context()
    service.ticks, service.weights = 2, [0.0, 20.0]
    with pytest.raises(TaskDeferred):
        StartJobOperator(service=service).execute(a_context(store=store))
    # What the triggerer has left before it broke off.
    left = [{"at": f"t{each}", "percent": each} for each in (0.0, 20.0)]
    broken = a_context(store=store, xcoms={("task", "shares"): left})
    with pytest.raises(Fault):
        StartJobOperator(service=service).resume_execution("__fail__", {"error": "Trigger failure"}, broken)
    service.ticks, service.weights, context = 1, [40.0], a_context(store=store)
    StartJobOperator(service=service).execute(context)
    assert percents(context) == [0, 20, 40]


def test_another_job_s_traffic_is_no_history_of_this_one(service: FakeService) -> None:
    store, context = FakeStore(), a_context()
    service.weights = [20.0]
    StartJobOperator(service=service).execute(a_context(store=store))
    service.ticks, service.weights, context = 1, [0.0], a_context(store=store, clear_number=1)
    StartJobOperator(service=service).execute(context)
    assert percents(context) == [0]
