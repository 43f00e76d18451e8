"""Pushing an image to a registry (OCI Distribution Specification)."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urljoin
from urllib.request import Request, urlopen

from local_aws.docker_standin.images import Image

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


class PushError(Exception):
    """The registry did not take the image."""


class Registry:
    """One repository of a registry on this machine, over plain HTTP as docker speaks to loopback addresses."""

    def __init__(self, registry: str, repository: str, login: str) -> None:
        self._base = f"http://{registry}"
        self._repository = repository
        self._authorization = f"Basic {b64encode(login.encode()).decode()}" if login else ""

    def push(self, image: Image, tag: str) -> tuple[str, int]:
        """Digest and size of the pushed manifest. Raises PushError."""
        layers = [{"mediaType": LAYER, **self._blob(layer)} for layer in image.layers]
        config = {"mediaType": CONFIG, **self._blob(image.configuration())}
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}
        body = json.dumps(manifest, sort_keys=True).encode()
        answer = self._call("PUT", f"/v2/{self._repository}/manifests/{tag}", body, MANIFEST)
        return str(answer.headers["Docker-Content-Digest"]), len(body)

    def _blob(self, content: bytes) -> dict[str, Any]:
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        begun = self._call("POST", f"/v2/{self._repository}/blobs/uploads/", b"")
        place = begun.headers["Location"]
        mark = "&" if "?" in place else "?"
        self._call("PUT", f"{place}{mark}digest={digest}", content, "application/octet-stream")
        return {"digest": digest, "size": len(content)}

    def _call(self, method: str, path: str, body: bytes, kind: str = "application/json") -> Any:
        headers = {"Content-Type": kind, **({"Authorization": self._authorization} if self._authorization else {})}
        request = Request(urljoin(self._base, path), body, headers, method=method)  # noqa: S310 - http by construction
        try:
            return urlopen(request, timeout=60)  # noqa: S310
        except HTTPError as error:
            raise PushError(_reason(error)) from None
        except URLError as error:
            raise PushError(f"{self._base}: {error.reason}") from None


def _reason(error: HTTPError) -> str:
    try:
        told = json.loads(error.read())["errors"][0]
    except (ValueError, KeyError, IndexError):
        return str(error)
    return f"{told['code'].lower().replace('_', ' ')}: {told['message']}"
