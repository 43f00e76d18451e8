"""How the release train ended: what goes back, and the sentence for each application."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from airdock.plan.release_record import ReleaseRecord
from airdock.plan.release_train import DELIVER, Car, Journey, starts_by
from airdock.release import Outcome, OutcomeReport, Record, Verdict

UNTOUCHED = (Outcome.ROLLED_BACK, Outcome.REFUSED, Outcome.SUPERSEDED)
"""After these the environment runs what it ran before, or what somebody else has brought."""


@dataclass(frozen=True, slots=True)
class Arrival(Record):
    """What a run that the train has started came to."""

    application: str
    run_id: str
    outcome: Outcome
    sentence: str

    @property
    def live(self) -> bool:
        return self.outcome is Outcome.LIVE


def arrival(application: str, dag_id: str, run_id: str, state: str, report: OutcomeReport | None) -> Arrival:
    """What a run that has ended in this state of Airflow's came to, by the report of its verdict if it left one."""
    if report:
        return Arrival(application, run_id, report.outcome, report.sentence)
    if state == "success":
        return Arrival(application, run_id, Outcome.LIVE, f"{dag_id} had nothing to do for {application}")
    return Arrival(application, run_id, Outcome.FAILED, f"{dag_id} ended as {state} without a verdict: see {run_id}")


def complete(journey: Journey, arrivals: Sequence[Arrival]) -> bool:
    """Whether all that went have come live."""
    return {car.application for car in journey.cars} <= {each.application for each in arrivals if each.live}


def way_back(car: Car, came: Arrival | None, live: ReleaseRecord | None, train_run: str) -> Verdict:
    """Whether an application is to return to the release that it had, and why.

    It is where the train has brought a release live, and where nobody knows what the environment runs: to return to
    what runs already changes nothing. It never is where somebody else has delivered since.
    """
    if came is None:
        return Verdict(False, f"{car.application} was not started")
    if came.outcome in UNTOUCHED:
        return Verdict(False, f"{car.application} runs what it ran before")
    if live and live.key != car.returns_to and not _brought(live, train_run):
        return Verdict(False, f"{car.application} was delivered by {live.run_id} since, and keeps {live}")
    if not car.returns_to:
        return Verdict(False, f"{car.application} had no recorded release before, and keeps the new one")
    return Verdict(True, f"{car.application} returns to {car.returns_to}")


def summary(
    journey: Journey, arrivals: Sequence[Arrival], returned: Sequence[Arrival], put_back: bool
) -> OutcomeReport:
    """The train's outcome, its one sentence, and a line for each application."""
    came, back = {each.application: each for each in arrivals}, {each.application: each for each in returned}
    lines = [f"wave {car.wave}, {car.application}: {_car_line(car, came, back)}" for car in journey.cars]
    lines += [f"{name}: {why}" for name, why in sorted(journey.unclear.items())]
    lines += [f"{name}: stays, {why}" for name, why in sorted(journey.stays.items())]
    return OutcomeReport(_outcome(journey, came, back, put_back), _sentence(journey, came, back), tuple(lines))


def _brought(live: ReleaseRecord, train_run: str) -> bool:
    return live.dag_id.startswith("deliver_") and starts_by(DELIVER, live.run_id, train_run)


def _car_line(car: Car, came: Mapping[str, Arrival], back: Mapping[str, Arrival]) -> str:
    told = came[car.application].sentence if car.application in came else "was not started"
    if car.application not in back:
        return told
    return f"{told.removesuffix('.')}; and went back: {back[car.application].sentence}"


def _outcome(journey: Journey, came: Mapping[str, Arrival], back: Mapping[str, Arrival], put_back: bool) -> Outcome:
    if complete(journey, list(came.values())):
        return Outcome.FAILED if journey.unclear else Outcome.LIVE
    brought = [each for each in came.values() if each.outcome not in UNTOUCHED]
    returned = all(each.application in back and back[each.application].live for each in brought)
    return Outcome.ROLLED_BACK if put_back and returned else Outcome.FAILED


def _sentence(journey: Journey, came: Mapping[str, Arrival], back: Mapping[str, Arrival]) -> str:
    unclear = f"; of {', '.join(sorted(journey.unclear))} nothing could be told" if journey.unclear else ""
    if not journey.cars:
        return f"no application has anything new{unclear}"
    live = sum(each.live for each in came.values())
    counted = f"{live} of {len(journey.cars)} applications came live"
    failed = [car for car in journey.cars if car.application in came and not came[car.application].live]
    if not failed:
        return f"{counted}{unclear}"
    stopped = f"; the train stopped in wave {failed[0].wave} for {', '.join(car.application for car in failed)}"
    returned = sum(each.live for each in back.values())
    went_back = f"; {returned} of {len(back)} went back to the release that they had" if back else ""
    return f"{counted}{stopped}{went_back}{unclear}"
