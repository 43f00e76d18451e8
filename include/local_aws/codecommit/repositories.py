"""The bare repositories on disk, and what git says of them."""

from __future__ import annotations

import os
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from local_aws.world import World, world

KIND = "codecommit.repository"
NAME = re.compile(r"(?!\.)[\w.-]{1,100}(?<!\.git)")
ZEROS = "0" * 40


class GitError(Exception):
    """git refused what was asked; the message is its own."""


def create(name: str, description: str, default_branch: str = "main") -> dict[str, Any]:
    """A new, empty repository; returns its document."""
    path = folder(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    git(path.parent, "init", "--quiet", "--bare", f"--initial-branch={default_branch}", str(path))
    # Airdock fetches one commit by its id, without blobs: forges and CodeCommit allow that.
    for key in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant", "http.receivepack"):
        git(path, "config", key, "true")
    now = datetime.now(UTC).timestamp()
    document = {"name": name, "id": str(uuid4()), "description": description, "created": now, "modified": now}
    world().store.put(KIND, name, document)
    return document


def known(name: str) -> dict[str, Any] | None:
    return world().store.get(KIND, name)


def folder(name: str, of: World | None = None) -> Path:
    """Where a repository lies; `name` has been checked against NAME."""
    return (of or world()).settings.state_dir / "git" / f"{name}.git"


def refs(name: str) -> dict[str, str]:
    """Full ref name to commit id."""
    listed = git(folder(name), "for-each-ref", "--format=%(refname) %(objectname)")
    return dict(line.split(" ", 1) for line in listed.splitlines())


def commit(name: str, sha: str) -> dict[str, str]:
    """Id, tree, parents, author and message of a commit. Raises GitError."""
    fields = "%H%x00%T%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%B"
    told = git(folder(name), "log", "-1", f"--format={fields}", "--end-of-options", sha)
    keys = ("id", "tree", "parents", "author", "author_email", "author_at", "committer", "email", "at", "message")
    return dict(zip(keys, told.rstrip("\n").split("\0"), strict=True))


def git(where: Path, *arguments: str) -> str:
    """The output of a git command. Raises GitError."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(where), "GIT_CONFIG_GLOBAL": os.devnull}
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=where, env=environ, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise GitError(done.stderr.strip() or f"git {arguments[0]} failed")
    return done.stdout
