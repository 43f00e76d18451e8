"""What is measured: a new version beside an old one, and since when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from airdock.aws.hooks import Account


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a service by the ARNs of its task definition and of the target group that its tasks are in."""

    task_definition: str
    target_group: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """A service in the middle of a release.

    `old` None where nothing ran before; `load_balancer`: its ARN, "" without one; `since`: when the present step of
    the traffic began, aware. What was measured earlier says nothing of it.
    """

    account: Account
    cluster: str
    service: str
    new: Version
    old: Version | None
    load_balancer: str
    since: datetime

    def words(self, version: Version) -> dict[str, str]:
        """What the placeholders of a check stand for, by their names."""
        name = version.task_definition.rpartition("/")[2]
        return {
            "version": name,
            "revision": name.rpartition(":")[2],
            "task_definition": version.task_definition,
            "target_group": version.target_group.rpartition(":")[2],
            "load_balancer": self.load_balancer.partition(":loadbalancer/")[2] or self.load_balancer,
            "cluster": self.cluster,
            "service": self.service,
        }


@dataclass(frozen=True, slots=True)
class Window:
    """From when until when is measured."""

    start: datetime
    end: datetime

    @classmethod
    def of(cls, since: datetime, minutes: int, now: datetime) -> Window:
        """The last minutes, but nothing from before `since`."""
        return cls(min(max(since, now - timedelta(minutes=minutes)), now - timedelta(seconds=1)), now)

    @property
    def seconds(self) -> int:
        """Its length, a second at least."""
        return max(1, round((self.end - self.start).total_seconds()))


def filled(text: str, words: Mapping[str, str]) -> str:
    """The text with its placeholders filled; other braces, of which PromQL is full, stay as they are."""
    for name, word in words.items():
        text = text.replace(f"{{{name}}}", word)
    return text
