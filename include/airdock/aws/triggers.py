"""Waiting in the triggerer, where a thousand waits cost one process.

The class path and the arguments of a trigger are stored with every waiting task: both are chosen once, and old
arguments must stay readable.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from random import uniform
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airdock.aws.watch import Facts, Subject, watch_for
from airdock.aws.watch.subject import look
from airdock.errors import Fault, Refused

SLOWEST_POLL_SECONDS = 60.0


class JobTrigger(BaseTrigger):
    """Polls one job until it has ended, was refused, or its absolute deadline has come; then fires once.

    Events: `{"status": "finished" | "deadline" | "refused", "facts": {...} | None, "reason": str}`.

    It holds nothing and starts nothing, so it may be killed, moved or doubled at any moment. It does not stop the
    job when it is killed itself: Airflow 3.3 also "kills" triggers that it moves to another triggerer.
    """

    def __init__(
        self,
        subject: dict[str, Any],
        deadline_at: str,
        poll_seconds: float,
        facts: Facts | None = None,
    ) -> None:
        super().__init__()
        self.subject = subject
        self.deadline_at = deadline_at
        self.poll_seconds = poll_seconds
        self.facts = facts

    def serialize(self) -> tuple[str, dict[str, Any]]:
        arguments = {
            "subject": self.subject,
            "deadline_at": self.deadline_at,
            "poll_seconds": self.poll_seconds,
            "facts": self.facts,
        }
        return "airdock.aws.triggers.JobTrigger", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        # Airflow calls a trigger killed when it goes on after its event: yield once, then return.
        yield TriggerEvent(await self._outcome())

    async def _outcome(self) -> dict[str, Any]:
        subject, watch = Subject.from_json(self.subject), watch_for(self.subject["kind"])
        deadline, pause = datetime.fromisoformat(self.deadline_at), self.poll_seconds
        while datetime.now(UTC) < deadline:
            # The operator has looked a moment ago: the pause comes first.
            await asyncio.sleep(pause * uniform(0.9, 1.1))  # noqa: S311 - jitter, no secret
            try:
                now = await asyncio.to_thread(look, watch, subject)
            except Refused as refusal:
                return {"status": "refused", "facts": self.facts, "reason": refusal.sentence}
            except Fault as fault:
                pause = min(pause * 2, SLOWEST_POLL_SECONDS)
                self.log.warning("%s; looking again in about %.0f s", fault.sentence, pause)
                continue
            pause = self.poll_seconds
            for line in watch.progress(self.facts, now):
                self.log.info(line)
            self.facts = now
            if watch.finished(now, subject.options):
                return {"status": "finished", "facts": now, "reason": ""}
        return {"status": "deadline", "facts": self.facts, "reason": f"not finished by {self.deadline_at}"}
