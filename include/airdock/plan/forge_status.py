"""What a forge is told of a commit on its way: the request that sets the commit's status.

The documents behind the forms: GitHub "REST API endpoints for commit statuses", GitLab "Commits API: Set commit
pipeline status", Bitbucket Cloud "REST API: Commit statuses", Bitbucket Data Center "Updating build status for
commits".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from airdock.release import Outcome


class Forge(StrEnum):
    """The forges that can be told; CodeCommit keeps no statuses of commits."""

    GITHUB = "github"
    GITLAB = "gitlab"
    BITBUCKET = "bitbucket"
    BITBUCKET_DATA_CENTER = "bitbucket-data-center"


@dataclass(frozen=True, slots=True)
class Request:
    """One request to a forge: `path` below the root of its API, `body` as JSON, None where there is none."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a commit is in one environment.

    `label` is the environment's name at the forge. `outcome` is None while the environment is at work. `ref` is a
    branch, a tag, or the commit itself where the delivery was asked for it. `marker` is the delivery's mark.
    """

    repository: str
    sha: str
    label: str
    outcome: Outcome | None
    sentence: str
    link: str
    ref: str = ""
    is_tag: bool = False
    marker: str = ""

    @property
    def context(self) -> str:
        """The name of the status: one for each environment."""
        return f"airdock/{self.label}"


LONGEST = {Forge.GITHUB: 140, Forge.GITLAB: 255, Forge.BITBUCKET: 255, Forge.BITBUCKET_DATA_CENTER: 255}
"""Characters of a description; Bitbucket Cloud documents no limit, and is told what Data Center takes."""

LONGEST_KEY = 40
"""Characters of the key of a build status at Bitbucket Cloud."""

LONGEST_OBJECTION = 200

_STATES: dict[Forge, dict[Outcome | None, str]] = {
    Forge.GITHUB: {
        None: "pending",
        Outcome.LIVE: "success",
        Outcome.ROLLED_BACK: "failure",
        Outcome.REFUSED: "failure",
        Outcome.FAILED: "error",
        Outcome.STOPPED: "error",
        Outcome.SUPERSEDED: "error",
    },
    Forge.GITLAB: {
        None: "pending",
        Outcome.LIVE: "success",
        Outcome.ROLLED_BACK: "failed",
        Outcome.REFUSED: "failed",
        Outcome.FAILED: "failed",
        Outcome.STOPPED: "canceled",
        Outcome.SUPERSEDED: "canceled",
    },
    Forge.BITBUCKET: {
        None: "INPROGRESS",
        Outcome.LIVE: "SUCCESSFUL",
        Outcome.ROLLED_BACK: "FAILED",
        Outcome.REFUSED: "FAILED",
        Outcome.FAILED: "FAILED",
        Outcome.STOPPED: "STOPPED",
        Outcome.SUPERSEDED: "STOPPED",
    },
}
_STATES[Forge.BITBUCKET_DATA_CENTER] = {
    outcome: state.replace("STOPPED", "CANCELLED") for outcome, state in _STATES[Forge.BITBUCKET].items()
}


def status(forge: Forge, progress: Progress) -> Request:
    """The request that sets the commit's status for the environment; sent again, it says the same again."""
    state, told = _STATES[forge][progress.outcome], described(forge, progress.sentence)
    if forge is Forge.GITHUB:
        names = {"context": progress.context, "target_url": progress.link}
        path = f"/repos/{progress.repository}/statuses/{progress.sha}"
        return Request("POST", path, {"state": state, "description": told, **names})
    if forge is Forge.GITLAB:
        names = {"name": progress.context, "target_url": progress.link}
        path = f"/projects/{project(progress)}/statuses/{progress.sha}"
        return Request("POST", path, {"state": state, "description": told, **names})
    names = {"key": _key(progress.context), "name": progress.context, "url": progress.link}
    return Request("POST", _build_path(forge, progress), {"state": state, "description": told, **names})


def described(forge: Forge, sentence: str) -> str:
    """The sentence on one line, cut to what the forge takes."""
    line = " ".join("".join(each if each.isprintable() else " " for each in sentence).split())
    longest = LONGEST[forge]
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def project(progress: Progress) -> str:
    """GitLab takes a project's whole path in the place of its id, with its slashes encoded."""
    return quote(progress.repository, safe="")


def _build_path(forge: Forge, progress: Progress) -> str:
    if forge is Forge.BITBUCKET:
        return f"/repositories/{progress.repository}/commit/{progress.sha}/statuses/build"
    owner, _, name = progress.repository.rpartition("/")
    return f"/projects/{owner}/repos/{name}/commits/{progress.sha}/builds"


def _key(context: str) -> str:
    """The same key for the same context, within what Bitbucket takes."""
    if len(context) <= LONGEST_KEY:
        return context
    return f"{context[: LONGEST_KEY - 9]}-{sha256(context.encode()).hexdigest()[:8]}"


def objection(forge: Forge, status: int, answer: Any) -> str:
    """What a forge has against a request, in words; "" where it did what was asked."""
    message = _message(answer)
    # GitLab has a status machine, which refuses to be told what it knows.
    known = forge is Forge.GITLAB and status == 400 and message.startswith("Cannot transition status")
    if 200 <= status < 300 or known:
        return ""
    if 300 <= status < 400:
        return f"answered {status}: redirects are not followed"
    return f"answered {status}{f': {message}' if message else ''}"


def _message(answer: Any) -> str:
    """The forge's own words, wherever it puts them: `message`, `error.message`, `error`, or `errors[].message`."""
    told = answer if isinstance(answer, Mapping) else {}
    errors = told.get("errors")
    inner = [told.get("error"), *(errors if isinstance(errors, list) else ())]
    places = [told, *(each for each in inner if isinstance(each, Mapping))]
    words = [each["message"] for each in places if each.get("message")] or [told.get("error") or ""]
    return "".join(each for each in str(words[0]) if each.isprintable())[:LONGEST_OBJECTION]
