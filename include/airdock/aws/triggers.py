"""Waiting in the triggerer, where a thousand waits cost one process.

The class path and the arguments of a trigger are stored with every waiting task: both are chosen once, and old
arguments must stay readable.
"""

from __future__ import annotations

import asyncio
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


class JobTrigger(BaseTrigger):
    """Waits for one job, together with all others: until it has ended, was refused, or its absolute deadline has come.

    Its one event: `{"status": "finished" | "deadline" | "refused", "facts": {...} | None, "reason": str}`. With a
    `record` it is a deployment; one that is live ends its task here, with the XComs that the task would have left.

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
        left = self._left_by_good_end() if outcome["status"] == "finished" else None
        yield TaskSuccessEvent(xcoms=left) if left else TriggerEvent(outcome)

    async def _outcome(self) -> dict[str, Any]:
        subject = Subject.from_json(self.subject)
        with waiting_room().seat(subject, self.poll_seconds, self.facts, self.first_look_seconds) as seat:
            try:
                async with asyncio.timeout(self._seconds_left()):
                    return await self._ended(seat)
            except TimeoutError:
                return await self._overdue(seat)

    def _seconds_left(self) -> float:
        return (datetime.fromisoformat(self.deadline_at) - datetime.now(UTC)).total_seconds()

    async def _ended(self, seat: Seat) -> dict[str, Any]:
        while True:
            outcome = self._heard(await seat.news(), seat.facts)
            if outcome:
                return outcome  # with the last share of the traffic; a deployment that is live has it all
            await self._leave_shares()

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

    def _left_by_good_end(self) -> dict[str, Any] | None:
        """What the task of a deployment that is live would leave; None where a worker must see to the end.

        Not through Airflow's API, whose first answer in a new triggerer takes it seconds in which it does nothing else.
        """
        if not (self.record and self.facts):
            return None
        subject = Subject.from_json(self.subject)
        sentence = good_end(subject.kind, self.facts, subject.options, self.record["task_definition"])
        if not sentence:
            return None
        self.log.info(sentence)
        return {"deployment": self.facts, "return_value": {**self.record, "status": self.facts["status"]}}

    async def _leave_shares(self) -> None:
        """Leave how the traffic has moved as the task's XCom `shares`, for the board: this task is away for long."""
        shares, task = (self.facts or {}).get("shares"), self.task_instance
        if not self.facts or not shares or shares == self._left or task is None:
            return
        try:
            if self._left is None:  # The arguments are of the first life of this trigger, which may have been another.
                shares = carried_on(await asyncio.to_thread(_left, task), shares)
            self.facts, self._left = {**self.facts, "shares": shares}, shares
            await asyncio.to_thread(_leave, task, shares)
        except Exception as error:  # Nothing depends on it, and the wait must go on.
            self.log.warning("The board will not see the traffic move: %s", error)


def _leave(task: Any, shares: list[Any]) -> None:
    from airflow.sdk.execution_time.xcom import XCom

    XCom.set(key="shares", value=shares, **_place(task))


def _left(task: Any) -> Any:
    from airflow.sdk.execution_time.xcom import XCom

    return XCom.get_one(key="shares", **_place(task))


def _place(task: Any) -> dict[str, Any]:
    return {"dag_id": task.dag_id, "task_id": task.task_id, "run_id": task.run_id, "map_index": task.map_index}
