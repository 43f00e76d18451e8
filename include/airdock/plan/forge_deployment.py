"""Deployments and environments at the forges that offer them: GitHub and GitLab.

A deployment is created once for each delivery to an environment, and found again: at GitHub by the delivery's mark in
its payload; at GitLab, whose deployments hold no text, as the one of the commit that is still running, because there
is one delivery at a time in an environment. Bitbucket Cloud's API only reads deployments, which its Pipelines make.

The documents behind the forms: GitHub "REST API endpoints for deployments" and "for deployment statuses", GitLab
"Deployments API".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from airdock.plan.forge_status import Forge, Progress, Request, described, project
from airdock.release import Outcome

OFFERED = frozenset({Forge.GITHUB, Forge.GITLAB})

_GITHUB: dict[Outcome | None, str] = {
    None: "in_progress",
    Outcome.LIVE: "success",
    Outcome.ROLLED_BACK: "failure",
    Outcome.REFUSED: "failure",
    Outcome.FAILED: "error",
    Outcome.STOPPED: "error",
    Outcome.SUPERSEDED: "inactive",
}
_GITLAB: dict[Outcome | None, str] = {
    None: "running",
    Outcome.LIVE: "success",
    Outcome.ROLLED_BACK: "failed",
    Outcome.REFUSED: "failed",
    Outcome.FAILED: "failed",
    Outcome.STOPPED: "canceled",
    Outcome.SUPERSEDED: "canceled",
}


def lookup(forge: Forge, progress: Progress) -> Request:
    """The request whose answer `found` reads."""
    if forge is Forge.GITHUB:
        asked = urlencode({"sha": progress.sha, "environment": progress.label, "per_page": 100})
        return Request("GET", f"/repos/{progress.repository}/deployments?{asked}")
    asked = urlencode(
        {"environment": progress.label, "status": "running", "order_by": "id", "sort": "desc", "per_page": 100}
    )
    return Request("GET", f"/projects/{project(progress)}/deployments?{asked}")


def found(forge: Forge, answer: Any, progress: Progress) -> int | None:
    """The id of this delivery's deployment among those that the forge knows; None where it has none yet."""
    known: Sequence[Any] = answer if isinstance(answer, list) else []
    belongs = _bears_mark if forge is Forge.GITHUB else _runs_commit
    return next((number(each) for each in known if belongs(each, progress)), None)


def number(answer: Any) -> int | None:
    """The id of the deployment that an answer is about."""
    told = answer.get("id") if isinstance(answer, Mapping) else None
    return told if isinstance(told, int) else None


def creation(forge: Forge, progress: Progress) -> Request:
    """The request that creates the deployment; GitLab's has its status from the beginning."""
    if forge is Forge.GITLAB:
        told = {"environment": progress.label, "sha": progress.sha, "ref": progress.ref or progress.sha}
        body = {**told, "tag": progress.is_tag, "status": _GITLAB[progress.outcome]}
        return Request("POST", f"/projects/{project(progress)}/deployments", body)
    body = {
        "ref": progress.sha,
        "environment": progress.label,
        "description": described(forge, progress.sentence),
        "payload": {"airdock": progress.marker},
        # GitHub would merge the default branch into the ref, and wait for the very statuses that this is about.
        "auto_merge": False,
        "required_contexts": [],
    }
    return Request("POST", f"/repos/{progress.repository}/deployments", body)


def change(forge: Forge, deployment: int, progress: Progress) -> Request:
    """The request that tells how the deployment stands."""
    if forge is Forge.GITLAB:
        path = f"/projects/{project(progress)}/deployments/{deployment}"
        return Request("PUT", path, {"status": _GITLAB[progress.outcome]})
    told = {"description": described(forge, progress.sentence), "log_url": progress.link}
    path = f"/repos/{progress.repository}/deployments/{deployment}/statuses"
    return Request("POST", path, {"state": _GITHUB[progress.outcome], **told})


def _bears_mark(deployment: Any, progress: Progress) -> bool:
    """GitHub gives the payload back as it was sent, or as text."""
    payload = deployment.get("payload") if isinstance(deployment, Mapping) else None
    if isinstance(payload, str):
        try:
            payload = json.loads(payload)
        except ValueError:
            return False
    return isinstance(payload, Mapping) and payload.get("airdock") == progress.marker


def _runs_commit(deployment: Any, progress: Progress) -> bool:
    told = (deployment.get("sha"), deployment.get("status")) if isinstance(deployment, Mapping) else None
    return told == (progress.sha, "running")
