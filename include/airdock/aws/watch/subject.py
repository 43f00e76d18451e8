"""What is waited for, and the port that every kind of wait fills."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol, runtime_checkable

from airdock.aws.hooks import Account

Facts = dict[str, Any]
"""What AWS says of one job, plain JSON (no datetimes), cut down to what a decision or a reader needs."""

Lookup = Callable[[str], Any]
"""Service name to boto3 client, bound to one account and region."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One AWS job that is waited for; survives the trip through Airflow's database as JSON."""

    kind: str
    id: str
    account: Account
    options: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "options": dict(self.options)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Subject:
        return cls(data["kind"], data["id"], Account(**data["account"]), dict(data.get("options", {})))


class Watch(Protocol):
    """How one kind of job is read and narrated."""

    service: str
    """boto3's name of the service whose calls it spends; "" where it asks no AWS API."""
    batch: int
    """How many ids one call of the API takes."""

    def read(self, lookup: Lookup, ids: Sequence[str]) -> dict[str, Facts]:
        """The facts of each id that AWS knows; an unknown id is left out. Raises Refused or Fault."""
        ...

    def finished(self, facts: Facts, options: Mapping[str, Any]) -> bool:
        """Whether waiting longer would bring nothing new."""
        ...

    def progress(self, before: Facts | None, now: Facts) -> list[str]:
        """What a reader of the log should hear of the change, a line each; pure."""
        ...


@runtime_checkable
class Thrifty(Watch, Protocol):
    """A Watch whose looks cost calls for each id besides the one for all, and that need not all be made each time."""

    def reread(self, lookup: Lookup, ids: Sequence[str], known: Mapping[str, Facts]) -> dict[str, Facts]:
        """Like `read`, where `known` are facts of earlier looks, parts of which may be told again."""
        ...


@runtime_checkable
class Foreseeing(Watch, Protocol):
    """A Watch of jobs whose end can be foreseen, where no event tells of it."""

    def left_seconds(self, facts: Facts, options: Mapping[str, Any]) -> float | None:
        """From the look that has found these facts to the end, negative where that was due; None: nobody knows."""
        ...


def look(watch: Watch, subject: Subject) -> Facts:
    """Read one subject now.

    Raises:
        Refused: AWS doesn't allow the look.
        Fault: throttled, out of reach, or the id is unknown: AWS may learn of what it made a moment ago.
    """
    from airdock.errors import Fault

    facts = watch.read(subject.account.client, [subject.id]).get(subject.id)
    if facts is None:
        raise Fault(f"AWS does not know the {subject.kind} {subject.id}")
    return facts


def started_at(facts: Facts) -> datetime:
    """When AWS says that the job began (`started_at`, ISO 8601): a deadline counted from it survives restarts."""
    told = facts.get("started_at")
    return datetime.fromisoformat(told) if told else datetime.now(UTC)


def clock_of(answer: Mapping[str, Any]) -> datetime:
    """AWS's time of an answer, so that a wrong clock of ours does no harm."""
    told = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    return parsedate_to_datetime(told) if told else datetime.now(UTC)
