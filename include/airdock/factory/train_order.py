"""Whether the pipelines that go with the release train fit together, which only all their files together tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from airdock.errors import Refused
from airdock.factory.catalogue import BrokenPipelines, files
from airdock.plan.release_train import waves_of
from airdock.spec import Pipeline, Problem, ReleaseTrain, SpecError, place_in


def end_of(train: ReleaseTrain, pipeline: Pipeline) -> str:
    """The environment that the train goes to with an application."""
    return train.environment or list(pipeline.environments)[-1]


def check(train: ReleaseTrain, pipelines: Sequence[Pipeline], folder: Path) -> None:
    """Return when every name is known and nobody waits for himself.

    `folder` holds the files of all pipelines, those that don't go with the train included: to depend on one of these
    holds nobody back.

    Raises:
        BrokenPipelines: with all that does not fit, each with file, line and the word that was probably meant.
    """
    told = [str(problem) for pipeline in pipelines for problem in _problems(train, pipeline, folder)]
    if not told:
        told = [str(problem) for problem in _circle(pipelines, folder)]
    if told:
        raise BrokenPipelines("\n\n".join(told))


def _problems(train: ReleaseTrain, pipeline: Pipeline, folder: Path) -> Iterator[SpecError]:
    known = [path.stem for path in files(folder)]
    for number, name in enumerate(pipeline.train.depends_on if pipeline.train else ()):
        if name not in known:
            nearest = next(iter(get_close_matches(name, known, n=1, cutoff=0.6)), "")
            keys = ("train", "depends_on", number)
            yield _problem(folder, pipeline, keys, "there is no application of this name", name, nearest)
    if end_of(train, pipeline) not in pipeline.environments:
        has = ", ".join(pipeline.environments)
        yield _problem(folder, pipeline, ("train",), f"the train goes to {train.environment}, this pipeline to {has}")


def _circle(pipelines: Sequence[Pipeline], folder: Path) -> Iterator[SpecError]:
    needs = {each.application: each.train.depends_on for each in pipelines if each.train}
    try:
        waves_of(needs)
    except Refused as circle:
        inside = next(each for each in pipelines if f" {each.application} needs " in circle.sentence)
        yield _problem(folder, inside, ("train", "depends_on"), circle.sentence)


def _problem(
    folder: Path, pipeline: Pipeline, keys: tuple[str | int, ...], message: str, found: str = "", nearest: str = ""
) -> SpecError:
    file = folder / f"{pipeline.application}.yaml"
    path, value = ".".join(map(str, keys)), repr(found) if found else None
    return SpecError(str(file), [Problem(place_in(file, *keys), path, message, value=value, nearest=nearest)])
