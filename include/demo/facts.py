"""What AWS itself says of a delivery: what production runs, what was built, how long AWS worked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from demo.clients import LocalAws
from demo.infrastructure import APPLICATION, CLUSTER
from demo.traffic import Step

Interval = tuple[float, float]
"""From and to, in seconds since the epoch."""


@dataclass(frozen=True)
class Facts:
    """Read from AWS after a delivery. `built` is the digest of the commit's image, "" when there is none."""

    built: str
    in_production: str
    steps: tuple[Step, ...]
    aws_seconds: float


def gather(aws: LocalAws, commit: str, began: float, ended: float) -> Facts:
    """The facts of the delivery of a commit that ran from `began` to `ended`; "" where nothing was built."""
    steps = traffic_steps(aws, began)
    work = [*_builds(aws, commit), *_scans(aws, commit), *_deployments(aws, began, ended, steps)]
    return Facts(
        built=_digest(aws, commit),
        in_production=digest_in_production(aws),
        steps=tuple(steps),
        aws_seconds=covered(work, began, ended),
    )


def digest_in_production(aws: LocalAws) -> str:
    """The image digest of the service's primary task set, which all production traffic reaches."""
    service = aws.client("ecs").describe_services(cluster=CLUSTER, services=[APPLICATION])["services"][0]
    primary = next(each for each in service["taskSets"] if each["status"] == "PRIMARY")
    definition = aws.client("ecs").describe_task_definition(taskDefinition=primary["taskDefinition"])
    return str(definition["taskDefinition"]["containerDefinitions"][0]["image"].partition("@")[2])


def traffic_steps(aws: LocalAws, since: float) -> list[Step]:
    """Every change of the production traffic since a moment, from the local AWS's log of effects."""
    steps = []
    for effect in aws.effects("codedeploy", "traffic_shifted"):
        at, params = datetime.fromisoformat(effect["at"]).timestamp(), effect["params"]
        if at >= since and params["route"] == "production":
            steps.append(Step(at, int(params["weights"]["green"])))
    return steps


def covered(intervals: Iterable[Interval], began: float, ended: float) -> float:
    """How many seconds between `began` and `ended` at least one interval covers."""
    total, reached = 0.0, began
    for first, last in sorted(intervals):
        first, last = max(first, reached), min(last, ended)
        if last > first:
            total += last - first
            reached = last
    return total


def _digest(aws: LocalAws, commit: str) -> str:
    ecr = aws.client("ecr")
    if not commit:
        return ""
    try:
        found = ecr.describe_images(repositoryName=APPLICATION, imageIds=[{"imageTag": commit}])
    except ecr.exceptions.ImageNotFoundException:
        return ""
    return str(found["imageDetails"][0]["imageDigest"])


def _builds(aws: LocalAws, commit: str) -> list[Interval]:
    codebuild = aws.client("codebuild")
    ids = codebuild.list_builds_for_project(projectName=APPLICATION)["ids"]
    builds: list[dict[str, Any]] = codebuild.batch_get_builds(ids=ids)["builds"] if ids else []
    return [
        (build["startTime"].timestamp(), build["endTime"].timestamp())
        for build in builds
        if build.get("resolvedSourceVersion") == commit and "endTime" in build
    ]


def _scans(aws: LocalAws, commit: str) -> list[Interval]:
    """From the push of the image to the end of its scan."""
    digest = _digest(aws, commit)
    if not digest:
        return []
    ecr, image = aws.client("ecr"), {"imageDigest": digest}
    pushed = ecr.describe_images(repositoryName=APPLICATION, imageIds=[image])["imageDetails"][0]["imagePushedAt"]
    found = ecr.describe_image_scan_findings(repositoryName=APPLICATION, imageId=image)
    ended = found.get("imageScanFindings", {}).get("imageScanCompletedAt")
    return [(pushed.timestamp(), ended.timestamp())] if ended else []


def _deployments(aws: LocalAws, began: float, ended: float, steps: Sequence[Step]) -> list[Interval]:
    """From its creation to its end, or until all traffic had moved: what comes after holds nobody up."""
    codedeploy = aws.client("codedeploy")
    named = {"applicationName": APPLICATION, "deploymentGroupName": APPLICATION}
    ids = codedeploy.list_deployments(**named)["deployments"]
    infos = (codedeploy.get_deployment(deploymentId=each)["deploymentInfo"] for each in ids)
    moved = steps[-1].at if steps and steps[-1].percent == 100 else ended
    return [
        (
            info["createTime"].timestamp(),
            min(moved, info["completeTime"].timestamp() if "completeTime" in info else ended),
        )
        for info in infos
        if info["createTime"].timestamp() >= began
    ]
