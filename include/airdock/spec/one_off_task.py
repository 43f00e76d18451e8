"""Tasks that a release runs once, before it gets traffic or after: a migration, a cache to warm."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from airdock.spec.words import ContainerName, Form, Part

TaskName = Annotated[
    str,
    Form(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", "a name of lower-case letters, digits and single hyphens", 30),
]


class OneOffTask(Part):
    """A command in the new task definition, run once in the service's network; only exit code 0 is a success."""

    name: TaskName = Field(description="What the task is called, such as migrate.")
    command: list[str] = Field(min_length=1, max_length=100, description="The command and its arguments.")
    container: ContainerName | None = Field(
        default=None, description="The container that runs it; the environment's if left out."
    )
    cpu: int | None = Field(
        default=None, ge=1, description="CPU units of the task, 1024 to a core; the task definition's if left out."
    )
    memory: int | None = Field(
        default=None, ge=4, description="Memory of the task in MiB; the task definition's if left out."
    )
    timeout_minutes: int = Field(
        default=30, ge=1, le=1440, description="How long it may take, its start included; then it is stopped."
    )
