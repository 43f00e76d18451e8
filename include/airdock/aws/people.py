"""Waiting for people in the triggerer: for their answer, and for the end of a freeze.

The class paths and the arguments are stored with every waiting task: old ones must stay readable.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from airflow.triggers.base import BaseTrigger, TriggerEvent

FREEZE = "airdock_freeze"
"""The Airflow Variable that stops the line while it is there: {"by": user, "at": ISO 8601, "reason": text}."""
UNFINISHED = ("queued", "running")


def freeze_in_words(told: str | None) -> str:
    """Who stopped the line, and why; "" when it runs. A text that is none of ours stops it as well."""
    if not told:
        return ""
    try:
        known = json.loads(told)
        return f"{known['by']} stopped the line at {known['at']}: {known.get('reason') or 'no reason given'}"
    except (ValueError, TypeError, KeyError, AttributeError):
        return f"the line is stopped: {told[:200]}"


class ThawTrigger(BaseTrigger):
    """Fires once the line is not stopped any more."""

    def __init__(self, poll_seconds: float = 10) -> None:
        super().__init__()
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return "airdock.aws.people.ThawTrigger", {"poll_seconds": self.poll_seconds}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        from airflow.sdk import Variable

        # Pause first: the task has looked a moment ago, and a trigger that fires at once may be lost.
        await asyncio.sleep(self.poll_seconds)
        while await asyncio.to_thread(Variable.get, FREEZE, None):
            await asyncio.sleep(self.poll_seconds)
        yield TriggerEvent({"status": "thawed"})


class AnswerTrigger(BaseTrigger):
    """Fires when there is no use in waiting for an answer any longer, or when there may be none.

    Airflow wakes the task with an answer by itself; one that comes before the task waits is found here. Events: the
    answer as Airflow tells it; `{"status": "deadline"}`; or `{"status": "look", "runs": n}` once more runs of the dag
    are unfinished than `runs`: a newer release may have overtaken this one.
    """

    def __init__(self, ti_id: str, dag_id: str, runs: int, deadline_at: str, poll_seconds: float = 10) -> None:
        super().__init__()
        self.ti_id = ti_id
        self.dag_id = dag_id
        self.runs = runs
        self.deadline_at = deadline_at
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        arguments = {
            "ti_id": self.ti_id,
            "dag_id": self.dag_id,
            "runs": self.runs,
            "deadline_at": self.deadline_at,
            "poll_seconds": self.poll_seconds,
        }
        return "airdock.aws.people.AnswerTrigger", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        # Airflow calls a trigger killed when it goes on after its event: yield once, then return.
        yield TriggerEvent(await self._event())

    async def _event(self) -> dict[str, Any]:
        deadline = datetime.fromisoformat(self.deadline_at)
        while datetime.now(UTC) < deadline:
            await asyncio.sleep(self.poll_seconds)
            if answer := await asyncio.to_thread(answer_to, self.ti_id):
                return answer
            now = await asyncio.to_thread(unfinished_runs, self.dag_id)
            if now > self.runs:
                return {"status": "look", "runs": now}
        return {"status": "deadline"}


def answer_to(ti_id: str) -> dict[str, Any] | None:
    """What somebody answered to the question of a task instance, as Airflow's own events tell it."""
    from airflow.sdk.execution_time.hitl import get_hitl_detail_content_detail

    told = get_hitl_detail_content_detail(ti_id=UUID(ti_id))
    if not (told.response_received and told.chosen_options):
        return None
    who = told.responded_by_user
    return {
        "chosen_options": list(told.chosen_options),
        "responded_at": told.responded_at.isoformat() if told.responded_at else None,
        "responded_by_user": {"id": who.id, "name": who.name} if who else None,
    }


def unfinished_runs(dag_id: str) -> int:
    """How many runs of a dag wait or are at work; asked through Airflow's task API."""
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    return int(RuntimeTaskInstance.get_dr_count(dag_id=dag_id, states=list(UNFINISHED)))
