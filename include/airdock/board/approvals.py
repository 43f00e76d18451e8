"""What waits for somebody's word, with the evidence that was put beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from airdock.release import Commit
from airdock.spec import Pipeline
from airdock.spec.approval import Approval


@dataclass(frozen=True, slots=True)
class Question:
    """A question that nobody has answered; `asked_at` is ISO 8601.

    `users`: the ids of those who are asked; `approved_by`: of those who have approved so far, where several must.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    asked_at: str
    users: Sequence[str]
    commit: Commit | None
    evidence: Sequence[str]
    approved_by: Sequence[str] = ()

    @property
    def application(self) -> str:
        return self.dag_id.partition("_")[2]

    @property
    def environment(self) -> str:
        return self.task_id.rpartition(".")[0]


def approval(question: Question, pipeline: Pipeline | None, why_not: str) -> dict[str, Any]:
    """The question in the page's shape; `why_not`: why the user may not answer it, "" who may."""
    commit, rules = question.commit, _rules(question, pipeline)
    return {
        "dag_id": question.dag_id,
        "run_id": question.run_id,
        "task_id": question.task_id,
        "map_index": question.map_index,
        "application": question.application,
        "environment": question.environment,
        "commit": commit.sha if commit else None,
        "subject": commit.subject if commit else None,
        "author": commit.author if commit else None,
        "asked_at": question.asked_at,
        "until": _until(question, pipeline),
        "needed": rules.needed if rules else 1,
        "approved_by": list(question.approved_by),
        "evidence": list(question.evidence),
        "may_answer": not why_not,
        "why_not": why_not,
    }


def why_not(question: Question, pipeline: Pipeline | None, user: str, edits: bool) -> str:
    """Why the user with this id may not answer; "" who may. Airflow itself refuses whoever may not."""
    if not edits:
        return "You may look at this application, but not act on it."
    if not question.users or user in question.users:
        return ""
    rules = _rules(question, pipeline)
    if rules and any(approver.user == user for approver in rules.approvers):
        return "You made or pushed a commit of it, or have answered already: somebody else has to approve it."
    return f"Asked are {', '.join(question.users)}."


def _until(question: Question, pipeline: Pipeline | None) -> str | None:
    rules = _rules(question, pipeline)
    if not rules or not question.asked_at:
        return None
    asked_at = datetime.fromisoformat(question.asked_at)
    return (asked_at + timedelta(minutes=rules.timeout_minutes)).isoformat()


def _rules(question: Question, pipeline: Pipeline | None) -> Approval | None:
    target = pipeline.environments.get(question.environment) if pipeline else None
    return target.approval if target else None
