"""The bare repositories on disk, and what git says of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from local_aws.world import World, world

KIND = "codecommit.repository"
NAME = re.compile(r"(?!\.)[\w.-]{1,100}(?<!\.git)")
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""git's name for a tree without files."""


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


def remove(name: str) -> dict[str, Any] | None:
    """Delete a repository; its document, or None for one that was not there."""
    document = known(name)
    if document:
        world().store.delete(KIND, name)
        shutil.rmtree(folder(name))
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


@dataclass(frozen=True)
class Change:
    """A file that differs: git's letter for how, and mode and blob on both sides."""

    path: str
    kind: str
    before: tuple[str, str]
    after: tuple[str, str]


def changes(name: str, before: str, after: str) -> list[Change]:
    """The files that differ between two commits; all files of `after` when `before` is "". Raises GitError."""
    repository = folder(name)
    sides = [_resolved(repository, each) if each else EMPTY_TREE for each in (before, after)]
    told = git(repository, "diff-tree", "-r", "-z", "--no-renames", "--raw", *sides).split("\0")
    return [_change(head, path) for head, path in zip(told[::2], told[1::2], strict=False)]


def _resolved(repository: Path, specifier: str) -> str:
    return git(repository, "rev-parse", "--verify", "--end-of-options", f"{specifier}^{{commit}}").strip()


def _change(head: str, path: str) -> Change:
    """From `:100644 100644 <blob> <blob> M`."""
    old_mode, new_mode, old, new, kind = head.removeprefix(":").split()
    return Change(path, kind, (old_mode, old), (new_mode, new))


def git(where: Path, *arguments: str) -> str:
    """The output of a git command. Raises GitError."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(where), "GIT_CONFIG_GLOBAL": os.devnull}
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=where, env=environ, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise GitError(done.stderr.strip() or f"git {arguments[0]} failed")
    return done.stdout
