"""Datapoints by series, in a SQLite file of their own: a put costs some ten microseconds, and survives kill -9."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from local_aws.world import World

_SCHEMA = """
CREATE TABLE IF NOT EXISTS series (id INTEGER PRIMARY KEY, region TEXT, namespace TEXT, metric TEXT, dimensions TEXT,
    UNIQUE (region, namespace, metric, dimensions));
CREATE TABLE IF NOT EXISTS datapoint (series INTEGER, at REAL, count REAL, sum REAL, low REAL, high REAL);
CREATE INDEX IF NOT EXISTS datapoint_by_time ON datapoint (series, at);
"""
_KEPT_SECONDS = 6 * 3600
_PUTS_BETWEEN_CLEANINGS = 5000


@dataclass(frozen=True)
class Series:
    """One metric with one set of dimensions: as in CloudWatch, another set is another series."""

    region: str
    namespace: str
    metric: str
    dimensions: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, region: str, namespace: str, metric: str, dimensions: Mapping[str, str]) -> Series:
        """The series with these dimensions, in whatever order they are given."""
        return cls(region, namespace, metric, tuple(sorted(dimensions.items())))


@dataclass(frozen=True)
class Statistics:
    """What was measured within a stretch of time."""

    count: float
    sum: float
    low: float
    high: float

    def value(self, name: str) -> float:
        """The statistic with CloudWatch's name.

        Raises KeyError for one that is not kept, such as a percentile.
        """
        return {
            "SampleCount": self.count,
            "Sum": self.sum,
            "Average": self.sum / self.count,
            "Minimum": self.low,
            "Maximum": self.high,
        }[name]


class Metrics:
    """All datapoints; the methods may be called from any thread."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._puts = 0
        self._ids: dict[Series, int] = {}
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=OFF")  # The death of the process, not of the host, is survived.
        self._database.executescript(_SCHEMA)

    def put(self, series: Series, at: float, value: float) -> None:
        """Write one measured value; `at` is in epoch seconds."""
        self.put_statistics(series, at, Statistics(1, value, value, value))

    def put_statistics(self, series: Series, at: float, measured: Statistics) -> None:
        """Write values that were summed up before."""
        with self._lock:
            row = (self._id(series), at, measured.count, measured.sum, measured.low, measured.high)
            self._database.execute("INSERT INTO datapoint VALUES (?, ?, ?, ?, ?, ?)", row)
            self._puts += 1
            if self._puts % _PUTS_BETWEEN_CLEANINGS == 0:
                self._database.execute("DELETE FROM datapoint WHERE at < ?", (at - _KEPT_SECONDS,))

    def between(self, series: Series, start: float, end: float) -> Statistics | None:
        """What was measured from `start` until before `end`, None when nothing was."""
        with self._lock:
            row = self._database.execute(
                "SELECT sum(count), sum(sum), min(low), max(high) FROM datapoint"
                " WHERE series = ? AND at >= ? AND at < ?",
                (self._id(series), start, end),
            ).fetchone()
        return Statistics(*row) if row[0] else None

    def values(self, series: Series, start: float, end: float) -> list[tuple[float, float]]:
        """The single values from `start` until before `end`, and how often each was measured."""
        with self._lock:
            return self._database.execute(
                "SELECT low, sum(count) FROM datapoint"
                " WHERE series = ? AND at >= ? AND at < ? AND low = high GROUP BY low",
                (self._id(series), start, end),
            ).fetchall()

    def listed(self, region: str) -> list[Series]:
        """Every series of a region that has datapoints."""
        with self._lock:
            rows = self._database.execute(
                "SELECT region, namespace, metric, dimensions FROM series WHERE region = ?"
                " AND EXISTS (SELECT 1 FROM datapoint WHERE datapoint.series = series.id)",
                (region,),
            ).fetchall()
        return [Series.of(of, space, metric, dict(json.loads(told))) for of, space, metric, told in rows]

    def _id(self, series: Series) -> int:
        if series not in self._ids:
            key = (series.region, series.namespace, series.metric, json.dumps(series.dimensions))
            self._database.execute(
                "INSERT OR IGNORE INTO series (region, namespace, metric, dimensions) VALUES (?, ?, ?, ?)",
                key,
            )
            found: tuple[Any, ...] = self._database.execute(
                "SELECT id FROM series WHERE region = ? AND namespace = ? AND metric = ? AND dimensions = ?",
                key,
            ).fetchone()
            self._ids[series] = found[0]
        return self._ids[series]


_by_world: WeakKeyDictionary[World, Metrics] = WeakKeyDictionary()
_opening = threading.Lock()


def metrics_of(world: World) -> Metrics:
    """The datapoints of a world, opened at the first use."""
    with _opening:
        if world not in _by_world:
            _by_world[world] = Metrics(world.settings.state_dir / "metrics.sqlite")
        return _by_world[world]
