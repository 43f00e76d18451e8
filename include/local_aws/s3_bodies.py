"""The bytes of S3 objects, in files of their own, so that a snapshot of S3 stays small."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from moto.s3.models import FakeKey

_UNPICKLED = ("_value_buffer", "lock")
_FILE = "local_aws_body_file"


def _restored_key(folder: str, state: dict[str, Any]) -> FakeKey:
    """An object with its body read back from its file."""
    key: Any = FakeKey.__new__(FakeKey)
    key.__setstate__({**state, "value": (Path(folder) / state[_FILE]).read_bytes()})
    restored: FakeKey = key
    return restored


class S3Bodies:
    """Writes each object's body once: moto never changes a body, it replaces the object."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    def reduced(self, key: FakeKey) -> tuple[Any, ...]:
        """How to pickle an object: its attributes, and the name of the file with its body."""
        if _FILE not in vars(key):
            setattr(key, _FILE, self._written(key))
        state = {name: value for name, value in vars(key).items() if name not in _UNPICKLED}
        return _restored_key, (str(self._folder), state)

    def sweep(self, kept: set[str]) -> None:
        """Delete the bodies of objects that are no more."""
        for file in self._folder.iterdir():
            if file.name not in kept:
                file.unlink()

    def _written(self, key: FakeKey) -> str:
        name = uuid.uuid4().hex
        (self._folder / name).write_bytes(b"" if key.disposed else key.value)
        return name


def body_files() -> set[str]:
    """The files of all objects in memory."""
    tracked: Any = FakeKey  # moto gives the class this list of its instances while it runs
    return {vars(key)[_FILE] for key in tracked.instances_tracked if _FILE in vars(key)}
