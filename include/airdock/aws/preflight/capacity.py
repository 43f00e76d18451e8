"""Whether the account may run another set of tasks, by its quota of Fargate vCPUs.

Quota and usage metric: AWS Fargate service quotas; Amazon CloudWatch User Guide, "AWS usage metrics".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from airdock.aws.hooks import Account
from airdock.aws.preflight.look import looked
from airdock.plan.preflight import Check, unknown
from airdock.plan.preflight_service import check_capacity, vcpus

ON_DEMAND_VCPUS = "L-3032A538"
RECENT = timedelta(minutes=15)


def check_quota(account: Account, definition: Mapping[str, Any], told: Mapping[str, Any], share: float) -> Check:
    """`told`: the service; `share`: how much of another set of its tasks runs beside the old one. Raises Fault."""
    needed = vcpus(definition, told)
    if needed is None:
        return unknown("Fargate vCPUs", "the tasks do not run on Fargate on demand, whose quota is the one looked at")
    return looked("Fargate vCPUs", "servicequotas:GetServiceQuota", partial(_quota, account, needed * share))


def _quota(account: Account, needed: float) -> Check:
    client = account.client("service-quotas")
    quota = client.get_service_quota(ServiceCode="fargate", QuotaCode=ON_DEMAND_VCPUS)["Quota"]
    return check_capacity(needed, float(quota["Value"]), _used(account, quota.get("UsageMetric") or {}))


def _used(account: Account, metric: Mapping[str, Any]) -> float | None:
    """What runs by the quota's own usage metric; None where CloudWatch has nothing of it, or does not tell."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return max(_measured(account, metric), default=None) if metric else None
    except (ClientError, BotoCoreError):
        return None


def _measured(account: Account, metric: Mapping[str, Any]) -> Iterator[float]:
    now = datetime.now(UTC)
    told = account.client("cloudwatch").get_metric_statistics(
        Namespace=metric["MetricNamespace"],
        MetricName=metric["MetricName"],
        Dimensions=[{"Name": name, "Value": value} for name, value in metric["MetricDimensions"].items()],
        StartTime=now - RECENT,
        EndTime=now,
        Period=300,
        Statistics=["Maximum"],
    )
    for point in told["Datapoints"]:
        yield float(point["Maximum"])
