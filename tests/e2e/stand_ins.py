"""Airflow dags in the place of deliver_<application> and deploy_<application>, for the test of the release train.

They build and deploy nothing. What the train rests on is real: the dag's id, its parameters, the commit that git names,
the verdict's XCom and state, and the release's record in SSM. The application that the file `failing` names is always
rolled back; while there is a file `held`, deliveries last.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, Context, TaskGroup, get_parsing_context
from airflow.sdk.exceptions import AirflowFailException

from airdock.aws.operators.job import DeliveryOperator
from airdock.release import Outcome, OutcomeReport
from airdock.spec import Pipeline, load

HERE = Path(__file__).parent
ENVIRONMENT = "production"


class StandIn(DeliveryOperator):
    """The last task of a delivery: keeps the record and leaves the report."""

    def __init__(self, *, pipeline: Pipeline, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pipeline = pipeline

    def deliver(self, context: Context) -> Any:
        from airdock.aws.unreleased import head_of, records_of
        from airdock.plan.release_record import record_key

        records, run = records_of(self.pipeline, ENVIRONMENT), context["dag_run"]
        known = {record.key: record for record in records.newest()}
        release = context["params"].get("release")
        while not release and (HERE / "held").exists():
            time.sleep(0.2)
        before = known[release] if release else replace(records.live(), commit=head_of(self.pipeline))
        fails = not release and self.pipeline.application == (HERE / "failing").read_text()
        outcome = Outcome.ROLLED_BACK if fails else Outcome.LIVE
        sentence = f"{self.pipeline.application} {before.commit[:7]} {outcome}"
        key = record_key(run.start_date, run.run_id, run.clear_number or 0)
        made = replace(before, key=key, dag_id=run.dag_id, run_id=run.run_id, outcome=outcome, sentence=sentence)
        records.keep(made)
        report = OutcomeReport(outcome, sentence)
        context["ti"].xcom_push(key="outcome", value=report.to_json())
        if fails:
            raise AirflowFailException(sentence)


def stand_in(dag_id: str, pipeline: Pipeline) -> None:
    params = {"environment": ENVIRONMENT, "release": None}
    with DAG(dag_id, schedule=None, max_active_runs=1, params=params), TaskGroup(ENVIRONMENT):
        StandIn(task_id="verdict", pipeline=pipeline)


wanted = get_parsing_context().dag_id
for path in sorted((HERE / "pipelines").glob("*.yaml")):
    for name in (f"deliver_{path.stem}", f"deploy_{path.stem}"):
        if wanted in (None, name):
            stand_in(name, load(path))
