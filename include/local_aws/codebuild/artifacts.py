"""What a build leaves in S3: "artifacts" of the buildspec, to where the project says."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local_aws.codebuild.buildspec import Buildspec
from local_aws.world import World


class ArtifactError(Exception):
    """Nothing to upload; the message is CodeBuild's phase context."""

    code = "CLIENT_ERROR"


def upload(of: World, build: Mapping[str, Any], spec: Buildspec, source: Path) -> str:
    """Upload the files, each under its own name or all in one archive; returns the ARN of their place, "" for none.

    Raises ArtifactError.
    """
    to = build.get("_artifacts", {})
    if to.get("type") != "S3" or not spec.artifacts:
        return ""
    files, place = _files(spec, source / spec.base_directory), _place(build, to)
    if to.get("packaging") == "ZIP":
        contents = {place: _zipped(files)}
    else:
        contents = {"/".join(filter(None, (place, name))): path.read_bytes() for name, path in files.items()}
    for key, body in contents.items():
        of.client("s3", "codebuild").put_object(Bucket=to["location"], Key=key, Body=body)
    return f"arn:aws:s3:::{'/'.join(filter(None, (to['location'], place)))}"


def _files(spec: Buildspec, base: Path) -> dict[str, Path]:
    found = [path for pattern in spec.artifacts for path in sorted(base.glob(pattern.lstrip("/"))) if path.is_file()]
    if not found:
        raise ArtifactError(f"no matching artifact paths found: {', '.join(spec.artifacts)}")
    return {path.name if spec.discard_paths else path.relative_to(base).as_posix(): path for path in found}


def _place(build: Mapping[str, Any], to: Mapping[str, Any]) -> str:
    """path/namespace/name; a name of "/" is the folder itself."""
    namespace = str(build["id"]).rpartition(":")[2] if to.get("namespaceType") == "BUILD_ID" else ""
    parts = (to.get("path", ""), namespace, to.get("name") or build["projectName"])
    return "/".join(part.strip("/") for part in parts if part.strip("/"))


def _zipped(files: Mapping[str, Path]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in files.items():
            archive.write(path, name)
    return content.getvalue()
