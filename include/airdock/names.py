"""The names that Airdock gives and takes: of applications, environments and commits, and the marks it leaves in AWS."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256

from airdock.errors import Refused

SPEC_TAG = "airdock:spec"
"""Tag on a task definition: the hash of its content, by which a retry finds it."""
COMMIT_TAG = "airdock:commit"
RUN_TAG = "airdock:run"
RELEASE_TAG = "airdock:release"
"""Tag on a service: the key of the record of what it runs."""
APPLICATION_TAG = "airdock:application"
DELIVERY_TAG = "airdock:delivery"
"""Tag on a one-off task: a marker's text."""

DELIVERY_VARIABLE = "AIRDOCK_DELIVERY"
"""The environment variable by which a build tells whose it is: a marker's text."""


_NOT_IN_TAGS = re.compile(r"[^\w .:/=+@-]", re.ASCII)


def tag_value(text: str) -> str:
    """The text as AWS takes it for a tag's value."""
    return _NOT_IN_TAGS.sub("_", text)[:256]


@dataclass(frozen=True, slots=True)
class Rule:
    """What a kind of name must look like; `form` says it to a person."""

    noun: str
    pattern: str
    form: str
    longest: int

    def accepts(self, text: str) -> bool:
        """Whether the whole text is such a name; a trailing newline is part of the text."""
        return len(text) <= self.longest and re.fullmatch(self.pattern, text) is not None

    def complaint(self, text: str) -> str:
        """Why the text is no such name."""
        return f"{text[:80]!r} is not {self.noun}: {self.form}, at most {self.longest} characters"

    def check(self, text: str) -> str:
        """The text itself. Raises Refused."""
        if not self.accepts(text):
            raise Refused(self.complaint(text))
        return text


APPLICATION = Rule(
    "an application name", r"[a-z][a-z0-9]*(-[a-z0-9]+)*", "lower-case letters, digits and single hyphens", 40
)
ENVIRONMENT = Rule(
    "an environment name", r"[a-z][a-z0-9]*(-[a-z0-9]+)*", "lower-case letters, digits and single hyphens", 30
)
COMMIT = Rule("a full commit id", r"[0-9a-f]{40}", "40 lower-case hexadecimal digits", 40)
DIGEST = Rule("an image digest", r"sha256:[0-9a-f]{64}", "sha256: and 64 lower-case hexadecimal digits", 71)
GIT_REF = Rule(
    "the name of a branch or tag",
    # git-check-ref-format(1); a leading dash would read as an option, a leading slash or dot is no name.
    r"(?!-|/|\.|@$)(?!.*(\.\.|//|/\.|@\{|\.lock(/|$)))[^\x00-\x20\x7f~^:?*\[\\]+(?<![/.])",
    "what git-check-ref-format(1) allows",
    250,
)

_MARKER = re.compile(
    r"airdock ([a-z0-9-]+/[a-z0-9-]+/[0-9a-f]{12}(?:/rollback|/task/[a-z0-9-]+)?) attempt (0|[1-9][0-9]{0,8})"
)


@dataclass(frozen=True, slots=True)
class Marker:
    """The mark on everything that a delivery starts: which delivery (`base`), and which clear of it (`attempt`)."""

    base: str
    attempt: int = 0

    def __str__(self) -> str:
        """The text for a deployment's description (512 characters at most) or a build's environment variable."""
        return f"airdock {self.base} attempt {self.attempt}"

    def rollback(self) -> Marker:
        """The mark on the deployment that takes this delivery back."""
        return Marker(f"{self.base}/rollback", self.attempt)

    def task(self, name: str) -> Marker:
        """The mark on a one-off task of this delivery."""
        return Marker(f"{self.base}/task/{name}", self.attempt)

    def same_base(self, text: str) -> bool:
        """Whether a text is a mark of the same delivery, whichever its attempt."""
        other = parse_marker(text)
        return other is not None and other.base == self.base

    @property
    def started_by(self) -> str:
        """The same for all attempts, as RunTask takes it: at most 36 letters, digits and hyphens."""
        return f"airdock-{sha256(self.base.encode()).hexdigest()[:24]}"


def marker(application: str, part: str, run: tuple[str, str], attempt: int) -> Marker:
    """The mark of one part of a delivery: its `build`, or the environment that is deployed to.

    `run`: the ids of dag and run; runs of `deliver_x` and `deploy_x` that are started by API may share an id.

    Raises:
        Refused: a name that can't be part of a mark.
    """
    dag_id, run_id = run
    whose = sha256(f"{dag_id}\n{run_id}".encode()).hexdigest()[:12]
    return Marker(f"{APPLICATION.check(application)}/{ENVIRONMENT.check(part)}/{whose}", attempt)


def build_marker(application: str, commit: str, run_id: str, clears: int) -> Marker:
    """The mark of a build: the base is the commit, for all deliveries of it; the attempt is one run's, one clear's.

    Raises:
        Refused: a name or commit that can't be part of a mark.
    """
    attempt = int(sha256(f"{run_id} {clears}".encode()).hexdigest()[:7], 16)
    return Marker(f"{APPLICATION.check(application)}/build/{COMMIT.check(commit)[:12]}", attempt)


def parse_marker(text: str) -> Marker | None:
    """The marker that a text is; None when it is anything else, such as a person's description."""
    found = _MARKER.fullmatch(text)
    return Marker(found[1], int(found[2])) if found else None


def idempotency_token(of: Marker, again: int = 0) -> str:
    """A token that every repetition of the same start carries: 64 characters, as CodeBuild and ECS take.

    `again` counts the earlier starts that came to nothing: the one after them is no repetition.
    """
    return sha256(f"{of} {again}".encode()).hexdigest()
