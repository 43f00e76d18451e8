"""Reading a Dockerfile: the instructions that the stand-in can follow, the others refused by name; pure."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

FOLLOWED = ("FROM", "COPY", "ENV", "ARG", "WORKDIR", "LABEL", "EXPOSE", "USER", "CMD", "ENTRYPOINT")
_VARIABLE = re.compile(r"\\(\$)|\$\{(\w+)(?::-([^}]*))?\}|\$(\w+)")


class DockerfileError(Exception):
    """A Dockerfile that can't be followed; the message names the line."""


@dataclass(frozen=True)
class Instruction:
    """One instruction; `line` is where it begins."""

    line: int
    word: str
    value: str


def parse(text: str) -> list[Instruction]:
    """All instructions. Raises DockerfileError for one that the stand-in does not follow."""
    found = [Instruction(line, *_split(line, written)) for line, written in _logical_lines(text)]
    for each in found:
        if each.word not in FOLLOWED:
            raise DockerfileError(
                f"line {each.line}: this stand-in for docker does not follow {each.word} (it follows "
                f"{', '.join(FOLLOWED)}); start a Docker engine to build this image"
            )
    if sum(each.word == "FROM" for each in found) > 1:
        raise DockerfileError("this stand-in for docker builds no multi-stage images; start a Docker engine")
    return found


def substituted(value: str, variables: Mapping[str, str]) -> str:
    """`$name`, `${name}` and `${name:-default}` replaced; an unknown name becomes nothing."""

    def replaced(found: re.Match[str]) -> str:
        escaped, braced, default, plain = found.groups()
        if escaped:
            return "$"
        return variables.get(braced or plain) or default or ""

    return _VARIABLE.sub(replaced, value)


def pairs(value: str) -> dict[str, str]:
    """`a=1 b="two words"`, or the old form `a 1`."""
    words = shlex.split(value)
    if words and "=" not in words[0]:
        return {words[0]: " ".join(words[1:])}
    return {name: told for name, _, told in (word.partition("=") for word in words)}


def command(value: str) -> list[str]:
    """The exec form as it is, the shell form behind `/bin/sh -c`."""
    if value.lstrip().startswith("["):
        return [str(word) for word in json.loads(value)]
    return ["/bin/sh", "-c", value]


def copied(instruction: Instruction, value: str) -> tuple[list[str], str]:
    """Sources and destination of a COPY; `--chown` and `--chmod` say nothing to the process runtime."""
    words = json.loads(value) if value.lstrip().startswith("[") else shlex.split(value)
    for word in [word for word in words if word.startswith("--")]:
        if not word.startswith(("--chown", "--chmod")):
            raise DockerfileError(f"line {instruction.line}: this stand-in for docker does not know COPY {word}")
    words = [word for word in words if not word.startswith("--")]
    if len(words) < 2:
        raise DockerfileError(f"line {instruction.line}: COPY needs a source and a destination")
    return words[:-1], words[-1]


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    begun, held = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip().startswith("#") or (not held and not line.strip()):
            continue
        begun = begun if held else number
        held += line.strip()
        if held.endswith("\\"):
            held = held[:-1] + " "
            continue
        yield begun, held
        held = ""
    if held:
        yield begun, held


def _split(line: int, written: str) -> tuple[str, str]:
    word, _, value = written.partition(" ")
    if not value.strip():
        raise DockerfileError(f"line {line}: {word} needs a value")
    return word.upper(), value.strip()
