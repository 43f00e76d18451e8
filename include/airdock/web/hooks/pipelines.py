"""The pipelines as their files say now, read again only when a file has changed."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path

from airdock.errors import Fault
from airdock.spec import Pipeline, SpecError, Unread, load, unread

FOLDER_VARIABLE = "AIRDOCK_PIPELINES"
"""Where the pipeline files are, when they are not in `pipelines/` of Airflow's dags folder."""

log = logging.getLogger(__name__)

Stamp = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Folder:
    """The pipelines of a folder, and the files that can't be used now and never could while this process lived."""

    pipelines: list[Pipeline]
    broken: list[Unread]


class Pipelines:
    """All pipelines of a folder. A file that is broken keeps its last sound meaning."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, tuple[Stamp, Pipeline | None]] = {}

    def now(self) -> list[Pipeline]:
        """The pipelines, in the order of their names. Raises Fault as `look` does."""
        return self.look().pipelines

    def look(self) -> Folder:
        """The pipelines, and what is broken, in the order of their names.

        Raises:
            Fault: there is no such folder, which is not the same as one without pipelines.
        """
        if not self._folder.is_dir():
            raise Fault(f"there is no folder {self._folder} here: name it in {FOLDER_VARIABLE}")
        self._read = {path: self._renewed(path) for path in sorted(self._folder.glob("*.yaml"))}
        sound = [pipeline for _, pipeline in self._read.values() if pipeline is not None]
        return Folder(sound, [unread(path) for path, (_, pipeline) in self._read.items() if pipeline is None])

    def _renewed(self, path: Path) -> tuple[Stamp, Pipeline | None]:
        before = self._read.get(path)
        try:
            found = path.stat()
            stamp = (found.st_mtime_ns, found.st_size)
            return before if before and before[0] == stamp else (stamp, load(path))
        except (OSError, SpecError) as error:
            log.warning("%s can't be used now: %s", path, error)
            return (0, 0), before[1] if before else None


def folder() -> Path:
    """Where this Airflow's pipeline files are."""
    from airflow.configuration import conf

    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else Path(conf.get("core", "dags_folder")) / "pipelines"
