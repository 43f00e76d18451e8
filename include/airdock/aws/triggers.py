"""Waiting in the triggerer, where a thousand waits cost one process.

The class path and the arguments of a trigger are stored with every waiting task: both are chosen once, and old
arguments must stay readable.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from airflow.triggers.base import BaseTrigger, TaskSuccessEvent, TriggerEvent

from airdock.aws.watch import Facts, Subject
from airdock.aws.watch.wait import News
from airdock.aws.watch.waiting_room import Seat, waiting_room
from airdock.plan.good_end import good_end
from airdock.plan.traffic_share import carried_on, followed

LAST_LOOK_SECONDS = 20.0
"""How long the look at the deadline may take."""
LEAVING_SECONDS = 20.0
"""How long Airflow may take to keep what an ended deployment leaves, before a worker is asked to do it."""


class JobTrigger(BaseTrigger):
    """Waits for one job, together with all others: until it has ended, was refused, or its absolute deadline has come.

    Its one event: `{"status": "finished" | "deadline" | "refused", "facts": {...} | None, "reason": str}`. With a
    `record` it is a deployment: one that ended well ends its task here, and what the task would have left is left.

    It holds nothing and starts nothing, so it may be killed, moved or doubled at any moment. It does not stop the
    job when it is killed itself: Airflow 3.3 also "kills" triggers that it moves to another triggerer.
    """

    def __init__(
        self,
        subject: dict[str, Any],
        deadline_at: str,
        poll_seconds: float,
        facts: Facts | None = None,
        first_look_seconds: float | None = None,
        record: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.subject = subject
        self.deadline_at = deadline_at
        self.poll_seconds = poll_seconds
        self.facts = facts
        self.first_look_seconds = first_look_seconds
        self.record = record
        self._left: Any = None

    def serialize(self) -> tuple[str, dict[str, Any]]:
        arguments = {
            "subject": self.subject,
            "deadline_at": self.deadline_at,
            "poll_seconds": self.poll_seconds,
            "facts": self.facts,
            "first_look_seconds": self.first_look_seconds,
            "record": self.record,
        }
        return "airdock.aws.triggers.JobTrigger", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        # Airflow calls a trigger killed when it goes on after its event: yield once, then return.
        outcome = await self._outcome()
        yield TaskSuccessEvent() if await self._left_all(outcome) else TriggerEvent(outcome)

    async def _outcome(self) -> dict[str, Any]:
        subject = Subject.from_json(self.subject)
        with waiting_room().seat(subject, self.poll_seconds, self.facts, self.first_look_seconds) as seat:
            try:
                async with asyncio.timeout(self._seconds_left()):
                    await self._ask_airflow_early()
                    return await self._ended(seat)
            except TimeoutError:
                return await self._overdue(seat)

    def _seconds_left(self) -> float:
        return (datetime.fromisoformat(self.deadline_at) - datetime.now(UTC)).total_seconds()

    async def _ended(self, seat: Seat) -> dict[str, Any]:
        while True:
            outcome = self._heard(await seat.news(), seat.facts)
            if outcome:
                return outcome  # its task keeps the last share of the traffic
            await self._leave_shares()

    async def _ask_airflow_early(self) -> None:
        """Airflow's first answer in a new triggerer takes seconds: not when the end is there."""
        if self.record and self.task_instance:
            with contextlib.suppress(Exception):  # it is asked again
                await self._carry_on()

    async def _overdue(self, seat: Seat) -> dict[str, Any]:
        """A last look: the triggerer may have been away for longer than the job took."""
        try:
            async with asyncio.timeout(LAST_LOOK_SECONDS):
                outcome = self._heard(await seat.last_look(), seat.facts)
        except TimeoutError:
            outcome = None
        late = {"status": "deadline", "facts": self.facts, "reason": f"not finished by {self.deadline_at}"}
        return outcome or late

    def _heard(self, news: News, facts: Facts | None) -> dict[str, Any] | None:
        """Tell the log, and the outcome if there is one. Raises what nobody foresaw: the task will try again."""
        for line in news.lines:
            self.log.info(line)
        facts = facts and followed(self.facts, facts, datetime.now(UTC).isoformat(timespec="seconds"))
        self.facts = facts
        if news.end == "broken" and news.error:
            raise news.error
        if news.end == "refused":
            return {"status": "refused", "facts": facts, "reason": getattr(news.error, "sentence", str(news.error))}
        return {"status": "finished", "facts": facts, "reason": ""} if news.end else None

    async def _left_all(self, outcome: dict[str, Any]) -> bool:
        """Whether the deployment is live, and all is left that its task would have left: then no worker has to."""
        sentence = self._good_end() if outcome["status"] == "finished" else ""
        if not sentence:
            return False
        try:
            async with asyncio.timeout(LEAVING_SECONDS):
                await self._leave_record()
        except Exception as error:  # its worker leaves it then
            self.log.warning("The triggerer can't leave the task's record: %r", error)
            return False
        self.log.info(sentence)
        return True

    def _good_end(self) -> str:
        if not (self.record and self.facts and self.task_instance):
            return ""
        subject = Subject.from_json(self.subject)
        return good_end(subject.kind, self.facts, subject.options, self.record["task_definition"])

    async def _leave_record(self) -> None:
        await self._leave_shares()
        assert self.facts and self.record
        record = {**self.record, "status": self.facts["status"]}
        for key, value in (("deployment", self.facts), ("return_value", record)):
            await asyncio.to_thread(_leave, self.task_instance, key, value)

    async def _leave_shares(self) -> None:
        """Leave how the traffic has moved as the task's XCom `shares`, for the board: this task is away for long."""
        shares, task = (self.facts or {}).get("shares"), self.task_instance
        if not shares or shares == self._left or task is None:
            return
        try:
            await self._carry_on()
            shares = self._left = (self.facts or {})["shares"]
            await asyncio.to_thread(_leave, task, "shares", shares)
        except Exception as error:  # Nothing depends on it, and the wait must go on.
            self.log.warning("The board will not see the traffic move: %s", error)

    async def _carry_on(self) -> None:
        """Once: go on from the shares that were left in an earlier life, of which the arguments know nothing."""
        if self._left is None and self.facts is not None:
            left = await asyncio.to_thread(_left, self.task_instance) or []
            self._left, shares = left, carried_on(left, self.facts.get("shares") or [])
            self.facts = {**self.facts, "shares": shares} if shares else self.facts


def _leave(task: Any, key: str, value: Any) -> None:
    from airflow.sdk.execution_time.xcom import XCom

    XCom.set(key=key, value=value, **_place(task))


def _left(task: Any) -> Any:
    from airflow.sdk.execution_time.xcom import XCom

    return XCom.get_one(key="shares", **_place(task))


def _place(task: Any) -> dict[str, Any]:
    return {"dag_id": task.dag_id, "task_id": task.task_id, "run_id": task.run_id, "map_index": task.map_index}
