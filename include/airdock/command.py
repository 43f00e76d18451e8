"""Airdock at the command line: what a release would need and change, told without Airflow running."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from airdock.errors import AirdockError, Refused
from airdock.names import DIGEST
from airdock.plan.difference import in_words
from airdock.plan.preflight import judge, rendered
from airdock.release import Commit, Image, Source
from airdock.spec import Environment, Pipeline, RepositoryTaskDefinition, load

FINE, REFUSED, UNUSABLE = 0, 1, 2
NOT_COMMITTED = "0" * 40

EPILOG = """\
exit codes:
  0  a release could begin
  1  it would be refused; the tree says why, and what to do
  2  nothing could be said: the pipeline file or an argument can't be used, or AWS is out of reach

AWS is reached as the environment says: AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_DEFAULT_REGION,
AWS_ENDPOINT_URL. The pipeline's Airflow connections are not used, and nothing is changed.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    given = _parser().parse_args(arguments)
    try:
        return _plan(load(given.pipeline), given)
    except AirdockError as error:
        print(error.sentence, file=sys.stderr)
        return UNUSABLE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m airdock", description="Continuous delivery to Amazon ECS.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="COMMAND")
    plan = verbs.add_parser(
        "plan",
        help="tell what a release would need and change",
        description="Look at all that a release needs, and tell what it would change. Nothing is changed.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    plan.add_argument("pipeline", type=Path, help="the pipeline file, such as dags/pipelines/greeter.yaml")
    plan.add_argument("--environment", metavar="NAME", help="one environment of the pipeline; all of them if left out")
    plan.add_argument(
        "--image", metavar="URI@DIGEST", help="the image to release; what the service runs now if left out"
    )
    plan.add_argument(
        "--files", metavar="DIR", type=Path, default=Path(), help="the application's repository; here if left out"
    )
    plan.add_argument(
        "--taskdef", metavar="FILE", type=Path, help="the task definition, in place of the one in the repository"
    )
    return parser


def _plan(pipeline: Pipeline, given: argparse.Namespace) -> int:
    passed = [_told(pipeline, name, target, given) for name, target in _targets(pipeline, given.environment)]
    return FINE if all(passed) else REFUSED


def _targets(pipeline: Pipeline, named: str | None) -> Iterator[tuple[str, Environment]]:
    """The environments, reached by AWS's own environment variables."""
    if named is not None and named not in pipeline.environments:
        raise Refused(f"there is no environment {named!r}; the pipeline has {', '.join(pipeline.environments)}")
    for name, target in pipeline.environments.items():
        if named in (None, name):
            yield name, target.model_copy(update={"aws_connection": None})


def _told(pipeline: Pipeline, name: str, target: Environment, given: argparse.Namespace) -> bool:
    """Print an environment's tree and difference; whether a release could begin."""
    from airdock.aws.preflight import preflight

    found = preflight(target, _source(pipeline, target, given), _image(target, given.image))
    verdict = judge(found.tree)
    _print([f"{pipeline.application} to {name}", *rendered(found.tree), ""])
    if found.changes or verdict.passed:
        _print([*in_words(list(found.changes)), ""])
    _print([f"{'ok' if verdict.passed else 'refused'}: {verdict.reason}"])
    return verdict.passed


def _image(target: Environment, uri: str | None) -> Image:
    """The image that is named, or the one that the service runs."""
    from airdock.aws.production import Service, standing

    if uri is None:
        now = standing(Service.of(target))
        if not now.digest:
            raise Refused(f"the service runs {now.image}, and nothing tells its digest: name an image with --image")
        uri = f"{_without_tag(now.image.partition('@')[0])}@{now.digest}"
    place, _, digest = uri.partition("@")
    registry, _, repository = place.partition("/")
    if not (repository and DIGEST.accepts(digest)):
        raise Refused(f"{uri!r} is no image with its registry and digest, such as registry/name@sha256:...")
    return Image(registry, repository, digest)


def _without_tag(place: str) -> str:
    holder, slash, name = place.rpartition("/")
    return f"{holder}{slash}{name.partition(':')[0]}"


def _source(pipeline: Pipeline, target: Environment, given: argparse.Namespace) -> Source:
    """The repository's files that the environment names, as they are on disk."""
    places = {target.appspec: given.files / target.appspec} if target.appspec else {}
    if isinstance(target.task_definition, RepositoryTaskDefinition):
        path = target.task_definition.path
        places[path] = given.taskdef or given.files / path
    elif given.taskdef:
        raise Refused(f"--taskdef has no use: the task definition is from {target.task_definition.type}")
    commit = Commit(pipeline.application, pipeline.application, "", NOT_COMMITTED)
    return Source(commit, {path: _text(place) for path, place in places.items()})


def _text(place: Path) -> str:
    try:
        return place.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        _unreadable(place, error)


def _unreadable(place: Path, error: Exception) -> NoReturn:
    why = getattr(error, "strerror", None) or error
    raise Refused(f"{place} can't be read: {why}; name the application's repository with --files") from error


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)
