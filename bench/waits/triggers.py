"""The trigger of the bench that begins and ends a task without a worker."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TaskSuccessEvent


class TimerTrigger(BaseTrigger):
    """Ends its task well after a random while between `seconds` and `at_most`."""

    def __init__(self, seconds: float, at_most: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.at_most = at_most

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return "triggers.TimerTrigger", {"seconds": self.seconds, "at_most": self.at_most}

    async def run(self) -> AsyncIterator[TaskSuccessEvent]:
        await asyncio.sleep(random.uniform(self.seconds, self.at_most))  # noqa: S311 - no secret
        yield TaskSuccessEvent()
