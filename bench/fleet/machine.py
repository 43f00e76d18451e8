"""What the machine did meanwhile: cores at work, and memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

import psutil

from demo.stack import AIRFLOW_PARTS, Stack


class Cores(NamedTuple):
    """How many cores were at work: all of them, Airflow's, and the local AWS's with its builds and tasks."""

    all: float
    airflow: float
    aws: float


class Meter:
    """Reads the cores since it was made."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._began, self._before = time.time(), self._used()

    @property
    def seconds(self) -> float:
        return time.time() - self._began

    def cores(self) -> Cores:
        spent = (now - then for now, then in zip(self._used(), self._before, strict=True))
        return Cores(*(round(each / self.seconds, 2) for each in spent))

    def airflow_mib(self) -> float:
        """Memory of Airflow's processes; what several share counts once."""
        shares = (self._read(part, lambda process: process.memory_full_info().pss) for part in AIRFLOW_PARTS)
        return sum(map(sum, shares)) / 2**20

    def _used(self) -> Cores:
        """CPU seconds of now."""
        times = psutil.cpu_times()
        busy = times.user + times.nice + times.system + times.irq + times.softirq
        return Cores(busy, sum(map(self._of, AIRFLOW_PARTS)), self._of("local AWS"))

    def _of(self, part: str) -> float:
        """Of a process and everything below it, what has ended included."""
        return sum(self._read(part, lambda process: sum(process.cpu_times()[:4])))

    def _read(self, part: str, reading: Callable[[psutil.Process], float]) -> Iterator[float]:
        """A reading of each process; one that ends meanwhile has none."""
        keeper = psutil.Process(self._stack.processes[part].pid)
        for process in (keeper, *keeper.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                yield reading(process)
