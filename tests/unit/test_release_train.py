"""What the release train takes, in which order, and what goes back when it fails."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airdock.errors import Refused
from airdock.plan.release_record import ReleaseRecord
from airdock.plan.release_train import Car, Journey, Sight, journey, news, run_id, starts_by, waves_of
from airdock.plan.train_end import Arrival, arrival, complete, summary, way_back
from airdock.release import Outcome, OutcomeReport, Verdict
from tests.unit.test_release_record import a_record

TRAIN = "scheduled__2026-11-24T01:30:00+00:00"
HEAD = "b" * 40
NEW, OLD = Verdict(True, "bbbbbbb is newer"), Verdict(False, "aaaaaaa is live")


def a_sight(application: str, verdict: Verdict | None = NEW, trouble: str = "") -> Sight:
    return Sight(application, "production", verdict, a_record(1), trouble)


def a_car(application: str, wave: int = 1, returns_to: str = "before") -> Car:
    return Car(application, "production", wave, returns_to, "")


def came(application: str, outcome: Outcome = Outcome.LIVE) -> Arrival:
    return Arrival(application, run_id("train", TRAIN, 0), outcome, f"{application} {outcome}")


def by_the_train(number: int = 2) -> ReleaseRecord:
    return a_record(number, dag_id="deliver_greeter", run_id=run_id("train", TRAIN, 0))


def test_each_goes_after_all_that_it_depends_on() -> None:
    needs = {"web": ["api", "login"], "api": ["store"], "login": ["store"], "store": [], "docs": []}
    assert waves_of(needs) == [["docs", "store"], ["api", "login"], ["web"]]


def test_a_dependency_that_does_not_go_holds_nobody() -> None:
    assert waves_of({"web": ["api"], "docs": []}) == [["docs", "web"]]


def test_a_circle_is_refused_with_its_members_in_order() -> None:
    with pytest.raises(Refused) as refused:
        waves_of({"a": ["b"], "b": ["c"], "c": ["a"], "d": ["a"]})
    circle = refused.value.sentence.partition(": ")[2].split(" needs ")
    assert sorted(set(circle)) == ["a", "b", "c"]
    assert circle[0] == circle[-1]
    assert all(f"{one}{other}" in ("ab", "bc", "ca") for one, other in pairwise(circle))


def test_who_needs_itself_is_refused() -> None:
    with pytest.raises(Refused, match="a needs a"):
        waves_of({"a": ["a"]})


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.sets(st.sampled_from("abcdefgh"))))
def test_waves_hold_everybody_once_and_in_order(needs: dict[str, set[str]]) -> None:
    acyclic = {name: {each for each in needed if each < name} for name, needed in needs.items()}
    waves = waves_of(acyclic)
    number = {name: at for at, wave in enumerate(waves) for name in wave}
    assert sorted(name for wave in waves for name in wave) == sorted(acyclic)
    assert all(number[each] < number[name] for name in acyclic for each in acyclic[name] if each in acyclic)
    assert waves == waves_of(dict(reversed(acyclic.items())))


def test_what_was_never_released_is_new() -> None:
    assert news(HEAD, None, []).passed


def test_the_commit_that_is_live_is_not_new() -> None:
    live = a_record(1, commit=HEAD)
    assert not news(HEAD, live, [live]).passed


def test_a_commit_that_failed_is_tried_again() -> None:
    live, failed = a_record(1), a_record(2, commit=HEAD, outcome=Outcome.ROLLED_BACK)
    assert news(HEAD, live, [failed, live]).passed


def test_what_a_person_has_taken_back_stays_back() -> None:
    was_live = a_record(2, commit=HEAD)
    back = a_record(3, dag_id="deploy_greeter", run_id="manual__2026")
    told = news(HEAD, back, [back, was_live])
    assert not told.passed
    assert "manual__2026 has gone back from it" in told.reason


def test_what_the_train_itself_has_put_back_goes_again() -> None:
    was_live = a_record(2, commit=HEAD)
    back = a_record(3, dag_id="deploy_greeter", run_id=run_id("put_back", TRAIN, 0))
    assert news(HEAD, back, [back, was_live]).passed


def test_a_branch_that_moved_on_after_a_person_went_back_is_new() -> None:
    back = a_record(3, dag_id="deploy_greeter", run_id="manual__2026")
    assert news(HEAD, back, [back, a_record(2)]).passed


@pytest.mark.parametrize(("changed", "goes"), [(True, True), (False, False), (None, True)])
def test_in_a_repository_of_several_applications_its_own_paths_decide(changed: bool | None, goes: bool) -> None:
    assert news(HEAD, a_record(1), [], changed).passed is goes


def test_a_journey_takes_what_is_new_and_tells_of_the_others() -> None:
    made = journey([a_sight("api"), a_sight("web"), a_sight("docs", OLD)], {"web": ["api", "docs"]})
    assert [(car.application, car.wave, car.returns_to) for car in made.cars] == [
        ("api", 1, a_record(1).key),
        ("web", 2, a_record(1).key),
    ]
    assert made.stays == {"docs": "aaaaaaa is live"}


def test_who_depends_on_something_unclear_waits_even_through_others() -> None:
    sights = [a_sight("store", None, "the branch is gone"), a_sight("api"), a_sight("web"), a_sight("docs")]
    made = journey(sights, {"api": ["store"], "web": ["api"]})
    assert [car.application for car in made.cars] == ["docs"]
    assert made.stays == {"api": "it waits for store", "web": "it waits for api"}
    assert made.unclear == {"store": "the branch is gone"}


def test_a_journey_comes_back_through_json() -> None:
    made = journey([a_sight("api"), a_sight("docs", OLD)], {})
    assert Journey.from_json(made.to_json()) == made


def test_a_run_id_is_the_same_for_every_try_and_another_one_after_a_clear() -> None:
    assert run_id("train", TRAIN, 0) == f"train__{TRAIN}"
    assert run_id("train", TRAIN, 2) == f"train2__{TRAIN}"


@given(st.text(st.characters(codec="ascii", exclude_categories=["C"]), min_size=1, max_size=250), st.integers(0, 99))
def test_a_train_knows_the_runs_that_it_has_started(train_run: str, clears: int) -> None:
    started = run_id("train", train_run, clears)
    assert len(started) <= 250
    assert starts_by("train", started)
    assert starts_by("train", started, train_run)
    assert not starts_by("put_back", started)
    assert not starts_by("train", started, f"{train_run}0")


@pytest.mark.parametrize("started", ["manual__1", "trainer__1", "train-2__1", "scheduled__2026"])
def test_other_runs_are_nobodys(started: str) -> None:
    assert not starts_by("train", started)


def test_a_run_without_a_verdict_came_live_only_when_it_succeeded() -> None:
    assert arrival("api", "deploy_api", "r", "success", None).live
    failed = arrival("api", "deliver_api", "r", "failed", None)
    assert (failed.outcome, "without a verdict" in failed.sentence) == (Outcome.FAILED, True)
    told = arrival("api", "deliver_api", "r", "failed", OutcomeReport(Outcome.REFUSED, "no tests"))
    assert (told.outcome, told.sentence) == (Outcome.REFUSED, "no tests")


def test_what_the_train_brought_goes_back_to_the_release_that_it_had() -> None:
    told = way_back(a_car("api"), came("api"), by_the_train(), TRAIN)
    assert told == Verdict(True, "api returns to before")


def test_what_nobody_knows_of_goes_back_as_well() -> None:
    still = a_record(1)
    assert way_back(a_car("api", returns_to=still.key), came("api", Outcome.FAILED), still, TRAIN).passed


@pytest.mark.parametrize("outcome", [Outcome.ROLLED_BACK, Outcome.REFUSED, Outcome.SUPERSEDED])
def test_what_is_as_it_was_stays(outcome: Outcome) -> None:
    assert not way_back(a_car("api"), came("api", outcome), a_record(1), TRAIN).passed


def test_what_was_not_started_stays() -> None:
    assert not way_back(a_car("api"), None, a_record(1), TRAIN).passed


@pytest.mark.parametrize("theirs", [{"run_id": "manual__1"}, {"run_id": run_id("train", "another", 0)}])
def test_what_somebody_else_has_delivered_since_stays(theirs: dict[str, str]) -> None:
    told = way_back(a_car("api"), came("api"), replace(by_the_train(), **theirs), TRAIN)
    assert not told.passed
    assert theirs["run_id"] in told.reason


def test_a_first_release_has_nothing_to_go_back_to() -> None:
    assert not way_back(a_car("api", returns_to=""), came("api"), by_the_train(), TRAIN).passed


def test_the_summary_of_nothing_new_is_quiet() -> None:
    told = summary(Journey(stays={"api": "1 is live"}), [], [], put_back=True)
    assert (told.outcome, told.sentence) == (Outcome.LIVE, "no application has anything new")
    assert told.details == ("api: stays, 1 is live",)


def test_the_summary_of_a_train_that_arrived() -> None:
    told = summary(Journey((a_car("api"), a_car("web", 2))), [came("api"), came("web")], [], put_back=True)
    assert (told.outcome, told.sentence) == (Outcome.LIVE, "2 of 2 applications came live")


FAILING = Journey((a_car("api"), a_car("web", 2), a_car("login", 2), a_car("docs", 3)))
CAME = [came("api"), came("web", Outcome.ROLLED_BACK), came("login")]


def test_a_train_that_stops_says_where_and_for_whom() -> None:
    told = summary(FAILING, CAME, [], put_back=False)
    assert told.outcome is Outcome.FAILED
    assert told.sentence == "2 of 4 applications came live; the train stopped in wave 2 for web"
    assert "wave 3, docs: was not started" in told.details
    assert not complete(FAILING, CAME)


def test_a_train_that_is_back_where_it_began_was_rolled_back() -> None:
    told = summary(FAILING, CAME, [came("api"), came("login")], put_back=True)
    assert told.outcome is Outcome.ROLLED_BACK
    assert told.sentence.endswith("; 2 of 2 went back to the release that they had")
    assert "wave 1, api: api live; and went back: api live" in told.details


def test_a_verdict_of_whole_sentences_and_the_way_back_are_told_as_one() -> None:
    brought = replace(came("api"), sentence="api to production is live. Production runs api:2.")
    told = summary(FAILING, [brought, *CAME[1:]], [came("api"), came("login")], put_back=True)
    assert told.details[0] == ("wave 1, api: api to production is live. Production runs api:2; and went back: api live")


@pytest.mark.parametrize("back", [[came("api")], [came("api"), came("login", Outcome.FAILED)]])
def test_a_train_that_is_not_wholly_back_has_failed(back: list[Arrival]) -> None:
    assert summary(FAILING, CAME, back, put_back=True).outcome is Outcome.FAILED


def test_an_application_of_which_nothing_could_be_told_fails_the_train_that_arrived() -> None:
    told = summary(Journey((a_car("api"),), unclear={"store": "the branch is gone"}), [came("api")], [], put_back=True)
    assert (told.outcome, told.sentence) == (
        Outcome.FAILED,
        "1 of 1 applications came live; of store nothing could be told",
    )
