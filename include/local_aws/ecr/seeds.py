"""What the scan of an image will find: said by its labels, or at /_local/scan/<repository>.

    PUT /_local/scan/greeter   {"status": "COMPLETE", "findings": {"CRITICAL": 1}, "tag": "v3"}

Labels: `local-aws.scan.findings=CRITICAL:1,HIGH:2`, `local-aws.scan.status=FAILED`, `local-aws.scan.type=enhanced`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.wrappers import Request, Response

from local_aws.ecr import images
from local_aws.world import world

SEEDS_PREFIX = "/_local/scan/"
KIND = "ecr.seed"
LABEL = "local-aws.scan."


@dataclass(frozen=True)
class Seed:
    """`status` "" is the good end of its kind of scan: COMPLETE, or ACTIVE when it is enhanced."""

    status: str = ""
    findings: Mapping[str, int] = field(default_factory=dict)
    enhanced: bool = False

    @property
    def final_status(self) -> str:
        return self.status or ("ACTIVE" if self.enhanced else "COMPLETE")


def seed_of(document: Mapping[str, Any]) -> Seed:
    """The seed of an image: of its repository if one fits its tags or digest, else of its labels."""
    for told in world().store.all(KIND):
        if told["repository"] == document["repository"] and _fits(told, document):
            return Seed(told.get("status", ""), told.get("findings", {}), bool(told.get("enhanced")))
    return of_labels(images.labels(dict(document)))


def of_labels(labels: Mapping[str, str]) -> Seed:
    """What is written wrong fails the scan: nobody's images pass because of a slip of the pen."""
    written = labels.get(f"{LABEL}findings", "")
    pairs = (pair.partition(":") for pair in written.split(",") if pair)
    try:
        findings = {severity.strip().upper(): int(number or 1) for severity, _, number in pairs}
    except ValueError:
        return Seed("FAILED")
    return Seed(labels.get(f"{LABEL}status", ""), findings, labels.get(f"{LABEL}type") == "enhanced")


def serve_seeds(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Keep a seed, or forget all of a repository."""
    request = Request(environ)
    repository = request.path.removeprefix(SEEDS_PREFIX)
    store = world().store
    if request.method == "DELETE":
        for told in store.all(KIND):
            if told["repository"] == repository:
                store.delete(KIND, _key(told))
    elif request.method == "PUT":
        told = {**json.loads(request.get_data()), "repository": repository}
        store.put(KIND, _key(told), told)
    else:
        return Response("use PUT or DELETE", status=405)(environ, start_response)
    return Response("{}", content_type="application/json")(environ, start_response)


def _fits(told: Mapping[str, Any], document: Mapping[str, Any]) -> bool:
    by_tag, by_digest = told.get("tag"), told.get("digest")
    return (not by_tag or by_tag in document["tags"]) and (not by_digest or by_digest == document["digest"])


def _key(told: Mapping[str, Any]) -> str:
    return f"{told['repository']}|{told.get('tag', '')}|{told.get('digest', '')}"
