"""From what the tasks of a run left to the record that is kept of the release."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import Context

from airdock.aws.operators.job import clear_number
from airdock.plan.release_record import ReleaseRecord, TrafficDecision, record_key
from airdock.release import OutcomeReport, Source, TaskDefinition


def recorded(
    context: Context,
    report: OutcomeReport,
    *,
    application: str,
    environment: str,
    source: Mapping[str, Any] | None,
    tasks: Mapping[str, str],
    appspec: str | None,
) -> ReleaseRecord:
    """The record of a delivery; what a task did not come to is "".

    `source`: the record of the source, None where it was not read. `tasks`: the task ids by their steps. `appspec`: the
    path of the AppSpec in the repository.
    """
    run, ti = context["dag_run"], context["ti"]
    origin = Source.from_json(source) if source else None
    told = ti.xcom_pull(task_ids=tasks["register"])
    released = TaskDefinition.from_json(told) if told else None
    deployment = ti.xcom_pull(task_ids=tasks["deploy"], key="deployment") or {}
    decided = ti.xcom_pull(task_ids=tasks["deploy"], key="decisions") or ()
    started = getattr(run, "start_date", None) or getattr(run, "run_after", None) or datetime.now(UTC)
    return ReleaseRecord(
        key=record_key(started, run.run_id, clear_number(context)),
        application=application,
        environment=environment,
        commit=origin.commit.sha if origin else "",
        ref=origin.commit.ref if origin else "",
        subject=origin.commit.subject if origin else "",
        author=origin.commit.author if origin else "",
        image=released.image if released else "",
        task_definition=released.arn if released else "",
        deployment=str(deployment.get("id", "")),
        previous=released.previous_arn if released else "",
        dag_id=run.dag_id,
        run_id=run.run_id,
        outcome=report.outcome,
        sentence=report.sentence,
        started_at=started.isoformat(timespec="seconds"),
        ended_at=datetime.now(UTC).isoformat(timespec="seconds"),
        appspec=origin.files.get(appspec or "") if origin else None,
        stays=report.stays,
        analysis=tuple(TrafficDecision.from_json(each) for each in decided),
    )
