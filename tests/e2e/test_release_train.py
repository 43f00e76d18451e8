"""The release train in real Airflow: twelve applications in three waves, and the one that fails in the second.

Everything is real: the train, the deliveries that it starts, the builds, and a running service of each application in
the local AWS.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from demo.delivery import ENDED
from tests.e2e.fleet import AT_ONCE, DOCS, FAILING, FLEET, NEEDS, WAVES
from tests.e2e.fleet_services import Fleet, Running
from tests.e2e.line import RUN_SECONDS, Line

TRAIN = "release_train"
TRAIN_SECONDS = 3 * RUN_SECONDS
"""Thirteen runs in five rounds take a minute and a half on a quiet machine, and five on a busy one."""
GONE = WAVES[1].keys() | WAVES[2].keys()
BROUGHT = GONE - {FAILING}
UPDATE = ("ecs", "UpdateService")

# The line's own start counts for whoever comes first.
pytestmark = pytest.mark.timeout(TRAIN_SECONDS + 2 * RUN_SECONDS)


@dataclass(frozen=True)
class Ride:
    """A train, and what was so when it left: the number of the last effect, what ran, and which releases were live.

    `new` is the digest of the new image.
    """

    train: str
    effect: int
    running: Running
    releases: dict[str, tuple[str, str]]
    new: str


@pytest.fixture(scope="module")
def fleet(line: Line, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """The services, each with the newest release."""
    made = Fleet(line.aws, tmp_path_factory.mktemp("fleet") / "tree")
    for dag_id in (TRAIN, f"deliver_{DOCS}", f"deploy_{DOCS}"):
        line.stack.wait_for_dag(dag_id)
    line.until(made.settled, RUN_SECONDS, lambda: "the services never came up")
    yield made
    made.close()


@pytest.fixture(scope="module")
def ride(line: Line, fleet: Fleet) -> Ride:
    """A train that has just left, with a new commit for all but the one that runs it already."""
    fleet.push_new_program()
    line.expect(line.trigger(f"deliver_{DOCS}"), "success", "live")
    effect, running = line.last_effect(), fleet.running()
    return Ride(line.trigger(TRAIN), effect, running, fleet.releases(), running[DOCS][0][0])


@pytest.fixture(scope="module")
def arrived(line: Line, ride: Ride) -> Ride:
    """The same train, when it is over."""
    line.until(lambda: line.state(ride.train) in ENDED, TRAIN_SECONDS, lambda: line.story(ride.train))
    return ride


def test_train_with_nothing_new_is_a_quiet_success(line: Line, fleet: Fleet) -> None:
    effect, running = line.last_effect(), fleet.running()
    train = line.trigger(TRAIN)
    line.until(lambda: line.state(train) in ENDED, RUN_SECONDS, lambda: line.story(train))
    assert line.state(train) == "success"
    assert line.task_states(train)["choose"] == "skipped"
    assert runs(line, "train", train) == []
    assert line.airflow.xcom(TRAIN, train, "summary", "outcome")["sentence"] == "no application has anything new"
    assert running == {name: [(running[name][0][0], f"{name} 1")] for name in NEEDS}
    assert (fleet.running(), updates(line, effect)) == (running, [])


def test_second_wave_begins_when_the_first_one_runs_and_never_more_than_the_limit_at_once(
    line: Line, fleet: Fleet, ride: Ride
) -> None:
    train, waits = ride.train, lambda: line.story(ride.train)
    line.until(lambda: len(updates(line, ride.effect)) == len(WAVES[1]), TRAIN_SECONDS, waits)
    # From now on deliveries last. The tasks that follow them hold no worker, and the fourth is not begun.
    line.hold_calls(UPDATE, every=True)
    try:
        line.until(lambda: followers(line, train, 2)["deferred"] >= AT_ONCE, RUN_SECONDS, waits)
        assert fleet.running(WAVES[1]) == {name: [(ride.new, f"{name} 2 in EUR")] for name in WAVES[1]}
        states = followers(line, train, 2)
        assert states["deferred"] == AT_ONCE == len(WAVES[2]) - states[""] - states["scheduled"]
        assert len(runs(line, "train", train)) == len(WAVES[1]) + AT_ONCE
    finally:
        line.release(UPDATE[1])


def test_third_wave_never_starts_when_one_of_the_second_fails(line: Line, arrived: Ride) -> None:
    assert line.state(arrived.train) == "failed"
    delivered, first = runs(line, "train", arrived.train), len(WAVES[1])
    assert {dag_id for dag_id, _, _ in delivered[:first]} == {f"deliver_{name}" for name in WAVES[1]}
    assert {dag_id for dag_id, _, _ in delivered[first:]} == {f"deliver_{name}" for name in WAVES[2]}
    assert most_at_once(delivered) == AT_ONCE
    assert started(line, arrived) == GONE
    states = line.task_states(arrived.train)
    assert (states["wave_3.begin"], states["wave_3.deliver"]) == ("upstream_failed", "upstream_failed")


def test_set_returns_to_what_it_was_the_last_wave_first(line: Line, fleet: Fleet, arrived: Ride) -> None:
    returned, last = runs(line, "put_back", arrived.train), WAVES[2].keys() & BROUGHT
    assert {dag_id for dag_id, _, _ in returned[: len(last)]} == {f"deploy_{name}" for name in last}
    assert {dag_id for dag_id, _, _ in returned[len(last) :]} == {f"deploy_{name}" for name in WAVES[1]}
    assert most_at_once(returned) <= AT_ONCE
    # There and back; what could not start was taken back by ECS itself.
    assert Counter(updates(line, arrived.effect)) == Counter([*BROUGHT, *BROUGHT, FAILING])
    assert fleet.settled()
    assert fleet.running() == arrived.running
    assert fleet.releases() == arrived.releases


def test_summary_tells_of_each_application(line: Line, arrived: Ride) -> None:
    report = line.airflow.xcom(TRAIN, arrived.train, "summary", "outcome")
    assert report["outcome"] == "rolled_back"
    assert report["sentence"] == (
        f"6 of 12 applications came live; the train stopped in wave 2 for {FAILING}; "
        "6 of 6 went back to the release that they had"
    )
    told = dict(each.split(": ", 1) for each in report["details"])
    assert len(told) == len(NEEDS)
    assert "the new tasks failed to start 3 times" in told[f"wave 2, {FAILING}"]
    assert {told[f"wave 3, {name}"] for name in WAVES[3]} == {"was not started"}
    assert told[DOCS].endswith("is live, and the newest commit")


def runs(line: Line, purpose: str, train: str) -> list[tuple[str, str, str]]:
    """(dag id, begin, end) of all that the train has started for the purpose, in the order of their begin."""
    sql = "select dag_id, start_date, end_date from dag_run where run_id = ? order by start_date"
    return line.query(sql, f"{purpose}__{train}")  # type: ignore[return-value]


def most_at_once(ran: list[tuple[str, str, str]]) -> int:
    return max(sum(begin <= moment < end for _, begin, end in ran) for _, moment, _ in ran)


def followers(line: Line, train: str, wave: int) -> Counter[str]:
    """How many of the wave's tasks, each of which follows a delivery, are in which state."""
    sql = "select coalesce(state, '') from task_instance where run_id = ? and task_id = ? and map_index >= 0"
    return Counter(state for (state,) in line.query(sql, train, f"wave_{wave}.deliver"))


def updates(line: Line, since: int) -> list[str]:
    """The services of the fleet that ECS was told to change, each as often as it was told."""
    done = (effect["params"] for effect in line.effects(*UPDATE, since))
    return [params["service"] for params in done if params["cluster"] == FLEET]


def started(line: Line, ride: Ride) -> set[str]:
    """The services of which the train has brought a task with the new image to start."""
    done = (effect["params"] for effect in line.effects("ecs", "task_started", ride.effect))
    return {params["service"] for params in done if ride.new in params["digests"].values()}
