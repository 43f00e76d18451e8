"""Images of the stand-in: built from a Dockerfile, kept beside the docker configuration of the build."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

from local_aws.docker_standin import dockerfile
from local_aws.docker_standin.dockerfile import DockerfileError, Instruction


@dataclass
class Image:
    """What an image is made of: its configuration, and its layers as gzipped tars."""

    base: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    layers: list[bytes] = field(default_factory=list)

    def configuration(self) -> bytes:
        """The image's configuration (OCI Image Configuration); the same files give the same bytes."""
        told = {
            "architecture": "amd64",
            "os": "linux",
            "config": self.config,
            "rootfs": {"type": "layers", "diff_ids": [_digest(gzip.decompress(layer)) for layer in self.layers]},
        }
        return json.dumps(told, sort_keys=True).encode()


def build(context: Path, text: str, arguments: Mapping[str, str], labels: Mapping[str, str]) -> Image:
    """Follow a Dockerfile. Raises DockerfileError."""
    builder = _Builder(context, dict(arguments))
    for instruction in dockerfile.parse(text):
        builder.follow(instruction)
    if not builder.image.base:
        raise DockerfileError("a Dockerfile begins with FROM")
    builder.image.config.setdefault("Labels", {}).update({"local-aws.base": builder.image.base, **labels})
    return builder.image


class _Builder:
    def __init__(self, context: Path, given: dict[str, str]) -> None:
        self.context = context
        self.image = Image()
        self._given = given
        self._arguments: dict[str, str] = {}
        self._environment: dict[str, str] = {}
        self._ignored = _ignored(context)

    def follow(self, instruction: Instruction) -> None:
        known = {**self._arguments, **self._environment}
        raw = instruction.value
        value = raw if instruction.word in ("CMD", "ENTRYPOINT") else dockerfile.substituted(raw, known)
        getattr(self, f"_{instruction.word.lower()}")(instruction, value)

    def _arg(self, _: Instruction, value: str) -> None:
        name, *default = value.split("=", 1)
        self._arguments[name] = self._given.get(name, "".join(default).strip("\"'"))

    def _from(self, _: Instruction, value: str) -> None:
        self.image.base = value.split()[0]

    def _env(self, _: Instruction, value: str) -> None:
        self._environment.update(dockerfile.pairs(value))
        self.image.config["Env"] = [f"{name}={told}" for name, told in self._environment.items()]

    def _label(self, _: Instruction, value: str) -> None:
        self.image.config.setdefault("Labels", {}).update(dockerfile.pairs(value))

    def _workdir(self, _: Instruction, value: str) -> None:
        self.image.config["WorkingDir"] = str(PurePosixPath(self.image.config.get("WorkingDir", "/"), value))

    def _expose(self, _: Instruction, value: str) -> None:
        ports: dict[str, Any] = {port if "/" in port else f"{port}/tcp": {} for port in value.split()}
        self.image.config.setdefault("ExposedPorts", {}).update(ports)

    def _user(self, _: Instruction, value: str) -> None:
        self.image.config["User"] = value

    def _cmd(self, _: Instruction, value: str) -> None:
        self.image.config["Cmd"] = dockerfile.command(value)

    def _entrypoint(self, _: Instruction, value: str) -> None:
        self.image.config["Entrypoint"] = dockerfile.command(value)

    def _copy(self, instruction: Instruction, value: str) -> None:
        sources, to = dockerfile.copied(instruction, value)
        target = PurePosixPath(self.image.config.get("WorkingDir", "/"), to)
        found = [path for source in sources for path in self._matching(instruction, source)]
        into = to.endswith(("/", ".")) or len(found) > 1
        files: dict[str, Path] = {}
        for path in found:
            files.update(self._files(path, target if path.is_dir() or not into else target / path.name))
        self.image.layers.append(_layer(files))

    def _matching(self, instruction: Instruction, source: str) -> list[Path]:
        root = self.context.resolve()
        found = sorted(root.glob(source.lstrip("/"))) if source not in (".", "./", "/") else [root]
        if not found or not all(path.resolve().is_relative_to(root) for path in found):
            raise DockerfileError(f"line {instruction.line}: {source} is not in the build context")
        return found

    def _files(self, path: Path, target: PurePosixPath) -> dict[str, Path]:
        if path.is_file():
            return {str(target): path}
        inside = [each for each in sorted(path.rglob("*")) if each.is_file() and not self._is_ignored(each)]
        return {str(target / each.relative_to(path).as_posix()): each for each in inside}

    def _is_ignored(self, path: Path) -> bool:
        relative = path.relative_to(self.context.resolve())
        names = [relative.as_posix(), *(parent.as_posix() for parent in relative.parents)]
        return any(fnmatch(name, pattern) for name in names for pattern in self._ignored)


def _ignored(context: Path) -> list[str]:
    file = context / ".dockerignore"
    lines = file.read_text().splitlines() if file.exists() else []
    return [".git", *(line.strip().strip("/") for line in lines if line.strip() and not line.startswith("#"))]


def _layer(files: Mapping[str, Path]) -> bytes:
    """A reproducible layer: no times, no owners, sorted names."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, path in sorted(files.items()):
            info = tarfile.TarInfo(name.lstrip("/"))
            info.size, info.mode = path.stat().st_size, 0o755 if path.stat().st_mode & 0o100 else 0o644
            with path.open("rb") as content:
                tar.addfile(info, content)
    return gzip.compress(raw.getvalue(), mtime=0)


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()
