"""The lease on an environment, in the local AWS's Parameter Store."""

from __future__ import annotations

import json
import threading
from dataclasses import fields
from typing import Any
from uuid import uuid4

import pytest
from airflow.sdk.api.datamodels._generated import DagRunState
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from airdock.aws.hooks import Account
from airdock.aws.leases import Leases
from airdock.aws.operators.hold import HoldOperator
from airdock.aws.people import ThawTrigger, freeze_in_words
from airdock.aws.release_records import Records
from airdock.plan.lease import THAWED, Lease
from airdock.plan.release_record import ReleaseRecord
from tests.delivery import a_target
from tests.fakes import FakeStore, a_context, run_task
from tests.local_aws_process import LocalAws

FAR, SINCE = "2999-01-01T00:00:00+00:00", "2026-11-23T12:00:00+00:00"


@pytest.fixture
def leases(account: Account) -> Leases:
    return Leases(account, f"app-{uuid4().hex[:8]}", "production")


def hold(leases: Leases, **arguments: Any) -> HoldOperator:
    return HoldOperator(
        task_id="hold",
        application=leases.application,
        environment="production",
        target=a_target(),
        **{"poll_seconds": 0.2, "handoff_seconds": 0.2, **arguments},
    )


def created(aws: LocalAws, leases: Leases) -> list[str]:
    """The generations that were created, without those that were refused."""
    puts = [each for each in aws.effects("ssm", "PutParameter") if leases.path in each["params"]["Name"]]
    return [
        each["params"]["Name"].rpartition("/")[2]
        for each in puts
        if not each["error"] and not each["params"].get("Overwrite")
    ]


def test_a_free_environment_is_taken_at_once_and_again_by_the_same_run(leases: Leases, local_aws: LocalAws) -> None:
    first = run_task(hold(leases), a_context("hold"))
    again = run_task(hold(leases), a_context("hold"))
    assert first["generation"] == 1
    assert (again["generation"], again["run_id"]) == (1, "manual__1")
    assert created(local_aws, leases) == ["00000001"]


FROZEN = {"by": "alice", "at": "2026-11-23T12:00:00+00:00", "reason": "the payment provider is down"}


