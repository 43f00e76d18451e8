"""How the vulnerability scan of an image is followed: basic scans of ECR and enhanced ones of Amazon Inspector."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from airdock.aws.faults import error_code, spoken
from airdock.aws.watch.subject import Facts, Lookup
from airdock.plan.scan_gate import WAITING, ScanStatus


class ScannedImage(NamedTuple):
    """One image in ECR by digest; `registry` is an account id, or "" for the caller's own."""

    repository: str
    digest: str
    registry: str = ""

    def to_id(self) -> str:
        """The image as the id of a wait: `[registry:]repository@sha256:...`; neither name can hold a colon."""
        return (f"{self.registry}:" if self.registry else "") + f"{self.repository}@{self.digest}"

    @classmethod
    def from_id(cls, told: str) -> ScannedImage:
        place, _, digest = told.partition("@")
        registry, _, repository = place.rpartition(":")
        return cls(repository, digest, registry)

    def parameters(self) -> dict[str, Any]:
        """The image as ECR's APIs take it."""
        named = {"registryId": self.registry} if self.registry else {}
        return {"repositoryName": self.repository, "imageId": {"imageDigest": self.digest}, **named}


class ScanWatch:
    """Facts of a scan, plain JSON: id, status (a `ScanStatus`), description, counts: {severity: n}.

    Of several images in one repository, one call tells which are still being scanned; only the others are asked for.
    """

    service = "ecr"
    batch = 10

    def read(self, lookup: Lookup, ids: Sequence[str]) -> dict[str, Facts]:
        with spoken("reading the image scan"):
            ecr = lookup("ecr")
            scanned = _being_scanned(ecr, ids)
            return {told: scanned.get(told) or _facts(ecr, told) for told in ids}

    def finished(self, facts: Facts, options: Mapping[str, Any]) -> bool:  # noqa: ARG002 - no options
        # Every other status ends the wait, unknown ones too: the gate blocks what is not plainly good.
        return facts["status"] not in WAITING

    def progress(self, before: Facts | None, now: Facts) -> list[str]:
        if before and (before["status"], before["counts"]) == (now["status"], now["counts"]):
            return []
        counts = ", ".join(f"{count} {severity}" for severity, count in sorted(now["counts"].items()))
        told = "has not begun" if now["status"] == ScanStatus.NOT_FOUND else f"is {now['status']}"
        return [f"scan of {now['id']} {told}" + (f": {counts}" if counts else "")]


def _being_scanned(ecr: Any, ids: Sequence[str]) -> dict[str, Facts]:
    """Facts of those whose scan goes on, as far as one call for a repository's images tells."""
    repositories: dict[tuple[str, str], list[ScannedImage]] = {}
    for image in map(ScannedImage.from_id, ids):
        repositories.setdefault((image.registry, image.repository), []).append(image)
    return {
        image.to_id(): _facts_of(image.to_id(), status, {})
        for images in repositories.values()
        if len(images) > 1
        for image, status in _statuses(ecr, images)
        if status.get("status") in WAITING
    }


def _statuses(ecr: Any, images: Sequence[ScannedImage]) -> Iterator[tuple[ScannedImage, Mapping[str, Any]]]:
    """What DescribeImages tells of scans; nothing where ECR does not know all of the images."""
    from botocore.exceptions import ClientError

    named = {**images[0].parameters(), "imageIds": [{"imageDigest": image.digest} for image in images]}
    del named["imageId"]
    try:
        details = ecr.describe_images(**named)["imageDetails"]
    except ClientError as error:
        if error_code(error) != "ImageNotFoundException":
            raise
        return
    by_digest = {each["imageDigest"]: each.get("imageScanStatus") or {} for each in details}
    yield from ((image, by_digest.get(image.digest, {})) for image in images)


def _facts(client: Any, told: str) -> Facts:
    from botocore.exceptions import ClientError

    try:
        answer = client.describe_image_scan_findings(**ScannedImage.from_id(told).parameters(), maxResults=1)
    except ClientError as error:
        if error_code(error) != "ScanNotFoundException":
            raise
        return _facts_of(told, {"status": str(ScanStatus.NOT_FOUND)}, {})
    counts = (answer.get("imageScanFindings") or {}).get("findingSeverityCounts") or {}
    return _facts_of(told, answer.get("imageScanStatus") or {}, counts)


def _facts_of(told: str, status: Mapping[str, Any], counts: Mapping[str, int]) -> Facts:
    description = status.get("description", "")
    return {"id": told, "status": status.get("status", ""), "description": description, "counts": dict(counts)}
