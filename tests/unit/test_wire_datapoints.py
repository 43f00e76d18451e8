"""Percentiles of the local CloudWatch, and what its GetMetricData makes of a stretch of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_aws.cloudwatch.data import Span, datapoints, percentile
from local_aws.cloudwatch.metrics import Series, Statistics, metrics_of
from local_aws.world import Settings, World

TIMES = Series.of("eu-west-1", "AWS/ApplicationELB", "TargetResponseTime", {"TargetGroup": "blue"})
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(("percent", "value"), [(50, 0.02), (90, 0.02), (95, 0.5), (99, 3.0), (100, 3.0)])
def test_percentile_counts_each_value_as_often_as_it_was_measured(percent: float, value: float) -> None:
    assert percentile([(3.0, 2.0), (0.02, 90.0), (0.5, 8.0)], percent) == value


@given(st.lists(st.integers(0, 50), min_size=1, max_size=300), st.integers(1, 100))
def test_percentile_is_the_smallest_value_that_enough_do_not_exceed(values: list[int], percent: int) -> None:
    found = percentile([(float(value), 1.0) for value in values], percent)
    wanted = len(values) * percent / 100
    assert sum(value < found for value in values) < wanted <= sum(value <= found for value in values)


def test_datapoints_come_by_period_and_statistic(tmp_path) -> None:
    world = World(Settings(0, "127.0.0.1", tmp_path, minute_seconds=1, runtime="process"))
    metrics = metrics_of(world)
    for second, value, count in ((0, 0.1, 9), (10, 0.9, 1), (70, 0.3, 1)):
        at = NOON + timedelta(seconds=second)
        metrics.put_statistics(TIMES, at.timestamp(), Statistics(count, value * count, value, value))
    span = Span(NOON, NOON + timedelta(minutes=3), timedelta(minutes=1))
    minute = NOON + timedelta(minutes=1)
    assert datapoints(metrics, TIMES, "p90", span) == [(NOON, 0.1), (minute, 0.3)]
    assert datapoints(metrics, TIMES, "p99", span) == [(NOON, 0.9), (minute, 0.3)]
    assert datapoints(metrics, TIMES, "Maximum", span) == [(NOON, 0.9), (minute, 0.3)]
    assert datapoints(metrics, TIMES, "SampleCount", span) == [(NOON, 10), (minute, 1)]
    with pytest.raises(KeyError):
        datapoints(metrics, TIMES, "tm90", span)
