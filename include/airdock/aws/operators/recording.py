"""What the tasks of a run have left for its verdict, and the record of the release that is made of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import Context

from airdock.aws.operators.memory import clear_number
from airdock.plan.release_record import ReleaseRecord, TrafficDecision, record_key
from airdock.release import OutcomeReport, Source, TaskDefinition


@dataclass(frozen=True, slots=True)
class Left:
    """What the tasks have left, None or "" where one did not come so far.

    `deployment` is its id, `checked` the record of the check, `earlier` the outcome of each verdict before this one by
    its task's id.
    """

    source: Source | None
    release: TaskDefinition | None
    deployment: str
    decisions: tuple[TrafficDecision, ...]
    checked: Mapping[str, Any] | None
    earlier: Mapping[str, OutcomeReport]


def left_by_tasks(
    context: Context, source: tuple[str, str], tasks: Mapping[str, str], earlier: Sequence[str] = ()
) -> Left:
    """Ask for all of it once: each answer of Airflow takes a hundredth of a second.

    `source`: task id and XCom key of the source's record. `tasks`: the task ids by their steps. `earlier`: the ids of
    the verdicts before this one.
    """

    def left(task_id: str, key: str = "return_value") -> Any:
        return context["ti"].xcom_pull(task_ids=task_id, key=key)

    origin, released = left(*source), left(tasks["register"])
    reports = {task_id: report for task_id in earlier if (report := left(task_id, "outcome"))}
    return Left(
        source=Source.from_json(origin) if origin else None,
        release=TaskDefinition.from_json(released) if released else None,
        deployment=str((_plain(left(tasks["deploy"], "deployment")) or {}).get("id", "")),
        decisions=tuple(TrafficDecision.from_json(each) for each in left(tasks["deploy"], "decisions") or ()),
        checked=left(tasks["verify"]),
        earlier={task_id: OutcomeReport.from_json(report) for task_id, report in reports.items()},
    )


def _plain(left: Any) -> Any:
    """What a trigger leaves as it ends its task is kept by Airflow 3.3 as JSON within JSON."""
    return json.loads(left) if isinstance(left, str) else left


def recorded(
    context: Context, report: OutcomeReport, left: Left, *, application: str, environment: str, appspec: str | None
) -> ReleaseRecord:
    """The record of a delivery; what a task did not come to is "". `appspec`: the path of the AppSpec."""
    run, origin, released = context["dag_run"], left.source, left.release
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
        deployment=left.deployment,
        previous=released.previous_arn if released else "",
        dag_id=run.dag_id,
        run_id=run.run_id,
        outcome=report.outcome,
        sentence=report.sentence,
        started_at=started.isoformat(timespec="seconds"),
        ended_at=datetime.now(UTC).isoformat(timespec="seconds"),
        appspec=origin.files.get(appspec or "") if origin else None,
        stays=report.stays,
        analysis=left.decisions,
    )
