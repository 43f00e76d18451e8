"""A simulated AWS: jobs that end at known times, and buckets of calls by account and API, as AWS throttles.

Of the rates only ECS's are published ("Request throttling for the Amazon ECS API": 20 of each family of reads a second,
sustained). The others are assumptions on the cautious side of what callers report.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

BEGUN = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Rate:
    """So many calls a second, with a burst; whether AWS says so."""

    calls_per_second: float
    burst: float
    published: bool = False


RATES = {
    "codebuild": Rate(5, 10),
    "codedeploy": Rate(5, 10),
    "ecr": Rate(10, 20),
    "ecs": Rate(20, 50, published=True),
}


@dataclass
class Bucket:
    """The calls of one action in one account."""

    rate: Rate
    tokens: float = 0.0
    filled_at: float = 0.0
    made: int = 0
    refused: int = 0
    by_minute: Counter[int] = field(default_factory=Counter)

    def take(self, now: float) -> bool:
        self.tokens = min(self.rate.burst, self.tokens + (now - self.filled_at) * self.rate.calls_per_second)
        self.filled_at = now
        self.made += 1
        self.by_minute[int(now // 60)] += 1
        if self.tokens < 1:
            self.refused += 1
            return False
        self.tokens -= 1
        return True


class SimulatedAws:
    """All accounts. `ends`: when each job is over; the clock is the simulation's."""

    def __init__(self) -> None:
        self.now = 0.0
        self.ends: dict[str, float] = {}
        self.buckets: dict[tuple[str, str, str], Bucket] = {}

    def client(self, account: str, service: str) -> Any:
        """What stands for boto3's client of a service in one account."""
        return _CLIENTS[service](self, account)

    def unlimited(self, account: str, service: str) -> Any:
        """A client whose calls neither count nor are throttled."""
        client = self.client(account, service)
        client._call = lambda _: None
        return client

    def call(self, account: str, service: str, action: str) -> None:
        """Count a call. Raises ClientError where AWS would throttle it."""
        key = (account, service, action)
        bucket = self.buckets.get(key)
        if bucket is None:
            bucket = self.buckets[key] = Bucket(RATES[service], RATES[service].burst, self.now)
        if not bucket.take(self.now):
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, action)

    def count_from_now(self) -> None:
        for bucket in self.buckets.values():
            bucket.made, bucket.refused, bucket.by_minute = 0, 0, Counter()

    def over(self, job: str) -> bool:
        return self.ends[job] <= self.now

    @property
    def date(self) -> datetime:
        return BEGUN + timedelta(seconds=self.now)


class _Client:
    service = ""

    def __init__(self, aws: SimulatedAws, account: str) -> None:
        self.aws = aws
        self._call: Callable[[str], None] = partial(aws.call, account, self.service)

    def dated(self) -> dict[str, Any]:
        """The part of an answer that tells when AWS gave it."""
        return {"ResponseMetadata": {"HTTPHeaders": {"date": format_datetime(self.aws.date, usegmt=True)}}}


class _CodeBuild(_Client):
    service = "codebuild"

    def batch_get_builds(self, ids: list[str]) -> dict[str, Any]:
        self._call("BatchGetBuilds")
        return {"builds": [self._build(each) for each in ids]}

    def _build(self, job: str) -> dict[str, Any]:
        over = self.aws.over(job)
        return {"id": job, "buildStatus": "SUCCEEDED" if over else "IN_PROGRESS", "buildComplete": over}


class _CodeDeploy(_Client):
    service = "codedeploy"

    def batch_get_deployments(self, deploymentIds: list[str]) -> dict[str, Any]:
        self._call("BatchGetDeployments")
        infos = [
            {"deploymentId": each, "status": "Succeeded" if self.aws.over(each) else "InProgress"}
            for each in deploymentIds
        ]
        return {"deploymentsInfo": infos, **self.dated()}

    def list_deployment_targets(self, deploymentId: str) -> dict[str, Any]:  # noqa: ARG002
        self._call("ListDeploymentTargets")
        return {"targetIds": ["cluster:service"]}

    def batch_get_deployment_targets(self, deploymentId: str, targetIds: list[str]) -> dict[str, Any]:  # noqa: ARG002
        self._call("BatchGetDeploymentTargets")
        return {"deploymentTargets": []}


class _Ecs(_Client):
    service = "ecs"

    def describe_service_deployments(self, serviceDeploymentArns: list[str]) -> dict[str, Any]:
        self._call("DescribeServiceDeployments")
        return {"serviceDeployments": [self._rollout(each) for each in serviceDeploymentArns], **self.dated()}

    def _rollout(self, job: str) -> dict[str, Any]:
        return {
            "serviceDeploymentArn": job,
            "serviceArn": f"service/{job}",
            "clusterArn": f"cluster/{sum(job.encode()) % 5}",
            "status": "SUCCESSFUL" if self.aws.over(job) else "IN_PROGRESS",
            "targetServiceRevision": {"arn": f"revision/{job}"},
        }

    def describe_service_revisions(self, serviceRevisionArns: list[str]) -> dict[str, Any]:
        self._call("DescribeServiceRevisions")
        told = [{"serviceRevisionArn": each, "taskDefinition": f"of {each}"} for each in serviceRevisionArns]
        return {"serviceRevisions": told}

    def describe_services(self, cluster: str, services: list[str]) -> dict[str, Any]:  # noqa: ARG002
        self._call("DescribeServices")
        return {
            "services": [
                {"serviceArn": each, "deployments": [{"taskDefinition": f"of revision/{each.partition('/')[2]}"}]}
                for each in services
            ]
        }

    def list_service_deployments(self, cluster: str, service: str) -> dict[str, Any]:  # noqa: ARG002
        self._call("ListServiceDeployments")
        return {"serviceDeployments": []}


class _Ecr(_Client):
    service = "ecr"

    def describe_image_scan_findings(self, imageId: dict[str, str], **_: Any) -> dict[str, Any]:
        self._call("DescribeImageScanFindings")
        over = self.aws.over(imageId["imageDigest"])
        return {"imageScanStatus": {"status": "COMPLETE" if over else "IN_PROGRESS"}}


_CLIENTS: dict[str, Callable[[SimulatedAws, str], Any]] = {
    "codebuild": _CodeBuild,
    "codedeploy": _CodeDeploy,
    "ecr": _Ecr,
    "ecs": _Ecs,
}


def busiest(aws: SimulatedAws) -> dict[str, tuple[float, Bucket]]:
    """By action: the highest share of its rate that any account used in a minute, and that account's bucket."""
    found: dict[str, tuple[float, Bucket]] = defaultdict(lambda: (0.0, Bucket(Rate(1, 1))))
    for (_, service, action), bucket in aws.buckets.items():
        share = max(bucket.by_minute.values(), default=0) / 60 / bucket.rate.calls_per_second
        found[f"{service} {action}"] = max(found[f"{service} {action}"], (share, bucket), key=lambda each: each[0])
    return dict(found)
