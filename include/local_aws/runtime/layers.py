"""Unpacks image layers, trusting none of them: nothing is written outside the root, whatever a layer says."""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from local_aws.runtime.container import CannotPullError

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
MOST_BYTES = 4 << 30


class _Stream(io.RawIOBase):
    """A readable file over chunks of bytes."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = chunk
        taken = self._rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)


def unpack(chunks: Iterable[bytes], root: Path) -> None:
    """Apply one layer (tar, plain or compressed) on a root directory.

    Devices and links out of the root are left out. Raises CannotPullError for a layer that is damaged, too large, or
    that names a file outside the root.
    """
    root.mkdir(parents=True, exist_ok=True)
    stream = iter(chunks)
    try:
        with tarfile.open(fileobj=io.BufferedReader(_Stream(stream)), mode="r|*") as archive:
            _apply(archive, root)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise CannotPullError(f"failed to extract layer: {error}") from error
    for _ in stream:
        """What follows the archive's end counts for its digest, which the source checks once all was read."""


def _apply(archive: tarfile.TarFile, root: Path) -> None:
    left_bytes = MOST_BYTES
    for member in archive:
        left_bytes -= member.size
        if left_bytes < 0:
            raise CannotPullError(f"failed to extract layer: more than {MOST_BYTES} bytes")
        name = PurePosixPath(member.name)
        if name.name.startswith(_WHITEOUT):
            _take_away(root, name)
        elif _fits(member, root):
            _clear(member, root)
            archive.extract(member, root, filter="data")


def _fits(member: tarfile.TarInfo, root: Path) -> bool:
    """Whether a member may be written; a path out of the root raises tarfile.OutsideDestinationError."""
    try:
        tarfile.data_filter(member, str(root))
    except (tarfile.AbsoluteLinkError, tarfile.LinkOutsideDestinationError, tarfile.SpecialFileError):
        return False
    return True


def _clear(member: tarfile.TarInfo, root: Path) -> None:
    """A file of a higher layer replaces what a lower one had there."""
    there = root / member.name.lstrip("/")
    if there.is_symlink() or (there.exists() and not (there.is_dir() and member.isdir())):
        _delete(there)


def _take_away(root: Path, whiteout: PurePosixPath) -> None:
    parent = (root / str(whiteout.parent).lstrip("/")).resolve()
    if not parent.is_relative_to(root.resolve()) or not parent.is_dir():
        return
    gone = parent.iterdir() if whiteout.name == _OPAQUE else [parent / whiteout.name.removeprefix(_WHITEOUT)]
    for path in list(gone):
        _delete(path)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
