"""What is wrong in a pipeline file, told to the person who wrote it."""

from __future__ import annotations

from dataclasses import dataclass

from airdock.errors import Refused


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file; both numbers begin at 1."""

    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    `path` is dotted (`environments.production.cluster`), "" for the file as a whole; `value` is what stands there, as
    written, or None; `nearest` is the word that was probably meant, or ""; `remedy` is what to do.
    """

    place: Place
    path: str
    message: str
    remedy: str = ""
    value: str | None = None
    nearest: str = ""

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        found = "" if self.value is None else f" (found {self.value})"
        meant = f" Did you mean {self.nearest!r}?" if self.nearest else ""
        remedy = f" {self.remedy}" if self.remedy else ""
        return f"{where}{self.message}{found}.{meant}{remedy}"


class SpecError(Refused):
    """A pipeline file that can't be used; `problems` holds all that is wrong with it, in the file's order."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self.file = file
        self.problems = tuple(sorted(problems, key=lambda each: (each.place.line, each.place.column)))
        lines = [f"{file}:{each.place.line}:{each.place.column}: {each}" for each in self.problems]
        super().__init__("\n".join(lines))
