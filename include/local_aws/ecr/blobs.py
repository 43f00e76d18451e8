"""The registry's content on disk: each blob under its own digest, an upload under its id until it is whole."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from uuid import uuid4

from local_aws.world import world

DIGEST = r"sha256:[0-9a-f]{64}"


class DigestMismatchError(Exception):
    """What arrived is not what the client said it would send."""


def path(digest: str) -> Path:
    """Where a blob lies. Raises ValueError for what is no digest: manifests may name anything."""
    if not re.fullmatch(DIGEST, digest):
        raise ValueError(f"not a sha256 digest: {digest!r}")
    return _root() / "blobs" / digest.replace(":", "-")


def begin() -> str:
    upload = uuid4().hex
    _upload(upload).write_bytes(b"")
    return upload


def received(upload: str) -> int | None:
    """How many bytes of an upload are here; None for an unknown one."""
    file = _upload(upload)
    return file.stat().st_size if file.exists() else None


def append(upload: str, content: bytes) -> int:
    with _upload(upload).open("ab") as file:
        file.write(content)
        return file.tell()


def finish(upload: str, digest: str) -> None:
    """Make an upload the blob of that digest. Raises DigestMismatchError."""
    file = _upload(upload)
    with file.open("rb") as content:
        found = "sha256:" + hashlib.file_digest(content, "sha256").hexdigest()
    if found != digest:
        file.unlink()
        raise DigestMismatchError(f"the content is {found}, not {digest}")
    path(digest).parent.mkdir(parents=True, exist_ok=True)
    file.replace(path(digest))


def put(content: bytes) -> str:
    """Store a blob; returns its digest."""
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    upload = begin()
    append(upload, content)
    finish(upload, digest)
    return digest


def _upload(upload: str) -> Path:
    folder = _root() / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / upload


def _root() -> Path:
    return world().settings.state_dir / "ecr"
