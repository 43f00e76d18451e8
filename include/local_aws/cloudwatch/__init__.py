"""CloudWatch: metrics, and alarms that are evaluated over the scaled clock."""

from collections.abc import Mapping

from local_aws.cloudwatch.alarms import start
from local_aws.cloudwatch.metrics import Series, Statistics, metrics_of
from local_aws.cloudwatch.response import CloudWatchResponse
from local_aws.service import Service
from local_aws.world import world

SERVICE = Service(name="monitoring", response=CloudWatchResponse, start=start)


def put(namespace: str, metric: str, dimensions: Mapping[str, str], value: float, count: int = 1) -> None:
    """Write a value that a part has measured so often, at this moment, in the home region."""
    current = world()
    series = Series.of(current.settings.region, namespace, metric, dimensions)
    measured = Statistics(count, value * count, value, value)
    metrics_of(current).put_statistics(series, current.clock.now().timestamp(), measured)
