"""Images in ECR, always by digest: a tag may move between two looks, a digest can't."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airdock.aws.faults import error_code, spoken
from airdock.aws.hooks import Account
from airdock.errors import Refused
from airdock.release import Image

INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")


@dataclass(frozen=True, slots=True)
class Repository:
    """An ECR repository; `registry` is an account id, or "" for the caller's own."""

    name: str
    account: Account
    registry: str = ""

    def parameters(self) -> dict[str, str]:
        return {"repositoryName": self.name, **({"registryId": self.registry} if self.registry else {})}


def image(repository: Repository, digest: str) -> Mapping[str, Any] | None:
    """ECR's own detail of the image, or None when the repository does not have it (any more).

    Raises:
        Refused: there is no such repository, or AWS refuses the look.
        Fault: out of reach.
    """
    from botocore.exceptions import ClientError

    with spoken(f"asking ECR for {repository.name}@{digest}"):
        try:
            answer = repository.account.client("ecr").describe_images(
                **repository.parameters(), imageIds=[{"imageDigest": digest}]
            )
        except ClientError as error:
            if error_code(error) == "ImageNotFoundException":
                return None
            raise
    found: list[Mapping[str, Any]] = answer["imageDetails"]
    return found[0] if found else None


def record(repository: Repository, detail: Mapping[str, Any]) -> Image:
    """The image's record, with the registry's address as ECR gives it. Raises Refused or Fault."""
    named = {"registryId": repository.registry} if repository.registry else {}
    with spoken(f"asking ECR for the repository {repository.name}"):
        answer = repository.account.client("ecr").describe_repositories(repositoryNames=[repository.name], **named)
    registry, _, name = answer["repositories"][0]["repositoryUri"].partition("/")
    return Image(registry, name, detail["imageDigest"], next(iter(detail.get("imageTags", [])), ""))


def platform_image(repository: Repository, digest: str, platform: str) -> str:
    """The digest that is scanned and run on `platform` (`linux/amd64`): the image itself, or its part of an index.

    Raises:
        Refused: ECR does not have the image, or it has nothing for this platform.
        Fault: out of reach.
    """
    with spoken(f"asking ECR for the manifest of {repository.name}@{digest}"):
        answer = repository.account.client("ecr").batch_get_image(
            **repository.parameters(), imageIds=[{"imageDigest": digest}], acceptedMediaTypes=[*INDEXES, *MANIFESTS]
        )
    if not answer["images"]:
        raise Refused(f"ECR does not have {repository.name}@{digest}")
    return part_for(platform, answer["images"][0]["imageManifest"], digest)


def part_for(platform: str, manifest: str, digest: str) -> str:
    """The digest for `platform` (`os/architecture[/variant]`) in a manifest; `digest` itself when it is no index.

    Raises:
        Refused: the index has nothing for the platform; what it has is told.
    """
    content = json.loads(manifest)
    if "manifests" not in content:
        return digest
    parts = {_platform(part): str(part["digest"]) for part in content["manifests"]}
    for name, part in parts.items():
        if name == platform or name.startswith(f"{platform}/"):
            return part
    offered = ", ".join(sorted(name for name in parts if "unknown" not in name)) or "none"
    raise Refused(f"the image {digest} has no part for {platform}; it has {offered}")


def _platform(part: Mapping[str, Any]) -> str:
    told = part.get("platform") or {}
    names = (told.get("os", "unknown"), told.get("architecture", "unknown"), told.get("variant", ""))
    return "/".join(name for name in names if name)
