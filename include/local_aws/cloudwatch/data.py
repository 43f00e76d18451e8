"""Series as datapoints by period. Periods are of the real clock, as the timestamps are.

Percentiles: "CloudWatch statistics definitions" of the CloudWatch guide. As there, they need values that were put one
by one, or sets of equal values.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from local_aws.cloudwatch.metrics import Metrics, Series, Statistics

_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)")


@dataclass(frozen=True)
class Span:
    """A stretch of time that is cut into periods."""

    start: datetime
    end: datetime
    period: timedelta

    @classmethod
    def of(cls, request: Any, period_seconds: int) -> Span:
        """The span of a request's StartTime and EndTime, which are UTC."""
        start, end = (request[name].replace(tzinfo=UTC) for name in ("StartTime", "EndTime"))
        return cls(start, end, timedelta(seconds=period_seconds))

    def periods(self) -> Iterator[tuple[datetime, float, float]]:
        """Each period's beginning, and its limits in epoch seconds."""
        at = self.start
        while at < self.end:
            yield at, at.timestamp(), min(at + self.period, self.end).timestamp()
            at += self.period


def statistics(metrics: Metrics, series: Series, span: Span) -> list[tuple[datetime, Statistics]]:
    """The periods in which something was measured."""
    found = ((at, metrics.between(series, start, end)) for at, start, end in span.periods())
    return [(at, measured) for at, measured in found if measured]


def datapoints(metrics: Metrics, series: Series, statistic: str, span: Span) -> list[tuple[datetime, float]]:
    """One statistic by period, oldest first. Raises KeyError for a statistic that is not kept."""
    percent = _PERCENTILE.fullmatch(statistic)
    if percent is None:
        return [(at, measured.value(statistic)) for at, measured in statistics(metrics, series, span)]
    found = ((at, metrics.values(series, start, end)) for at, start, end in span.periods())
    return [(at, percentile(values, float(percent[1]))) for at, values in found if values]


def percentile(values: Sequence[tuple[float, float]], percent: float) -> float:
    """The smallest value that so many percent of all do not exceed; each value comes with how often it was measured."""
    left = math.ceil(sum(count for _, count in values) * percent / 100)
    ordered = sorted(values)
    for value, count in ordered:
        left -= int(count)
        if left <= 0:
            return value
    return ordered[-1][0]
