"""Bringing a build's source: a git repository at its version, or an archive in S3."""

from __future__ import annotations

import io
import os
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local_aws.codecommit import git_http
from local_aws.world import World

GIT_SECONDS = 300


class SourceError(Exception):
    """The source is not to be had; the message is CodeBuild's phase context."""

    code = "CLIENT_ERROR"


def fetch(of: World, source: Mapping[str, Any], version: str, to: Path) -> str:
    """Put the source into the empty folder `to`; returns the version that it is. Raises SourceError."""
    if source["type"] == "NO_SOURCE":
        return ""
    if not source.get("location"):
        raise SourceError(f"a source of type {source['type']} needs a location")
    if source["type"] == "S3":
        return _archive(of, source["location"], to)
    if source["type"] in ("CODECOMMIT", "GITHUB", "GITHUB_ENTERPRISE", "BITBUCKET", "GITLAB", "GITLAB_SELF_MANAGED"):
        return _clone(_address(of, source), version, to, _login(of))
    raise SourceError(f"the local CodeBuild has no source of type {source['type']}")


def _address(of: World, source: Mapping[str, Any]) -> str:
    """AWS's own address of a CodeCommit repository leads to the one here."""
    location = str(source["location"])
    if source["type"] == "CODECOMMIT":
        return f"{of.settings.endpoint}{git_http.PREFIX}{location.rpartition('/')[2]}"
    return location


def _login(of: World) -> dict[str, str]:
    """For git, the header that the repositories here want, and only they get."""
    settings = {"GIT_CONFIG_KEY_0": f"http.{of.settings.endpoint}/.extraHeader"}
    header = git_http.login()
    return {"GIT_CONFIG_COUNT": "1", **settings, "GIT_CONFIG_VALUE_0": f"Authorization: {header}"} if header else {}


def _clone(address: str, version: str, to: Path, login: Mapping[str, str]) -> str:
    _git(to, "clone", "--quiet", "--no-checkout", "--", address, ".", environment=login)
    for candidate in (version, f"origin/{version}") if version else ("origin/HEAD",):
        try:
            found = _git(to, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{candidate}^{{commit}}").strip()
        except SourceError:
            continue
        _git(to, "checkout", "--quiet", "--detach", found)
        return found
    raise SourceError(f"reference not found for primary source and source version {version}")


def _git(where: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(where.parent),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        **(environment or {}),
    }
    command = ["git", *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - git, with arguments that can't be taken for options
            command, cwd=where, env=environ, capture_output=True, text=True, timeout=GIT_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise SourceError(f"git {arguments[0]}: no end after {GIT_SECONDS} seconds") from None
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
    try:
        with zipfile.ZipFile(io.BytesIO(found["Body"].read())) as archive:
            archive.extractall(to)
    except zipfile.BadZipFile as error:
        raise SourceError(f"{location}: {error}") from None
    return str(found.get("VersionId", ""))
