"""Bringing a build's source: a git repository at its version, or an archive in S3."""

from __future__ import annotations

import io
import os
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local_aws.codecommit.git_http import PREFIX
from local_aws.world import World


class SourceError(Exception):
    """The source is not to be had; the message is CodeBuild's phase context."""


def fetch(of: World, source: Mapping[str, Any], version: str, to: Path) -> str:
    """Put the source into the empty folder `to`; returns the version that it is. Raises SourceError."""
    if source["type"] == "NO_SOURCE":
        return ""
    if source["type"] == "S3":
        return _archive(of, source["location"], to)
    if source["type"] in ("CODECOMMIT", "GITHUB", "GITHUB_ENTERPRISE", "BITBUCKET", "GITLAB", "GITLAB_SELF_MANAGED"):
        return _clone(_address(of, source), version, to)
    raise SourceError(f"the local CodeBuild has no source of type {source['type']}")


def _address(of: World, source: Mapping[str, Any]) -> str:
    """AWS's own address of a CodeCommit repository leads to the one here."""
    location = str(source["location"])
    if source["type"] == "CODECOMMIT":
        return f"{of.settings.endpoint}{PREFIX}{location.rpartition('/')[2]}"
    return location


def _clone(address: str, version: str, to: Path) -> str:
    _git(to, "clone", "--quiet", "--no-checkout", "--", address, ".")
    for candidate in (version, f"origin/{version}") if version else ("origin/HEAD",):
        try:
            found = _git(to, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{candidate}^{{commit}}").strip()
        except SourceError:
            continue
        _git(to, "checkout", "--quiet", "--detach", found)
        return found
    raise SourceError(f"reference not found for primary source and source version {version}")


def _git(where: Path, *arguments: str) -> str:
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(where.parent),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=where, env=environ, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise SourceError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


def _archive(of: World, location: str, to: Path) -> str:
    bucket, _, key = location.removeprefix("arn:aws:s3:::").partition("/")
    client = of.client("s3", "codebuild")
    try:
        found = client.get_object(Bucket=bucket, Key=key)
    except client.exceptions.ClientError as error:
        raise SourceError(f"{location}: {error}") from None
    with zipfile.ZipFile(io.BytesIO(found["Body"].read())) as archive:
        archive.extractall(to)
    return str(found.get("VersionId", ""))
