"""The records that travel between the tasks of a delivery: small, frozen, and plain JSON on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum, StrEnum
from functools import cache
from types import UnionType
from typing import Any, Self, Union, get_args, get_origin, get_type_hints


class Record:
    """A frozen dataclass that goes through JSON and comes back equal."""

    __slots__ = ()

    def to_json(self) -> dict[str, Any]:
        """The record as dictionaries, lists, strings and numbers."""
        own: Any = type(self)
        return {name: _plain(getattr(self, name)) for name in _hints(own)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The record that `to_json` told; a field that is missing takes its default, an unknown one is left out.

        Raises:
            TypeError: a field without default is missing.
        """
        own: Any = cls
        hints = _hints(own)
        return cls(**{name: _typed(hints[name], value) for name, value in data.items() if name in hints})


@cache
def _hints(of: Any) -> dict[str, Any]:
    assert is_dataclass(of)
    hints = get_type_hints(of)
    return {each.name: hints[each.name] for each in fields(of)}


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_json()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def _typed(hint: Any, value: Any) -> Any:
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        hint = next(each for each in get_args(hint) if each is not type(None))
        return None if value is None else _typed(hint, value)
    if origin is tuple:
        return tuple(_typed(get_args(hint)[0], each) for each in value)
    if isinstance(hint, type) and issubclass(hint, Record):
        return hint.from_json(value)
    return hint(value) if isinstance(hint, type) and issubclass(hint, Enum) else value


@dataclass(frozen=True, slots=True)
class Commit(Record):
    """What is delivered, as its repository knows it; `committed_at` is ISO 8601."""

    application: str
    repository: str
    ref: str
    sha: str
    message: str = ""
    author: str = ""
    committed_at: str = ""
    author_email: str = ""

    @property
    def short(self) -> str:
        return self.sha[:7]

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.message.partition("\n")[0]


@dataclass(frozen=True, slots=True)
class Source(Record):
    """A commit, and where a build gets it: from `clone_url`, or from `archive`, an s3:// address.

    `files`: the texts that say how it is built and run, by their paths in the repository.
    """

    commit: Commit
    files: Mapping[str, str] = field(default_factory=dict)
    clone_url: str = ""
    archive: str | None = None


@dataclass(frozen=True, slots=True)
class Build(Record):
    """A build that succeeded; `image` as it named it, `digest` "" when it named no digest."""

    id: str
    project: str
    status: str
    image: str = ""
    digest: str = ""
    exported: Mapping[str, str] = field(default_factory=dict)
    console_url: str = ""
    log_group: str = ""
    log_stream: str = ""


@dataclass(frozen=True, slots=True)
class Image(Record):
    """An image in a registry (`123456789012.dkr.ecr.eu-west-1.amazonaws.com`), pinned by its digest."""

    registry: str
    repository: str
    digest: str
    tag: str = ""

    @property
    def uri(self) -> str:
        """The address under which exactly this image is pulled."""
        return f"{self.registry}/{self.repository}@{self.digest}"


@dataclass(frozen=True, slots=True)
class Finding(Record):
    """One vulnerability in an image; `fix` is the version that mends it, or ""."""

    name: str
    severity: str
    package: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class ScanReport(Record):
    """What a scan found: `status` in ECR's word, `counts` by severity, the worst `findings` first."""

    status: str
    counts: Mapping[str, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    enhanced: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class Verdict(Record):
    """Whether a gate lets pass, and the sentence that says why."""

    passed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class TaskDefinition(Record):
    """A registered task definition; `previous_arn` and `previous_image` are what production ran before."""

    arn: str
    family: str
    revision: int
    image: str
    previous_arn: str = ""
    previous_image: str = ""


@dataclass(frozen=True, slots=True)
class TaskRun(Record):
    """A one-off task that ended well; `task` is its ARN, `seconds` what it took from order to end."""

    task: str
    exit_code: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Deployment(Record):
    """One traffic shift, with what production ran before it, and the id of the rollback that it caused."""

    id: str
    application: str
    group: str
    status: str
    task_definition: str = ""
    previous_task_definition: str = ""
    previous_image: str = ""
    rollback_id: str = ""


class Outcome(StrEnum):
    """How a delivery ended."""

    LIVE = "live"
    ROLLED_BACK = "rolled_back"
    REFUSED = "refused"
    SUPERSEDED = "superseded"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class OutcomeReport(Record):
    """The outcome, the one sentence for log, board and notification, and the lines behind it.

    `stays`: the environment runs the release, which passed its checks: always where it is live, and where only what
    follows a release broke.
    """

    outcome: Outcome
    sentence: str
    details: tuple[str, ...] = ()
    stays: bool = False
