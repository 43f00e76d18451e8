"""An Airflow that has delivered: five hundred applications with what their verdicts left, as rows of its tables.

Messages, authors, digests and ids of runs differ as they do in a company: what is alike packs to nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine, insert
from sqlalchemy.orm import Session

from airdock.plan.ledger_entry import KEY, LedgerEntry
from airdock.plan.release_record import ReleaseRecord
from airdock.release import Commit, Outcome, Source

ENVIRONMENTS = ("test", "staging", "production")
RUNS, AT_WORK_EACH = 3, 10
"""Runs of each application; every tenth application has one more, which is at work."""
VERBS = ("Add", "Fix", "Drop", "Raise", "Cache", "Show", "Retry", "Log", "Move", "Split", "Name", "Round", "Limit")
THINGS = ("card payments", "the basket", "invoices", "exchange rates", "the search index", "request ids", "the cookie")
WHEN = ("when the acquirer times out", "with tax", "for an hour", "to 40", "with every error", "for old clients")
AUTHORS = [f"{first} {last}" for first in ("Ada", "Jonas", "Priya", "Li") for last in ("Moreau", "Weber", "Wen")]
STAGES = ("hold", "deploy", "verdict")


def fill(engine: Engine, applications: list[str]) -> int:
    """Write it all, and tell how many runs there are."""
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.xcom import XComModel

    with Session(engine) as session, session.begin():
        session.merge(DagBundleModel(name="dags-folder"))
        session.flush()
        for name in applications:
            dags = (DagModel(dag_id=f"{kind}_{name}", bundle_name="dags-folder") for kind in ("deliver", "deploy"))
            session.add_all(dags)
    runs = list(_runs(applications))
    with engine.begin() as connection:
        for model, rows in ((DagRun, runs), (TaskInstance, _tasks(runs)), (XComModel, _left(runs))):
            columns = model.__table__.columns
            told = [{key: value for key, value in row.items() if key in columns} for row in rows]
            connection.execute(insert(model.__table__), told)
    return len(runs)


def _runs(applications: list[str]) -> Iterator[dict[str, Any]]:
    now, number = datetime.now(UTC), 0
    for place, name in enumerate(applications):
        at_work = place % AT_WORK_EACH == 0
        for turn in range(RUNS + at_work):
            number += 1
            at = now - timedelta(hours=(RUNS - turn) * 5, seconds=place)
            done = turn < RUNS
            times = dict.fromkeys(("queued_at", "start_date", "run_after", "created_at", "updated_at"), at)
            ended = {"end_date": at + timedelta(minutes=9) if done else None, "state": "success" if done else "running"}
            told = {"id": number, "dag_id": f"deliver_{name}", "run_id": f"github__{uuid4()}", "run_type": "manual"}
            yield {**told, **times, **ended, "conf": {}, "clear_number": 0, "span_status": "not_started", "name": name}


def _tasks(runs: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    base = {"map_index": -1, "try_number": 1, "max_tries": 0, "pool": "x", "pool_slots": 1, "queue": "q"}
    for run in runs:
        for place, environment in enumerate(ENVIRONMENTS):
            for stage in STAGES:
                done = run["state"] == "success" or place == 0
                times = {"start_date": run["start_date"], "end_date": run["start_date"] if done else None}
                state = "success" if done else "deferred" if (place, stage) == (1, "deploy") else None
                told = {"id": uuid4(), "task_id": f"{environment}.{stage}", "state": state, "executor_config": {}}
                yield {**base, **told, **times, "dag_id": run["dag_id"], "run_id": run["run_id"]}


def _left(runs: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    chance = random.Random(0)  # noqa: S311 - any numbers will do
    for run in runs:
        sha, digest = f"{chance.getrandbits(160):040x}", f"sha256:{chance.getrandbits(256):064x}"
        subject = f"{chance.choice(VERBS)} {chance.choice(THINGS)} {chance.choice(WHEN)}"
        base = {"dag_run_id": run["id"], "dag_id": run["dag_id"], "run_id": run["run_id"], "map_index": -1}
        base |= {"timestamp": run["start_date"], "dag_result": False}
        commit = Commit(run["name"], run["name"], "main", sha, subject, chance.choice(AUTHORS))
        source = Source(commit, {"taskdef.json": "{}" * 2000})
        yield {**base, "task_id": "clone_source", "key": "return_value", "value": source.to_json()}
        for environment in ENVIRONMENTS if run["end_date"] else ():
            entry = _entry(run, environment, commit, digest).to_json()
            yield {**base, "task_id": f"{environment}.verdict", "key": KEY, "value": entry}


def _entry(run: dict[str, Any], environment: str, commit: Commit, digest: str) -> LedgerEntry:
    at, sha = run["start_date"].isoformat(), commit.sha
    ended = run["start_date"] + timedelta(minutes=3 * (1 + ENVIRONMENTS.index(environment)))
    return LedgerEntry(
        ReleaseRecord(
            key=f"{run['start_date']:%Y%m%dT%H%M%SZ}-{sha[:8]}",
            application=run["name"],
            environment=environment,
            commit=sha,
            ref="main",
            subject=commit.subject,
            author=commit.author,
            image=f"1.dkr.ecr.eu-west-1.amazonaws.com/{run['name']}@{digest}",
            task_definition=f"arn:aws:ecs:eu-west-1:1:task-definition/{run['name']}:{run['id']}",
            deployment="d-1",
            previous="",
            dag_id=run["dag_id"],
            run_id=run["run_id"],
            outcome=Outcome.LIVE,
            sentence=f"{run['name']} {sha[:7]} to {environment} is live",
            started_at=at,
            ended_at=ended.isoformat(),
        ),
        verified=True,
        committed_at=at,
    )
