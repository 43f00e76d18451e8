"""From a pipeline file to a Pipeline, or to everything that is wrong with it."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import ValidationError

from airdock.spec.complaint import problems_of
from airdock.spec.document import LARGEST_BYTES, Unreadable, read
from airdock.spec.pipeline import Pipeline
from airdock.spec.problem import Place, Problem, SpecError


def load(path: str | os.PathLike[str]) -> Pipeline:
    """Read a pipeline file; its name without `.yaml` must be the application's, so that no two can have the same.

    Raises:
        SpecError: the file can't be used; all problems are told at once.
    """
    file = Path(path)
    try:
        with file.open("rb") as opened:
            raw = opened.read(LARGEST_BYTES + 1)
    except OSError as error:
        problem = Problem(Place(), "", f"the file can't be opened: {error.strerror or error}", "")
        raise SpecError(str(file), [problem]) from None
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
        document = read(raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw)
    except Unreadable as error:
        raise SpecError(file, [error.problem]) from None
    try:
        return Pipeline.model_validate(document.content)
    except ValidationError as error:
        raise SpecError(file, problems_of(error, document)) from None


def _other_name(place: Place, application: str, file: Path) -> Problem:
    message = "a pipeline's file must be named after its application"
    remedy = f"Rename the file to {application}.yaml, or the application to {file.stem}."
    return Problem(place, "application", message, remedy, repr(application))
