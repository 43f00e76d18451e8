"""Where the stand-in keeps images and logins between two commands: in the docker configuration folder of the build."""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

from local_aws.docker_standin.images import Image


class Shelf:
    """Images by reference (`registry/name:tag`), logins by registry."""

    def __init__(self) -> None:
        self._folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "standin"
        self._folder.mkdir(parents=True, exist_ok=True)

    def put(self, reference: str, image: Image) -> None:
        layers = [b64encode(layer).decode() for layer in image.layers]
        told = {"base": image.base, "config": image.config, "layers": layers}
        self._file(reference).write_text(json.dumps(told))

    def get(self, reference: str) -> Image | None:
        file = self._file(reference)
        if not file.exists():
            return None
        told = json.loads(file.read_text())
        return Image(told["base"], told["config"], [b64decode(layer) for layer in told["layers"]])

    def log_in(self, registry: str, user: str, password: str) -> None:
        logins = {**self._logins(), registry: f"{user}:{password}"}
        file = self._folder / "logins.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(logins))

    def login(self, registry: str) -> str:
        """`user:password` for a registry, or ""."""
        return str(self._logins().get(registry, ""))

    def _logins(self) -> dict[str, Any]:
        file = self._folder / "logins.json"
        return dict(json.loads(file.read_text())) if file.exists() else {}

    def _file(self, reference: str) -> Path:
        return self._folder / f"{sha256(reference.encode()).hexdigest()}.json"