def test_nothing_begins_while_the_line_is_stopped(
    leases: Leases, local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_AIRDOCK_FREEZE", json.dumps(FROZEN))
    with pytest.raises(TaskDeferred) as deferred:
        hold(leases).execute(a_context("hold"))
    assert (type(deferred.value.trigger), deferred.value.method_name) == (ThawTrigger, THAWED)
    assert created(local_aws, leases) == []

    threading.Timer(1.0, monkeypatch.delenv, ["AIRFLOW_VAR_AIRDOCK_FREEZE"]).start()
    assert run_task(hold(leases), a_context("hold"))["generation"] == 1


def test_who_waits_for_another_does_not_enter_a_line_that_was_stopped_meanwhile(
    leases: Leases, local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert leases.take(Lease(1, "deploy_greeter", "busy", SINCE, FAR))
    context = a_context("hold")
    with pytest.raises(TaskDeferred) as waiting:
        hold(leases).execute(context)
    monkeypatch.setenv("AIRFLOW_VAR_AIRDOCK_FREEZE", json.dumps(FROZEN))
    leases.give_back(("deploy_greeter", "busy"))
    event = {"status": "finished", "facts": {"lease": None, "free": True}, "reason": ""}
    with pytest.raises(TaskDeferred) as held:
        hold(leases).resume_execution(waiting.value.method_name, {"event": event}, context)
    assert (type(held.value.trigger), held.value.method_name) == (ThawTrigger, THAWED)
    assert created(local_aws, leases) == ["00000001"]


def test_what_was_live_before_comes_back_though_the_line_is_stopped(
    leases: Leases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_AIRDOCK_FREEZE", json.dumps(FROZEN))
    assert run_task(hold(leases, again="True"), a_context("hold"))["generation"] == 1


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (json.dumps(FROZEN), "alice stopped the line at 2026-11-23T12:00:00+00:00: the payment provider is down"),
        ("by hand", "the line is stopped: by hand"),
        ("[1]", "the line is stopped: [1]"),
        ("", ""),
        (None, ""),
    ],
)
def test_a_freeze_that_somebody_wrote_by_hand_counts_as_well(told: str | None, words: str) -> None:
    assert freeze_in_words(told) == words


def test_a_delivery_that_was_built_beside_a_newer_one_does_not_replace_it(leases: Leases) -> None:
    newer = a_live_record(leases, started_at="2999-01-01T00:00:00+00:00")
    Records(leases.account, leases.application, "production").keep(newer)
    xcoms: dict[tuple[str, str], Any] = {}
    with pytest.raises(AirflowFailException, match="bbbbbbbbbbbb, whose delivery began later, is live here already"):
        hold(leases, newest_wins=True).execute(a_context("hold", xcoms=xcoms))
    assert xcoms["hold", "deployment_outcome"] == "superseded"


def test_what_went_live_before_a_delivery_began_is_replaced(leases: Leases) -> None:
    older = a_live_record(leases, started_at="2000-01-01T00:00:00+00:00")
    Records(leases.account, leases.application, "production").keep(older)
    assert run_task(hold(leases, newest_wins=True), a_context("hold"))["generation"] == 1


@pytest.mark.parametrize(("found", "goes"), [("20260101T000000Z-1", True), ("20250101T000000Z-1", False)])
def test_a_way_back_replaces_only_the_release_that_it_found(leases: Leases, found: str, goes: bool) -> None:
    Records(leases.account, leases.application, "production").keep(a_live_record(leases, started_at=SINCE))
    context = a_context("hold", params={"instead_of": found})
    if goes:
        assert run_task(hold(leases), context)["generation"] == 1
        return
    with pytest.raises(AirflowFailException, match="has come since"):
        run_task(hold(leases), context)
    assert context["ti"].xcoms["hold", "deployment_outcome"] == "superseded"


@pytest.mark.parametrize(("until", "goes"), [(FAR, True), ("2026-11-23T12:00:00+00:00", False), ("soon", False)])
def test_a_delivery_that_its_train_has_left_behind_begins_nothing(
    leases: Leases, local_aws: LocalAws, until: str, goes: bool
) -> None:
    context = a_context("hold", params={"not_after": until})
    if goes:
        assert run_task(hold(leases), context)["generation"] == 1
        return
    with pytest.raises(AirflowFailException, match=r"waited until 2026-11-23|no moment"):
        run_task(hold(leases), context)


def a_live_record(leases: Leases, started_at: str) -> ReleaseRecord:
    told = {field.name: "" for field in fields(ReleaseRecord)}
    own = {"key": "20260101T000000Z-1", "application": leases.application, "environment": "production"}
    run = {"dag_id": "deliver_greeter", "run_id": "manual__2", "commit": "b" * 40, "outcome": "live"}
    return ReleaseRecord.from_json({**told, **own, **run, "started_at": started_at})


def test_who_comes_second_waits_until_the_first_gives_back(leases: Leases, local_aws: LocalAws) -> None:
    run_task(hold(leases), a_context("hold"))
    threading.Timer(1.0, leases.give_back, [("deliver_greeter", "manual__1")]).start()
    second = run_task(hold(leases), a_context("hold", run_id="manual__2"))
    assert (second["generation"], second["run_id"]) == (2, "manual__2")
    newest = leases.newest()
    assert newest is not None
    assert newest.holder == ("deliver_greeter", "manual__2")


def test_nobody_gives_back_what_is_anothers(leases: Leases) -> None:
    assert leases.take(Lease(1, "deliver_greeter", "manual__1", SINCE, FAR))
    leases.give_back(("deliver_greeter", "manual__2"))
    newest = leases.newest()
    assert newest is not None
    assert not newest.released


def test_of_many_at_the_same_moment_one_wins(leases: Leases, local_aws: LocalAws) -> None:
    won: list[bool] = []
    gate = threading.Barrier(6)

    def contend(number: int) -> None:
        gate.wait()
        won.append(leases.take(Lease(1, "deliver_greeter", f"run-{number}", SINCE, FAR)))

    threads = [threading.Thread(target=contend, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 5 + [True]
    assert created(local_aws, leases) == ["00000001"]


def test_the_lease_of_a_run_that_is_over_is_taken_over(leases: Leases, monkeypatch: pytest.MonkeyPatch) -> None:
    assert leases.take(Lease(1, "deliver_greeter", "dead", SINCE, FAR))
    context = a_context("hold")
    monkeypatch.setattr(context["ti"], "get_dagrun_state", lambda dag_id, run_id: DagRunState.FAILED, raising=False)
    assert run_task(hold(leases), context)["generation"] == 2


def test_waiting_ends_at_its_deadline_and_names_the_holder(leases: Leases) -> None:
    assert leases.take(Lease(1, "deploy_greeter", "busy", SINCE, FAR))
    with pytest.raises(Exception, match="the run busy of deploy_greeter deploys here"):
        run_task(hold(leases, deadline_minutes=0.02), a_context("hold"))


def test_no_restart_moves_the_end_of_the_wait(leases: Leases) -> None:
    assert leases.take(Lease(1, "deploy_greeter", "busy", SINCE, FAR))
    store, ends = FakeStore(), []
    for _ in range(2):
        with pytest.raises(TaskDeferred) as deferred:
            hold(leases).execute(a_context("hold", store=store))
        ends.append(deferred.value.trigger.deadline_at)
    assert ends[0] == ends[1]
    with pytest.raises(AirflowFailException, match="the run busy of deploy_greeter deploys here"):
        hold(leases, deadline_minutes=0).execute(a_context("hold", store=store))
