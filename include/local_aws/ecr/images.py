"""The images of the repositories: a document for each manifest, kept in the store."""

from __future__ import annotations

import json
from typing import Any

from local_aws.ecr import blobs
from local_aws.world import world

KIND = "ecr.image"
INDEXES = {
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.index.v1+json",
}


class TagTakenError(Exception):
    """The repository's tags are immutable, and this one belongs to another image."""


def push(repository: str, manifest: bytes, media_type: str, tag: str | None, immutable: bool) -> dict[str, Any]:
    """Add a manifest, under a tag or without; returns its document.

    Raises:
        TagTakenError: the tag may not move.
        ValueError: the manifest is no JSON object.
    """
    content = json.loads(manifest)
    digest = blobs.put(manifest)
    holder = tagged(repository, tag) if tag else None
    if holder and holder["digest"] != digest:
        if immutable:
            raise TagTakenError(tag)
        _change_tags(holder, remove=tag)
    document = find(repository, digest) or _new(repository, digest, media_type, content, len(manifest))
    if tag and tag not in document["tags"]:
        document = {**document, "tags": [*document["tags"], tag]}
    world().store.put(KIND, _key(repository, digest), document)
    return document


def find(repository: str, digest: str) -> dict[str, Any] | None:
    return world().store.get(KIND, _key(repository, digest))


def tagged(repository: str, tag: str) -> dict[str, Any] | None:
    return next((each for each in of_repository(repository) if tag in each["tags"]), None)


def of_repository(repository: str) -> list[dict[str, Any]]:
    return [each for each in world().store.all(KIND) if each["repository"] == repository]


def delete(document: dict[str, Any]) -> None:
    world().store.delete(KIND, _key(document["repository"], document["digest"]))


def change(document: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Write changed fields of an image that is still there; returns its document."""
    key = _key(document["repository"], document["digest"])
    return world().store.update(KIND, key, lambda now: {**now, **changes} if now else None)


def manifest(document: dict[str, Any]) -> bytes:
    return blobs.path(document["digest"]).read_bytes()


def labels(document: dict[str, Any]) -> dict[str, str]:
    """The labels in the image's configuration; an index has none."""
    config = json.loads(manifest(document)).get("config", {}).get("digest")
    if not config or not blobs.path(config).exists():
        return {}
    return dict(json.loads(blobs.path(config).read_bytes()).get("config", {}).get("Labels") or {})


def _new(repository: str, digest: str, media_type: str, content: dict[str, Any], size: int) -> dict[str, Any]:
    layers = [*content.get("layers", []), *([content["config"]] if "config" in content else [])]
    return {
        "repository": repository,
        "digest": digest,
        "media_type": media_type,
        "tags": [],
        "size": size + sum(int(layer.get("size", 0)) for layer in layers),
        "pushed": world().clock.now().timestamp(),
        "scan": None,
    }


def _change_tags(document: dict[str, Any], remove: str | None) -> None:
    change(document, tags=[tag for tag in document["tags"] if tag != remove])


def _key(repository: str, digest: str) -> str:
    return f"{repository}@{digest}"
