"""From a file that a team writes to a Pipeline or a ReleaseTrain, or to everything that is wrong with it."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from airdock.spec.complaint import problems_of
from airdock.spec.document import LARGEST_BYTES, Unreadable, read
from airdock.spec.pipeline import Pipeline
from airdock.spec.problem import Place, Problem, SpecError
from airdock.spec.release_train import ReleaseTrain
from airdock.spec.words import Part

P = TypeVar("P", bound=Part)

MOST_KNOWN = 5000
"""How many pipelines a process remembers by their files' bytes, of about 10 KB each."""


def load(path: str | os.PathLike[str]) -> Pipeline:
    """Read a pipeline file; its name without `.yaml` must be the application's, so that no two can have the same.

    Raises:
        SpecError: the file can't be used; all problems are told at once.
    """
    file = Path(path)
    raw = _bytes_of(file)
    pipeline = parse(raw, str(file))
    if pipeline.application != file.stem:
        raise SpecError(str(file), [_other_name(read(raw).place(("application",)), pipeline.application, file)])
    return pipeline


def parse(raw: bytes | str, file: str = "pipeline") -> Pipeline:
    """The pipeline in a file's bytes; `file` is its name in what is said.

    Raises:
        SpecError: the text can't be used; all problems are told at once.
    """
    try:
        return _pipeline(raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw)
    except SpecError as error:
        raise SpecError(file, list(error.problems)) from None


@lru_cache(MOST_KNOWN)
def _pipeline(raw: bytes) -> Pipeline:
    """The same bytes mean the same pipeline, wherever they lie; what is refused is not remembered."""
    return _parsed(raw, "", Pipeline)


def load_train(path: str | os.PathLike[str]) -> ReleaseTrain:
    """Read the release train's own file.

    Raises:
        SpecError: the file can't be used; all problems are told at once.
    """
    return _parsed(_bytes_of(Path(path)), str(path), ReleaseTrain)


def place_in(path: str | os.PathLike[str], *keys: str | int) -> Place:
    """Where a setting stands in a file that was loaded, for a problem that only several files together have."""
    return read(_bytes_of(Path(path))).place(keys)


def _bytes_of(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(LARGEST_BYTES + 1)
    except OSError as error:
        problem = Problem(Place(), "", f"the file can't be opened: {error.strerror or error}", "")
        raise SpecError(str(file), [problem]) from None


def _parsed(raw: bytes, file: str, model: type[P]) -> P:
    try:
        document = read(raw)
    except Unreadable as error:
        raise SpecError(file, [error.problem]) from None
    try:
        return model.model_validate(document.content)
    except ValidationError as error:
        raise SpecError(file, problems_of(error, document, model)) from None


def _other_name(place: Place, application: str, file: Path) -> Problem:
    message = "a pipeline's file must be named after its application"
    remedy = f"Rename the file to {application}.yaml, or the application to {file.stem}."
    return Problem(place, "application", message, remedy, repr(application))
