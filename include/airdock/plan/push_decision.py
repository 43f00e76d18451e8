"""Whether a push starts a delivery of a pipeline, where need be after a question to git."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from airdock.errors import AirdockError, Fault
from airdock.plan.push import Push
from airdock.plan.push_routing import Answer, Route, compared_with, route, route_files
from airdock.spec import Pipeline

ChangedFiles = Callable[[Pipeline, str, str], Sequence[str]]
"""The paths that differ between two commits, or branches, of a pipeline's repository. Raises AirdockError."""


def decided(push: Push, pipeline: Pipeline, git: AskedOnce, *, patient: bool) -> Route:
    """What the push means for the pipeline: no file list is worth losing a push for.

    `patient`: whether there is another time to ask git, should it fail now. Raises Fault only then.
    """
    found = route(push, pipeline)
    if found.answer is not Answer.ASK_GIT:
        return found
    try:
        return route_files(push, pipeline, git.changed_files(pipeline, push))
    except AirdockError as error:
        if isinstance(error, Fault) and patient:
            raise
        sentence = f"what changed can't be told ({error.sentence}), so {pipeline.application} is delivered"
        return Route(pipeline.application, Answer.START, sentence)


class AskedOnce:
    """What git says of one push: all applications of a repository share the answer, also that there is none."""

    def __init__(self, changed_files: ChangedFiles) -> None:
        self._changed_files = changed_files
        self._told: dict[tuple[Any, ...], Sequence[str] | AirdockError] = {}

    def changed_files(self, pipeline: Pipeline, push: Push) -> Sequence[str]:
        """The paths that differ between what was pushed and what was there before. Raises AirdockError."""
        source, before = pipeline.source, compared_with(push, pipeline)
        key = (source.provider, source.repository, source.connection, pipeline.aws_connection, pipeline.region, before)
        if key not in self._told:
            try:
                self._told[key] = self._changed_files(pipeline, before, push.after)
            except AirdockError as error:
                self._told[key] = error
        told = self._told[key]
        if isinstance(told, AirdockError):
            raise told
        return told
