"""The DAG `release_train`: by the clock, every application with something new, in waves by what depends on what."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from airflow.sdk import DAG, BaseOperator, CronTriggerTimetable, TaskGroup
from airflow.sdk.definitions.mappedoperator import MappedOperator
from airflow.sdk.definitions.xcom_arg import PlainXComArg

from airdock.aws.operators.follow_run import FollowRunOperator
from airdock.aws.operators.release_train import (
    CHOOSE,
    BeginWaveOperator,
    ChooseApplicationsOperator,
    PutBackWaveOperator,
    TrainSummaryOperator,
)
from airdock.aws.unreleased import records_of
from airdock.factory.catalogue import sound_pipelines
from airdock.factory.deliver import RETRIES
from airdock.factory.train_order import check, end_of
from airdock.plan.release_train import DELIVER, PUT_BACK, waves_of
from airdock.spec import Pipeline, ReleaseTrain, load_train

DAG_ID = "release_train"
SETTINGS = "release_train.yaml"
Task = BaseOperator | MappedOperator


def build_dags(folder: Path) -> list[DAG]:
    """The train of a DAG folder that has a release_train.yaml beside its pipelines; none without that file.

    Raises:
        SpecError: the file can't be used.
        BrokenPipelines: the pipelines that go with the train don't fit together.
    """
    settings, pipelines = folder / SETTINGS, folder / "pipelines"
    if not settings.exists():
        return []
    train = load_train(settings)
    going = [pipeline for pipeline in sound_pipelines(pipelines) if pipeline.train]
    check(train, going, pipelines)
    return [release_train(train, going)]


def release_train(train: ReleaseTrain, pipelines: Sequence[Pipeline]) -> DAG:
    """The whole train: choose, wave after wave, back again where the train's settings say so, and the summary."""
    # There are never more waves than when everybody has something new.
    waves = len(waves_of({each.application: each.train.depends_on for each in pipelines if each.train}))
    ends = {pipeline.application: end_of(train, pipeline) for pipeline in pipelines}
    with DAG(
        DAG_ID,
        description=f"Deliver what is new of {len(pipelines)} applications, in up to {waves} waves",
        doc_md="\n".join(f"- **{name}**: to {environment}" for name, environment in ends.items()),
        schedule=CronTriggerTimetable(train.schedule, timezone=train.timezone),
        catchup=False,
        max_active_runs=1,
        tags=["airdock", "train"],
        default_args={"owner": train.owner, **RETRIES},
    ) as dag:
        choose = ChooseApplicationsOperator(task_id=CHOOSE, pipelines=pipelines, environments=ends)
        delivers = _waves_of_deliveries(train, choose, waves)
        returns = _way_back(train, pipelines, delivers) if train.on_failure == "put_back" else []
        summary = TrainSummaryOperator(
            task_id="summary",
            delivers=[task.task_id for task in delivers],
            returns=[task.task_id for task in returns],
            put_back=train.on_failure == "put_back",
        )
        (returns[-1:] or delivers or [choose]) >> summary
    return dag


def _waves_of_deliveries(train: ReleaseTrain, choose: BaseOperator, waves: int) -> list[Task]:
    delivers: list[Task] = []
    before: Task = choose
    for number in range(1, waves + 1):
        with TaskGroup(f"wave_{number}"):
            begin = BeginWaveOperator(task_id="begin", wave=number)
            delivers.append(_followed("deliver", DELIVER, train, begin))
        before >> begin
        before = delivers[-1]
    return delivers


def _way_back(train: ReleaseTrain, pipelines: Sequence[Pipeline], delivers: list[Task]) -> list[Task]:
    """The waves in reverse order, once every delivery has ended.

    Airflow gives the waves after a failing one up at once, while others of that wave still run: the first task here
    waits for each wave, and not only for the last.
    """
    records = {pipeline.application: records_of(pipeline, end_of(train, pipeline)) for pipeline in pipelines}
    ids, before, returns = [task.task_id for task in delivers], list(delivers), []
    with TaskGroup("put_back"):
        for number in range(len(delivers), 0, -1):
            with TaskGroup(f"wave_{number}"):
                begin = PutBackWaveOperator(task_id="begin", wave=number, records=records, delivers=ids)
                returns.append(_followed("deploy", PUT_BACK, train, begin))
            before >> begin
            before = returns[-1:]
    return returns


def _followed(task_id: str, purpose: str, train: ReleaseTrain, begin: BaseOperator) -> Task:
    """A run for each application that the wave begins with, so many at once as the train may deliver."""
    runs = FollowRunOperator.partial(
        task_id=task_id,
        purpose=purpose,
        deadline_hours=train.deadline_hours,
        map_index_template="{{ task.application }}",
        max_active_tis_per_dagrun=train.at_once,
    )
    return runs.expand_kwargs(PlainXComArg(begin))
