"""Images from a registry on this host, through the API that every client uses: the OCI distribution specification."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import requests

from local_aws.runtime.container import CannotPullError, Image
from local_aws.world import World

_INDEX_TYPES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
_MANIFEST_TYPES = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
_REFERENCE = re.compile(
    r"(?P<host>(?:127(?:\.\d+){3}|localhost):\d+)/(?P<repository>[^@:]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>sha256:\w+))?"
)
_CHUNK_BYTES = 1 << 20
TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Reference:
    """`host:port/repository:tag@digest`, of which the digest decides."""

    host: str
    repository: str
    version: str

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read a reference.

        Raises CannotPullError when it is not to a registry on this host.
        """
        match = _REFERENCE.fullmatch(text)
        if match is None:
            raise CannotPullError(f"{text}: the process runtime pulls from the local AWS's own registry only")
        return cls(match["host"], match["repository"], match["digest"] or match["tag"] or "latest")

    def url(self, kind: str, version: str) -> str:
        """The address of a manifest or blob."""
        return f"http://{self.host}/v2/{self.repository}/{kind}/{version}"


class Registry:
    """Pulls images, logged in to ECR as the task's execution role would be."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._http = requests.Session()
        self._http.trust_env = False

    def image(self, text: str) -> Image:
        """An image's digest and settings.

        Raises CannotPullError.
        """
        reference = Reference.parse(text)
        digest, manifest = self._manifest(reference, reference.version)
        if manifest.get("manifests"):
            digest, manifest = self._manifest(reference, _for_this_host(reference, manifest["manifests"]))
        config = self._get(reference, "blobs", manifest["config"]["digest"]).json()
        return _image(text, digest, config.get("config") or {}, [layer["digest"] for layer in manifest["layers"]])

    def layer(self, text: str, digest: str) -> Iterator[bytes]:
        """A layer's bytes, checked against its digest at the end.

        Raises CannotPullError.
        """
        seen = hashlib.sha256()
        with self._get(Reference.parse(text), "blobs", digest, stream=True) as answer:
            for chunk in answer.iter_content(_CHUNK_BYTES):
                seen.update(chunk)
                yield chunk
        if f"sha256:{seen.hexdigest()}" != digest:
            raise CannotPullError(f"{text}: layer {digest} arrived with the digest sha256:{seen.hexdigest()}")

    def password(self) -> str:
        """The password of the user AWS."""
        token = self._world.client("ecr", "ecs").get_authorization_token()["authorizationData"][0]
        return base64.b64decode(token["authorizationToken"]).decode().partition(":")[2]

    def is_own(self, host: str) -> bool:
        """Whether a registry is ours, so that our password is for it."""
        return host.rpartition(":")[2] == str(self._world.settings.port)

    def _manifest(self, reference: Reference, version: str) -> tuple[str, dict[str, Any]]:
        answer = self._get(reference, "manifests", version)
        found = f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
        if version.startswith("sha256:") and version != found:
            raise CannotPullError(f"{reference.repository}@{version}: the registry sent {found}")
        return found, answer.json()

    def _get(self, reference: Reference, kind: str, version: str, stream: bool = False) -> requests.Response:
        headers = {"Accept": ", ".join((*_MANIFEST_TYPES, *_INDEX_TYPES))} if kind == "manifests" else {}
        login = ("AWS", self.password()) if self.is_own(reference.host) else None
        url = reference.url(kind, version)
        try:
            answer = self._http.get(url, headers=headers, auth=login, stream=stream, timeout=TIMEOUT_SECONDS)
        except requests.RequestException as error:
            raise CannotPullError(f"failed to resolve reference: {url}: {error}") from error
        if answer.status_code == requests.codes.not_found:
            raise CannotPullError(f"{reference.host}/{reference.repository}:{version}: not found")
        if not answer.ok:
            raise CannotPullError(f"{url}: unexpected status {answer.status_code}: {answer.text[:200]}")
        return answer


def _for_this_host(reference: Reference, manifests: list[dict[str, Any]]) -> str:
    for entry in manifests:
        platform = entry.get("platform") or {}
        if (platform.get("os"), platform.get("architecture")) == ("linux", "amd64"):
            return str(entry["digest"])
    raise CannotPullError(f"{reference.repository}: no matching manifest for linux/amd64 in the manifest list entries")


def _image(text: str, digest: str, config: dict[str, Any], layers: list[str]) -> Image:
    pairs = (entry.partition("=") for entry in config.get("Env") or [])
    return Image(
        reference=text,
        digest=digest,
        environment={name: value for name, _, value in pairs},
        entry_point=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        working_directory=config.get("WorkingDir") or "/",
        layers=tuple(layers),
    )
