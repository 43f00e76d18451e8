"""What a push sets going: the effect, the event, and the scan."""

from __future__ import annotations

from typing import Any

from local_aws.ecr import scan
from local_aws.world import world


def pushed(document: dict[str, Any], tag: str | None, scan_on_push: bool) -> None:
    """Tell of a pushed image, and queue its scan if the repository scans what is pushed."""
    current = world()
    detail = {
        "result": "SUCCESS",
        "repository-name": document["repository"],
        "image-digest": document["digest"],
        "action-type": "PUSH",
        "image-tag": tag or "",
        "manifest-media-type": document["media_type"],
    }
    if scan_on_push and document["scan"] is None:
        scan.queue(document)
    told = {"repository": document["repository"], "digest": document["digest"], "tag": tag}
    current.effects.record("ecr", "image_pushed", "registry", told)
    current.events.emit("aws.ecr", "ECR Image Action", detail, [scan.repository_arn(document["repository"])])
