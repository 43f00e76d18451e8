"""The tasks of the release train that decide: who goes, who begins now, who goes back, and what it all came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from airdock.aws.operators.job import DeliveryOperator
from airdock.errors import Fault
from airdock.plan.release_train import Car, Journey, Sight, journey
from airdock.plan.train_end import Arrival, complete, summary, way_back
from airdock.release import Outcome

if TYPE_CHECKING:
    from airdock.spec.pipeline import Pipeline

CHOOSE = "choose"
"""The task that leaves the journey, under the XCom key `journey`."""


class ChooseApplicationsOperator(DeliveryOperator):
    """Finds what is new since each application's last release, and puts it into waves; skips when nothing is.

    Args:
        pipelines: of all applications that go with the train.
        environments: how far each of them goes, by application.
    """

    def __init__(self, *, pipelines: Sequence[Pipeline], environments: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pipelines = list(pipelines)
        self.environments = dict(environments)

    def deliver(self, context: Context) -> Any:
        sights = [self._sight(pipeline, context) for pipeline in self.pipelines]
        needs = {each.application: each.train.depends_on for each in self.pipelines if each.train}
        made = journey(sights, needs)
        self._tell(made)
        context["ti"].xcom_push(key="journey", value=made.to_json())
        if not made.cars:
            raise AirflowSkipException("No application goes")

    def _sight(self, pipeline: Pipeline, context: Context) -> Sight:
        """What is new of an application. One that can't be asked holds up the others for as long as another try may
        help, and is left out by the last one."""
        from airdock.aws.unreleased import look

        environment = self.environments[pipeline.application]
        try:
            return look(pipeline, environment)
        except Fault as fault:
            if context["ti"].try_number <= (self.retries or 0):
                raise
            return Sight(pipeline.application, environment, None, trouble=fault.sentence)

    def _tell(self, made: Journey) -> None:
        for car in made.cars:
            self.log.info("Wave %d: %s, %s", car.wave, car.application, car.sentence)
        for name, why in made.stays.items():
            self.log.info("%s stays: %s", name, why)
        for name, why in made.unclear.items():
            self.log.warning("%s: %s", name, why)


class BeginWaveOperator(DeliveryOperator):
    """What a wave delivers, as a list of arguments for FollowRunOperator; skips a wave that nobody is in."""

    def __init__(self, *, wave: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.wave = wave

    def deliver(self, context: Context) -> Any:
        cars = _journey(context).wave(self.wave)
        if not cars:
            raise AirflowSkipException(f"No application goes in wave {self.wave}")
        return [_run("deliver", car, {"environment": car.environment}) for car in cars]


class PutBackWaveOperator(DeliveryOperator):
    """Which of a wave's applications return to the release that they had; skips when none does.

    Each is looked at anew: what somebody else has delivered since the train is not taken back.

    Args:
        records: the Records of each application in its environment.
        delivers: the ids of the tasks whose arrivals tell how the train went.
    """

    def __init__(self, *, wave: int, records: Mapping[str, Any], delivers: Sequence[str], **kwargs: Any) -> None:
        kwargs.setdefault("trigger_rule", "all_done")
        super().__init__(**kwargs)
        self.wave = wave
        self.records = dict(records)
        self.delivers = list(delivers)

    def deliver(self, context: Context) -> Any:
        made, arrivals = _journey(context), _arrivals(context, self.delivers)
        if complete(made, arrivals):
            raise AirflowSkipException("All that went came live" if made.cars else "No application went")
        came = {each.application: each for each in arrivals}
        going = [run for car in made.wave(self.wave) if (run := self._back(context, car, came.get(car.application)))]
        if not going:
            raise AirflowSkipException(f"Nothing of wave {self.wave} goes back")
        return going

    def _back(self, context: Context, car: Car, came: Arrival | None) -> dict[str, Any] | None:
        """The run that brings it back, and that gives way to whatever comes live before it begins."""
        live = self.records[car.application].live()
        told = way_back(car, came, live, context["run_id"])
        self.log.info(told.reason)
        if not told.passed:
            return None
        found = {"instead_of": live.key} if live else {}
        return _run("deploy", car, {"release": car.returns_to, "environment": car.environment, **found})


class TrainSummaryOperator(DeliveryOperator):
    """Tells how the train went, a line for each application; its state is the train's.

    The OutcomeReport lies under the XCom key `outcome`, whether the task fails or not.

    Args:
        delivers, returns: the ids of the tasks whose arrivals tell what came live, and what went back.
        put_back: whether applications go back when the train fails.
    """

    def __init__(self, *, delivers: Sequence[str], returns: Sequence[str], put_back: bool, **kwargs: Any) -> None:
        kwargs.setdefault("trigger_rule", "all_done")
        super().__init__(**kwargs)
        self.delivers = list(delivers)
        self.returns = list(returns)
        self.put_back = put_back

    def deliver(self, context: Context) -> Any:
        if not context["ti"].xcom_pull(task_ids=CHOOSE, key="journey"):
            reason = context["ti"].xcom_pull(task_ids=CHOOSE, key="reason")
            raise AirflowFailException(f"Nobody went: {reason or f'see the task {CHOOSE}'}")
        arrivals, returned = _arrivals(context, self.delivers), _arrivals(context, self.returns)
        report = summary(_journey(context), arrivals, returned, self.put_back)
        context["ti"].xcom_push(key="outcome", value=report.to_json())
        for line in report.details:
            self.log.info(line)
        self.log.info("%s: %s", str(report.outcome).upper(), report.sentence)
        if report.outcome is not Outcome.LIVE:
            raise AirflowFailException(report.sentence)


def _run(verb: str, car: Car, conf: Mapping[str, Any]) -> dict[str, Any]:
    dag_id = f"{verb}_{car.application}"
    return {"application": car.application, "run_dag_id": dag_id, "environment": car.environment, "conf": dict(conf)}


def _journey(context: Context) -> Journey:
    told = context["ti"].xcom_pull(task_ids=CHOOSE, key="journey")
    return Journey.from_json(told) if told else Journey()


def _arrivals(context: Context, task_ids: Sequence[str]) -> list[Arrival]:
    """What all the mapped tasks have left."""
    found = context["ti"].xcom_pull(task_ids=list(task_ids), key="arrival") if task_ids else []
    return [Arrival.from_json(told) for told in found or [] if told]
