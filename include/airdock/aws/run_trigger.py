"""Waiting in the triggerer for the run of another dag.

The class path and the arguments are stored with every waiting task: both are chosen once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from random import uniform
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airdock.aws import runs
from airdock.errors import Fault

ENDED = frozenset({"success", "failed"})


class RunTrigger(BaseTrigger):
    """Asks for a run's state until it has ended, is gone, or the absolute deadline has come; then fires once.

    Airflow's own trigger for this looks at once, when a task that has just been deferred can still be taken for failed,
    and waits for ever for a run that was deleted.

    Event: `{"state": "success" | "failed" | None, "overdue": bool}`; None is for a run that is gone.
    """

    def __init__(self, dag_id: str, run_id: str, deadline_at: str, poll_seconds: float) -> None:
        super().__init__()
        self.dag_id = dag_id
        self.run_id = run_id
        self.deadline_at = deadline_at
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        arguments = {
            "dag_id": self.dag_id,
            "run_id": self.run_id,
            "deadline_at": self.deadline_at,
            "poll_seconds": self.poll_seconds,
        }
        return "airdock.aws.run_trigger.RunTrigger", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        # Airflow calls a trigger killed when it goes on after its event: yield once, then return.
        yield TriggerEvent(await self._outcome())

    async def _outcome(self) -> dict[str, Any]:
        deadline, state = datetime.fromisoformat(self.deadline_at), "running"
        while datetime.now(UTC) < deadline:
            # The operator has looked a moment ago: the pause comes first.
            await asyncio.sleep(self.poll_seconds * uniform(0.9, 1.1))  # noqa: S311 - jitter, no secret
            try:
                found = await asyncio.to_thread(runs.state, self.dag_id, self.run_id)
            except Fault as fault:
                self.log.warning("%s; looking again", fault.sentence)
                continue
            if found is None or found in ENDED:
                return {"state": found, "overdue": False}
            if found != state:
                self.log.info("%s is %s", self.run_id, found)
            state = found
        return {"state": state, "overdue": True}
