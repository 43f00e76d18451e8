"""The pipeline files of a DAG bundle: which there are, and which are broken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from airdock.spec import Pipeline, SpecError, Unread, load, unread


def files(folder: Path) -> list[Path]:
    """The pipeline files in a stable order, so that every parse makes the same DAGs."""
    return sorted(path for path in folder.glob("*.yaml"))


def wanted_pipelines(folder: Path, prefix: str, wanted: str | None) -> Iterator[Pipeline]:
    """The sound pipelines whose dag, `prefix` and the application, Airflow asks for; all of them for None.

    Every task run parses its dag's file again, and needs one pipeline of what may be hundreds.
    """
    if wanted is None:
        yield from sound_pipelines(folder)
    elif wanted.startswith(prefix):
        yield from _sound([folder / f"{wanted.removeprefix(prefix)}.yaml"])


def sound_pipelines(folder: Path) -> Iterator[Pipeline]:
    """Every pipeline whose file is in order; the others are `refuse_broken`'s."""
    yield from _sound(files(folder))


def broken_pipelines(folder: Path) -> Iterator[Unread]:
    """What can be told of the files that are not in order."""
    for path in files(folder):
        try:
            load(path)
        except SpecError:
            yield unread(path)


def _sound(paths: Iterable[Path]) -> Iterator[Pipeline]:
    for path in paths:
        try:
            yield load(path)
        except SpecError:
            continue


def refuse_broken(folder: Path) -> None:
    """Raise one SpecError that tells all that is wrong in the folder; return when nothing is."""
    told = [f"{path}: pipeline files end in .yaml: rename it to {path.stem}.yaml" for path in _passed_over(folder)]
    for path in files(folder):
        try:
            load(path)
        except SpecError as error:
            told.append(str(error))
    if told:
        raise BrokenPipelines("\n\n".join(told))


def _passed_over(folder: Path) -> list[Path]:
    """Files that somebody surely means as pipelines, and that are none by their ending."""
    return sorted(path for path in folder.glob("*.[yY]*[mM][lL]") if path.suffix != ".yaml")


class BrokenPipelines(Exception):
    """Some pipeline files can't be used; the message names each problem, its place, and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__("\n" + message)
