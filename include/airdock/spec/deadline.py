"""A deadline that a deployment can keep."""

from __future__ import annotations

from typing import Protocol, TypeVar

START_MINUTES = 10
"""What a deployment needs beside its own waits, for new tasks to start and to become healthy."""


class Bounded(Protocol):
    @property
    def deadline_minutes(self) -> int: ...


Kind = TypeVar("Kind", bound=Bounded)


def fitting(rollout: Kind, waits_minutes: int) -> Kind:
    """The rollout itself. Raises ValueError where its own waits alone reach its deadline."""
    if waits_minutes >= rollout.deadline_minutes:
        raise ValueError(
            f"`deadline_minutes` is {rollout.deadline_minutes}, and the deployment's own waits take {waits_minutes} "
            f"minutes: it would always be rolled back. Make it {waits_minutes + START_MINUTES} at least"
        )
    return rollout
