"""What a build leaves in S3: "artifacts" of the buildspec, to where the project says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local_aws.codebuild.buildspec import Buildspec
from local_aws.world import World


def upload(of: World, build: Mapping[str, Any], spec: Buildspec, source: Path) -> tuple[str, str]:
    """Upload the files, each under its own name; returns the phase's status and message."""
    to = build.get("_artifacts", {})
    if to.get("type") != "S3" or not spec.artifacts:
        return "SUCCEEDED", ""
    base = source / spec.base_directory
    found = [path for pattern in spec.artifacts for path in sorted(base.glob(pattern)) if path.is_file()]
    if not found:
        return "FAILED", f"CLIENT_ERROR: no matching artifact paths found: {', '.join(spec.artifacts)}"
    prefix = "/".join(part.strip("/") for part in (to.get("path", ""), to.get("name", "")) if part and part != "/")
    for path in found:
        key = "/".join(part for part in (prefix, path.relative_to(base).as_posix()) if part)
        of.client("s3", "codebuild").put_object(Bucket=to["location"], Key=key, Body=path.read_bytes())
    return "SUCCEEDED", ""
