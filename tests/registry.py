"""A client of the registry behind ECR: it pushes images that nobody has to run."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin
from urllib.request import Request, urlopen
from uuid import uuid4

from tests.local_aws_process import LocalAws

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEX = "application/vnd.oci.image.index.v1+json"
WAIT_SECONDS = 60


class Registry:
    """A registry client that knows one repository."""

    def __init__(self, aws: LocalAws, **settings: Any) -> None:
        self.ecr, self.aws, self.name = aws.client("ecr"), aws, f"app/{uuid4().hex[:8]}"
        created = self.ecr.create_repository(repositoryName=self.name, **settings)["repository"]
        self.base = f"http://{created['repositoryUri'].removesuffix(self.name)}"
        self.token = self.ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]

    def call(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> Any:
        headers = {"Authorization": f"Basic {self.token}", **({"Content-Type": kind} if kind else {})}
        return urlopen(Request(urljoin(self.base, path), body, headers, method=method), timeout=10)

    def blob(self, content: bytes) -> dict[str, Any]:
        """Upload in two pieces, as docker does."""
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        begun = self.call("POST", f"/v2/{self.name}/blobs/uploads/")
        half = len(content) // 2
        sent = self.call("PATCH", begun.headers["Location"], content[:half], "application/octet-stream")
        self.call("PUT", f"{sent.headers['Location']}?digest={digest}", content[half:], "application/octet-stream")
        return {"digest": digest, "size": len(content), "mediaType": "application/octet-stream"}

    def push(self, tag: str, labels: dict[str, str] | None = None) -> str:
        config = self.blob(json.dumps({"config": {"Labels": labels or {}}, "id": uuid4().hex}).encode())
        layer = self.blob(uuid4().bytes * 100)
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]}
        answer = self.call("PUT", f"/v2/{self.name}/manifests/{tag}", json.dumps(manifest).encode(), MANIFEST)
        return str(answer.headers["Docker-Content-Digest"])

    def push_index(self, tag: str, parts: dict[str, str]) -> str:
        """An index of images that were pushed already: architecture to digest."""
        manifests = [
            {"digest": digest, "mediaType": MANIFEST, "size": 1, "platform": {"os": "linux", "architecture": name}}
            for name, digest in parts.items()
        ]
        content = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).encode()
        answer = self.call("PUT", f"/v2/{self.name}/manifests/{tag}", content, INDEX)
        return str(answer.headers["Docker-Content-Digest"])

    def scan(self, digest: str) -> dict[str, Any]:
        """The scan once it has ended."""
        found: dict[str, Any] = {}

        def ended() -> bool:
            try:
                found.update(
                    self.ecr.describe_image_scan_findings(repositoryName=self.name, imageId={"imageDigest": digest})
                )
            except self.ecr.exceptions.ScanNotFoundException:
                return False
            return found["imageScanStatus"]["status"] not in ("PENDING", "IN_PROGRESS")

        until(ended)
        return found


def until(holds: Callable[[], bool]) -> None:
    waiting, left = threading.Event(), WAIT_SECONDS / 0.05
    while not holds():
        left -= 1
        assert left > 0, "it never came"
        waiting.wait(0.05)
