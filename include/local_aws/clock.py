"""The clock that scales AWS minutes, so that a five minute canary takes seconds."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

POLL_AWS_SECONDS, SHORTEST_POLL_SECONDS = 0.5, 0.05


class Wakeups:
    """Tells every waiting engine thread that something may have changed."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count = 0

    def notify(self) -> None:
        """Wake everybody who waits."""
        with self._changed:
            self._count += 1
            self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Return at the next `notify`, or after this many real seconds."""
        with self._changed:
            seen = self._count
            self._changed.wait_for(lambda: self._count != seen, timeout=seconds)


class Clock:
    """UTC time and durations: one AWS minute lasts `minute_seconds` real seconds."""

    def __init__(self, minute_seconds: float, wakeups: Wakeups, stopping: threading.Event) -> None:
        self.minute_seconds = minute_seconds
        self._wakeups = wakeups
        self._stopping = stopping

    def now(self) -> datetime:
        """The real time, aware, in UTC."""
        return datetime.now(UTC)

    def minutes(self, aws_minutes: float) -> float:
        """How many real seconds this many AWS minutes last."""
        return aws_minutes * self.minute_seconds

    def seconds(self, aws_seconds: float, floor: float = 0.0) -> float:
        """How many real seconds this many AWS seconds last, never fewer than `floor`."""
        return max(floor, aws_seconds / 60 * self.minute_seconds)

    def pause(self, aws_seconds: float, floor: float) -> None:
        """Let AWS seconds pass, whoever is woken meanwhile; only a shutdown cuts them short.

        An engine that looks around pauses so between two looks: the slower the clock, the less often it looks.
        """
        self.wait(self.seconds(aws_seconds, floor))

    def wait(self, seconds: float, until: Callable[[], bool] | None = None) -> bool:
        """Wait up to `seconds` real seconds for `until`; True when it held, False at the end or on shutdown.

        It is looked at with every wake-up, and at least every half AWS second.
        """
        if until is None:
            self._stopping.wait(seconds)
            return False
        deadline = time.monotonic() + seconds
        while not until():
            left = deadline - time.monotonic()
            if left <= 0 or self._stopping.is_set():
                return False
            self._wakeups.wait(min(left, self.seconds(POLL_AWS_SECONDS, SHORTEST_POLL_SECONDS)))
        return True
