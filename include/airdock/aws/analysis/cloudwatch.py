"""Numbers from CloudWatch: all checks and both versions in one GetMetricData.

Rules: Amazon CloudWatch API Reference, GetMetricData. It takes 500 queries: twenty checks of ten metrics are 400.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airdock.aws.analysis.subject import Subject, Version, Window, filled
from airdock.aws.faults import spoken
from airdock.plan.analysis import Measured
from airdock.spec.check import CloudWatchCheck, Metric
from airdock.spec.formula import value_of

Series = tuple[str, str, str]
"""Which check, which of its metrics, and whether of the `new` or of the `old` version."""


@dataclass(frozen=True, slots=True)
class Points:
    """What CloudWatch told of one series: its datapoints, and why they are not to be trusted, or ""."""

    values: tuple[float, ...]
    error: str = ""


def measure(checks: Sequence[CloudWatchCheck], subject: Subject, window: Window) -> list[Measured]:
    """What the checks come to. Raises Refused or Fault."""
    wanted = dict(_wanted(checks, subject))
    points = _asked(subject, window, wanted)
    return [_measured(check, points) for check in checks]


def _wanted(checks: Iterable[CloudWatchCheck], subject: Subject) -> Iterator[tuple[Series, dict[str, Any]]]:
    for check in checks:
        versions = {"new": subject.new, **({"old": subject.old} if check.compares and subject.old else {})}
        for which, version in versions.items():
            for name, metric in check.metrics.items():
                yield (check.name, name, which), _stat(metric, subject, version)


def _stat(metric: Metric, subject: Subject, version: Version) -> dict[str, Any]:
    words = subject.words(version)
    dimensions = [{"Name": name, "Value": filled(value, words)} for name, value in metric.dimensions.items()]
    described = {"Namespace": metric.namespace, "MetricName": metric.metric, "Dimensions": dimensions}
    return {"Metric": described, "Stat": metric.statistic}


def _asked(subject: Subject, window: Window, wanted: Mapping[Series, dict[str, Any]]) -> dict[Series, Points]:
    ids = {f"q{number}": series for number, series in enumerate(wanted)}
    period = period_seconds(window)
    queries = [{"Id": each, "MetricStat": {**wanted[series], "Period": period}} for each, series in ids.items()]
    results: list[Mapping[str, Any]] = []
    with spoken("asking CloudWatch for metrics"):
        pages = subject.account.client("cloudwatch").get_paginator("get_metric_data")
        for page in pages.paginate(MetricDataQueries=queries, StartTime=window.start, EndTime=window.end):
            results += page["MetricDataResults"]
    return {series: _points([each for each in results if each["Id"] == told]) for told, series in ids.items()}


def period_seconds(window: Window) -> int:
    """One period for the whole window: percentiles of parts can't be put together.

    CloudWatch rounds the start down to a whole minute: one minute more keeps the end in the same period.
    """
    return (window.seconds // 60 + 2) * 60


def _points(results: Sequence[Mapping[str, Any]]) -> Points:
    """A series of all pages; the pages of one that is not complete say PartialData, the last one Complete."""
    values = tuple(float(value) for result in results for value in result["Values"])
    status = str(results[-1]["StatusCode"]) if results else "no result"
    return Points(values, "" if status == "Complete" else f"CloudWatch answered {status}")


def _measured(check: CloudWatchCheck, points: Mapping[Series, Points]) -> Measured:
    mine = {(name, which): told for (of, name, which), told in points.items() if of == check.name}
    error = next((told.error for told in mine.values() if told.error), "")
    numbers = {key: _number(check.metrics[key[0]], told.values) for key, told in mine.items()}
    new, old = ({name: number for (name, of), number in numbers.items() if of == which} for which in ("new", "old"))
    return Measured(
        check.name,
        value=value_of(check.formula, new),
        baseline=value_of(check.formula, old),
        samples=_samples(check, new),
        baseline_samples=_samples(check, old) if old else None,
        error=error,
    )


def _samples(check: CloudWatchCheck, numbers: Mapping[str, float | None]) -> float | None:
    """How many samples there are; where they are counted and nothing is told, none."""
    return None if check.samples is None else numbers.get(check.samples) or 0.0


def _number(metric: Metric, values: Sequence[float]) -> float | None:
    """One number of a series; CloudWatch may cut the window in two where its periods begin."""
    if not values:
        return metric.missing
    if metric.statistic in ("Sum", "SampleCount"):
        return sum(values)
    if metric.statistic in ("Minimum", "Maximum"):
        return min(values) if metric.statistic == "Minimum" else max(values)
    return sum(values) / len(values)
