"""What a push sets going: the effect, the event, and the scan."""

from __future__ import annotations

from typing import Any

from local_aws.ecr import images, scan
from local_aws.world import world


def pushed(document: dict[str, Any], tag: str | None, scan_on_push: bool) -> None:
    """Tell of a pushed image, and queue its scan if the repository scans what is pushed."""
    if scan_on_push and document["scan"] is None and document["media_type"] not in images.INDEXES:
        scan.queue(document)
    told = {"repository": document["repository"], "digest": document["digest"], "tag": tag}
    world().effects.record("ecr", "image_pushed", "registry", told)
    _tell(document, tag, "PUSH")


def deleted(document: dict[str, Any], tag: str | None) -> None:
    """Tell of an image, or of one of its tags, that is gone."""
    _tell(document, tag, "DELETE")


def _tell(document: dict[str, Any], tag: str | None, action: str) -> None:
    detail = {
        "result": "SUCCESS",
        "repository-name": document["repository"],
        "image-digest": document["digest"],
        "action-type": action,
        "image-tag": tag or "",
        "manifest-media-type": document["media_type"],
    }
    world().events.emit("aws.ecr", "ECR Image Action", detail, [scan.repository_arn(document["repository"])])
