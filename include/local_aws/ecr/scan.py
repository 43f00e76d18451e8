"""The scan of an image: PENDING, IN_PROGRESS, then what its seed says.

Findings are not looked for, they are seeded: by the image's labels, or by repository, tag or digest (see `seeds`).
An image without a seed has none. An index is no image: its parts are scanned.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from local_aws.ecr import images
from local_aws.ecr.seeds import Seed, seed_of
from local_aws.world import World, world

QUEUED_MINUTES, SCANNING_MINUTES = 0.2, 0.3
"""How long a scan waits and works, in AWS minutes."""
LOOK_AWS_SECONDS, SHORTEST_LOOK_SECONDS = 2, 0.1


def queue(document: Mapping[str, Any]) -> None:
    """Have an image scanned, from the beginning."""
    images.change(dict(document), scan={"status": "QUEUED", "at": world().clock.now().timestamp()})
    world().threads.wakeups.notify()


def start(of: World) -> None:
    """Scan what is queued, also what was when the process died."""
    of.threads.spawn("ecr-scan", _run, of)


def _run(of: World) -> None:
    while not of.threads.stopping.is_set():
        for document in of.store.all(images.KIND):
            if document["scan"] and _due(of, document["scan"]):
                with suppress(images.GoneError):
                    _advance(of, document)
        of.clock.pause(LOOK_AWS_SECONDS, SHORTEST_LOOK_SECONDS)


def _due(of: World, found: Mapping[str, Any]) -> bool:
    waits = {"QUEUED": QUEUED_MINUTES, "PENDING": QUEUED_MINUTES, "IN_PROGRESS": SCANNING_MINUTES}
    wait = waits.get(found["status"])
    return wait is not None and of.clock.now().timestamp() - found["at"] >= of.clock.minutes(wait)


def _advance(of: World, document: dict[str, Any]) -> None:
    now = of.clock.now().timestamp()
    status = document["scan"]["status"]
    if status != "IN_PROGRESS":
        images.change(document, scan={"status": "PENDING" if status == "QUEUED" else "IN_PROGRESS", "at": now})
        return
    seed = seed_of(document)
    found = {"status": seed.final_status, "at": now, "enhanced": seed.enhanced, "findings": dict(seed.findings)}
    images.change(document, scan=found)
    _tell(of, document, seed)


def _tell(of: World, document: Mapping[str, Any], seed: Seed) -> None:
    detail = {
        "scan-status": seed.final_status,
        "repository-name": document["repository"],
        "image-digest": document["digest"],
        "image-tags": document["tags"],
        "finding-severity-counts": dict(seed.findings),
    }
    told = {"repository": document["repository"], "digest": document["digest"], "status": seed.final_status}
    of.effects.record("ecr", "scan_finished", "scan", told)
    of.events.emit("aws.ecr", "ECR Image Scan", detail, [repository_arn(document["repository"])])


def repository_arn(name: str) -> str:
    settings = world().settings
    return f"arn:aws:ecr:{settings.region}:{settings.account}:repository/{name}"


def findings(document: Mapping[str, Any]) -> dict[str, Any]:
    """`imageScanFindings` of a finished scan, in the shape of basic or of enhanced scanning."""
    found = document["scan"]
    counts = found.get("findings", {})
    listed = [(severity, number) for severity, count in counts.items() for number in range(count)]
    shared = {"imageScanCompletedAt": found["at"], "findingSeverityCounts": counts}
    if found.get("enhanced"):
        return {**shared, "enhancedFindings": [_enhanced(document, *each) for each in listed]}
    return {**shared, "vulnerabilitySourceUpdatedAt": found["at"], "findings": [_basic(*each) for each in listed]}


def _basic(severity: str, number: int) -> dict[str, Any]:
    return {
        "name": f"CVE-2026-{severity[:1]}{number:04}",
        "severity": severity,
        "description": "Seeded in the local AWS.",
        "attributes": [{"key": "package_name", "value": "seeded"}, {"key": "package_version", "value": "1.0"}],
    }


def _enhanced(document: Mapping[str, Any], severity: str, number: int) -> dict[str, Any]:
    name = f"CVE-2026-{severity[:1]}{number:04}"
    return {
        "findingArn": f"{repository_arn(document['repository'])}/finding/{name}",
        "title": f"{name} - seeded",
        "severity": severity,
        "status": "ACTIVE",
        "type": "PACKAGE_VULNERABILITY",
        "fixAvailable": "YES",
        "exploitAvailable": "NO",
        "packageVulnerabilityDetails": {
            "vulnerabilityId": name,
            "vulnerablePackages": [{"name": "seeded", "version": "1.0", "fixedInVersion": "1.1"}],
        },
    }
