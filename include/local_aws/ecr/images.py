"""The images of the repositories: a document for each manifest, kept in the store."""

from __future__ import annotations

import json
import threading
from typing import Any

from local_aws.ecr import blobs
from local_aws.world import world

KIND = "ecr.image"
INDEXES = {
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.index.v1+json",
}


_pushing = threading.Lock()
"""Two pushes of one tag come one after the other, so that an immutable tag has one owner."""


class TagTakenError(Exception):
    """The repository's tags are immutable, and this one belongs to another image."""


class MissingPartError(Exception):
    """The manifest names a blob or a manifest that was never pushed; the argument is its digest."""


class GoneError(Exception):
    """The image was deleted meanwhile."""


def push(repository: str, manifest: bytes, media_type: str, tag: str | None, immutable: bool) -> dict[str, Any]:
    """Add a manifest, under a tag or without; returns its document.

    Raises:
        TagTakenError: the tag may not move.
        MissingPartError: a part of the image is not here.
        ValueError: the manifest is no JSON object.
    """
    content = json.loads(manifest)
    if not isinstance(content, dict):
        raise ValueError("a manifest is a JSON object")
    _refuse_incomplete(repository, content)
    with _pushing:
        return _add(repository, manifest, media_type or content.get("mediaType", ""), tag, immutable)


def _add(repository: str, manifest: bytes, media_type: str, tag: str | None, immutable: bool) -> dict[str, Any]:
    digest = blobs.put(manifest)
    holder = tagged(repository, tag) if tag else None
    if holder and holder["digest"] != digest:
        if immutable:
            raise TagTakenError(tag)
        untag(holder, str(tag))
    document = find(repository, digest)
    if document is None:
        document = _new(repository, digest, media_type, manifest)
        world().store.put(KIND, _key(repository, digest), document)
    if tag and tag not in document["tags"]:
        return change(document, tags=[*document["tags"], tag])
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
    """Write changed fields of an image; returns its document. Raises GoneError."""

    def changed(now: dict[str, Any]) -> dict[str, Any]:
        if not now:
            raise GoneError(document["digest"])
        return {**now, **changes}

    return world().store.update(KIND, _key(document["repository"], document["digest"]), changed)


def untag(document: dict[str, Any], tag: str) -> dict[str, Any]:
    """Take one tag from an image; the image stays."""
    return change(document, tags=[each for each in document["tags"] if each != tag])


def manifest(document: dict[str, Any]) -> bytes:
    return blobs.path(document["digest"]).read_bytes()


def labels(document: dict[str, Any]) -> dict[str, str]:
    """The labels in the image's configuration; an index has none."""
    config = json.loads(manifest(document)).get("config", {}).get("digest")
    if not config or not blobs.path(config).exists():
        return {}
    return dict(json.loads(blobs.path(config).read_bytes()).get("config", {}).get("Labels") or {})


def _refuse_incomplete(repository: str, content: dict[str, Any]) -> None:
    parts = [*content.get("layers", []), *([content["config"]] if "config" in content else [])]
    missing = [part["digest"] for part in parts if not blobs.path(part["digest"]).exists()]
    missing += [part["digest"] for part in content.get("manifests", []) if not find(repository, part["digest"])]
    if missing:
        raise MissingPartError(missing[0])


def _new(repository: str, digest: str, media_type: str, manifest: bytes) -> dict[str, Any]:
    content = json.loads(manifest)
    layers = [*content.get("layers", []), *([content["config"]] if "config" in content else [])]
    return {
        "repository": repository,
        "digest": digest,
        "media_type": media_type,
        "tags": [],
        "size": len(manifest) + sum(int(layer.get("size", 0)) for layer in layers),
        "pushed": world().clock.now().timestamp(),
        "scan": None,
    }


def _key(repository: str, digest: str) -> str:
    return f"{repository}@{digest}"
