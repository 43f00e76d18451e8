"""What AWS itself says of a delivery: what production runs, what was built, how long AWS worked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
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


def gather(aws: LocalAws, commit: str, began: float, ended: float, application: str = APPLICATION) -> Facts:
    """The facts of the delivery of a commit that ran from `began` to `ended`; "" where nothing was built."""
    infos = deployments(aws, application, began, ended)
    steps = traffic_steps(aws, began, [info["deploymentId"] for info in infos])
    work = [
        *(
            (build["startTime"].timestamp(), _moment(build, "endTime", ended))
            for build in builds(aws, commit, application)
        ),
        *_scans(aws, commit, application, ended),
        *_shifts(infos, steps, ended),
    ]
    return Facts(
        built=_digest(aws, commit, application),
        in_production=digest_in_production(aws, application),
        steps=tuple(steps),
        aws_seconds=covered(work, began, ended),
    )


def digest_in_production(aws: LocalAws, application: str = APPLICATION) -> str:
    """The image digest of the service's primary task set, which all production traffic reaches."""
    service = aws.client("ecs").describe_services(cluster=CLUSTER, services=[application])["services"][0]
    primary = next(each for each in service["taskSets"] if each["status"] == "PRIMARY")
    definition = aws.client("ecs").describe_task_definition(taskDefinition=primary["taskDefinition"])
    return str(definition["taskDefinition"]["containerDefinitions"][0]["image"].partition("@")[2])


def traffic_steps(aws: LocalAws, since: float, of: Collection[str] | None = None) -> list[Step]:
    """Every change of the production traffic since a moment, from the local AWS's log of effects.

    `of`: by these deployments alone; None for all.
    """
    steps = []
    for effect in aws.effects("codedeploy", "traffic_shifted"):
        at, params = datetime.fromisoformat(effect["at"]).timestamp(), effect["params"]
        asked = of is None or params["deploymentId"] in of
        if asked and at >= since and params["route"] == "production":
            steps.append(Step(at, int(params["weights"]["green"])))
    return steps


def builds(aws: LocalAws, commit: str, application: str = APPLICATION) -> list[dict[str, Any]]:
    """Every build of a commit, as CodeBuild tells it."""
    codebuild = aws.client("codebuild")
    ids = codebuild.list_builds_for_project(projectName=application)["ids"]
    found: list[dict[str, Any]] = codebuild.batch_get_builds(ids=ids)["builds"] if ids else []
    return [build for build in found if build.get("resolvedSourceVersion") == commit]


def deployments(aws: LocalAws, application: str, began: float, ended: float) -> list[dict[str, Any]]:
    """Every deployment that was created between two moments, as CodeDeploy tells it."""
    codedeploy = aws.client("codedeploy")
    ids = codedeploy.list_deployments(applicationName=application, deploymentGroupName=application)["deployments"]
    infos = (dict(codedeploy.get_deployment(deploymentId=each)["deploymentInfo"]) for each in ids)
    return [info for info in infos if began <= info["createTime"].timestamp() <= ended]


def covered(intervals: Iterable[Interval], began: float, ended: float) -> float:
    """How many seconds between `began` and `ended` at least one interval covers."""
    total, reached = 0.0, began
    for first, last in sorted(intervals):
        first, last = max(first, reached), min(last, ended)
        if last > first:
            total += last - first
            reached = last
    return total


def _digest(aws: LocalAws, commit: str, application: str) -> str:
    ecr = aws.client("ecr")
    if not commit:
        return ""
    try:
        found = ecr.describe_images(repositoryName=application, imageIds=[{"imageTag": commit}])
    except ecr.exceptions.ImageNotFoundException:
        return ""
    return str(found["imageDetails"][0]["imageDigest"])


def _scans(aws: LocalAws, commit: str, application: str, ended: float) -> list[Interval]:
    """From the push of the image to the end of its scan."""
    digest = _digest(aws, commit, application)
    if not digest:
        return []
    ecr, image = aws.client("ecr"), {"imageDigest": digest}
    pushed = ecr.describe_images(repositoryName=application, imageIds=[image])["imageDetails"][0]["imagePushedAt"]
    try:
        found = ecr.describe_image_scan_findings(repositoryName=application, imageId=image)
    except ecr.exceptions.ScanNotFoundException:  # not taken up yet
        found = {}
    return [(pushed.timestamp(), _moment(found.get("imageScanFindings", {}), "imageScanCompletedAt", ended))]


def _shifts(infos: Iterable[Mapping[str, Any]], steps: Sequence[Step], ended: float) -> list[Interval]:
    """From a deployment's creation to its end, or until all traffic had moved: what comes after holds nobody up."""
    moved = steps[-1].at if steps and steps[-1].percent == 100 else ended
    return [(info["createTime"].timestamp(), min(moved, _moment(info, "completeTime", ended))) for info in infos]


def _moment(told: Mapping[str, Any], name: str, otherwise: float) -> float:
    """A time that AWS tells, seconds since the epoch; `otherwise` while it tells none."""
    return float(told[name].timestamp()) if name in told else otherwise
