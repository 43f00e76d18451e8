"""Which applications the release train takes, in which order, and what each of them goes back to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from hashlib import sha256

from airdock.errors import Refused
from airdock.plan.release_record import ReleaseRecord
from airdock.release import Record, Verdict

DELIVER, PUT_BACK = "train", "put_back"
"""What the train starts a run for; such a run's id begins with it."""
LONGEST_RUN_ID = 200
"""Airflow takes 250 characters, of which the purpose needs some."""


@dataclass(frozen=True, slots=True)
class Car(Record):
    """An application on the train: its `wave`, counted from 1, and the key of the release that it has now, or ""."""

    application: str
    environment: str
    wave: int
    returns_to: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Journey(Record):
    """Who goes; of the others, why each stays where it is; `unclear`: of whom that could not be told."""

    cars: tuple[Car, ...] = ()
    stays: Mapping[str, str] = field(default_factory=dict)
    unclear: Mapping[str, str] = field(default_factory=dict)

    def wave(self, number: int) -> list[Car]:
        return [car for car in self.cars if car.wave == number]


@dataclass(frozen=True, slots=True)
class Sight:
    """What was found of an application; `news` None where nothing could be told, for the reason in `trouble`."""

    application: str
    environment: str
    news: Verdict | None
    live: ReleaseRecord | None = None
    trouble: str = ""


def news(
    head: str, live: ReleaseRecord | None, records: Sequence[ReleaseRecord], changed: bool | None = None
) -> Verdict:
    """Whether the branch's head is something new for the environment, and why.

    `records`: what is recorded there; `changed`: whether any of the application's own paths differ between what is live
    and the head, None where it has no such paths. What failed before is tried again: a train is no memory of faults.
    What a person has taken back is not: it is new again when the branch moves on, or a person delivers it.
    """
    if live is None:
        return Verdict(True, f"{head[:7]} is its first release")
    if live.commit == head:
        return Verdict(False, f"{live} is live, and the newest commit")
    taken_back = live.dag_id.startswith("deploy_") and not starts_by(PUT_BACK, live.run_id)
    if taken_back and any(record.live and record.commit == head for record in records):
        return Verdict(False, f"{head[:7]} was live, and {live.run_id} has gone back from it to {live}")
    if changed is False:
        return Verdict(False, f"{live} is live, and none of its paths has changed since")
    return Verdict(True, f"{head[:7]} is newer than {live}")


def journey(sights: Sequence[Sight], depends_on: Mapping[str, Collection[str]]) -> Journey:
    """Who goes, in waves. Who depends on something unclear stays: what it needs may never come. Raises Refused."""
    unclear = {sight.application: sight.trouble for sight in sights if sight.news is None}
    waiting = _dependents(unclear, depends_on)
    stays = {each: f"it waits for {', '.join(needed)}" for each, needed in waiting.items() if each not in unclear}
    going = {}
    for sight in sights:
        if sight.news and not sight.news.passed:
            stays[sight.application] = sight.news.reason
        elif sight.news and sight.application not in waiting:
            going[sight.application] = sight
    waves = waves_of({name: depends_on.get(name, ()) for name in going})
    cars = (_car(going[name], number) for number, wave in enumerate(waves, 1) for name in wave)
    return Journey(tuple(cars), stays, unclear)


def waves_of(depends_on: Mapping[str, Collection[str]]) -> list[list[str]]:
    """The names in waves: each goes after all that it depends on, as far as these are among the names, and at once.

    Raises:
        Refused: some depend on each other in a circle.
    """
    among = {name: [each for each in needed if each in depends_on] for name, needed in depends_on.items()}
    sorter, waves = TopologicalSorter(among), []
    try:
        sorter.prepare()
    except CycleError as error:
        raise Refused(f"the applications wait for each other: {' needs '.join(reversed(error.args[1]))}") from None
    while sorter.is_active():
        waves.append(sorted(sorter.get_ready()))
        sorter.done(*waves[-1])
    return waves


def run_id(purpose: str, train_run: str, clears: int) -> str:
    """The id of a run that the train's run starts: the same for every try, another one after a user's clear."""
    tail = train_run if len(train_run) <= LONGEST_RUN_ID else sha256(train_run.encode()).hexdigest()
    return f"{purpose}{clears or ''}__{tail}"


def starts_by(purpose: str, started: str, train_run: str = "") -> bool:
    """Whether a run id was given by a train for this purpose; by that one run of it where one is named."""
    head, _, tail = started.partition("__")
    number = head.removeprefix(purpose)
    ours = head.startswith(purpose) and (not number or number.isdecimal())
    return ours and (not train_run or f"{purpose}__{tail}" == run_id(purpose, train_run, 0))


def _car(sight: Sight, wave: int) -> Car:
    told = sight.news.reason if sight.news else ""
    return Car(sight.application, sight.environment, wave, sight.live.key if sight.live else "", told)


def _dependents(unclear: Collection[str], depends_on: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
    """All that depend on one of these, directly or through others, each with what it waits for."""
    found: dict[str, list[str]] = {}
    while more := {
        name: blocked
        for name, needed in depends_on.items()
        if name not in found and (blocked := sorted(each for each in needed if each in unclear or each in found))
    }:
        found |= more
    return found
