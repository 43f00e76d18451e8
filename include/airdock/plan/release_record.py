"""What is kept of each release in an environment: enough to know what runs there, from where, and to bring it back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256

from airdock.names import APPLICATION_TAG, COMMIT_TAG, RELEASE_TAG, RUN_TAG, tag_value
from airdock.release import Outcome, Record

LONGEST_BYTES = 4096
"""What a standard parameter of SSM holds."""
KEPT = 30
"""How many records of an environment are kept, whatever they came to."""
KEPT_LIVE = 15
"""How many of the releases that were live are kept, however many have failed since."""
LONGEST_SUBJECT = 200
LONGEST_SENTENCE = 1000
LONGEST_REASON, SHORTEST_REASON = 200, 60
"""Characters of the sentence of one decision, and what is left of them where all would be too long."""


@dataclass(frozen=True, slots=True)
class TrafficDecision(Record):
    """What was decided of one step: `percent` of the traffic had moved, `answer` is CONTINUE or ROLLBACK."""

    step: int
    percent: float
    answer: str
    sentence: str


@dataclass(frozen=True, slots=True)
class ReleaseRecord(Record):
    """One delivery to one environment, whatever it came to.

    `key` is its name, in the order of time. `image` is pinned by its digest; `task_definition`, `image` and
    `deployment` are "" where the delivery did not come so far. `previous` is the task definition that ran before.
    `started_at`, `ended_at`: ISO 8601. `appspec`: the AppSpec's text, None where there was none or it is too long.
    `stays`: the environment runs the release, though the delivery may have failed in what follows it. `analysis`: the
    decisions between the steps of its traffic, in their order; the first ones are missing where all are too long.
    """

    key: str
    application: str
    environment: str
    commit: str
    ref: str
    subject: str
    author: str
    image: str
    task_definition: str
    deployment: str
    previous: str
    dag_id: str
    run_id: str
    outcome: Outcome
    sentence: str
    started_at: str
    ended_at: str
    appspec: str | None = None
    stays: bool = False
    analysis: tuple[TrafficDecision, ...] = ()

    @property
    def digest(self) -> str:
        return self.image.partition("@")[2]

    @property
    def live(self) -> bool:
        """Whether the delivery has put the release where it was to run, to stay."""
        return self.stays or self.outcome is Outcome.LIVE

    @property
    def release(self) -> tuple[str, str]:
        """What makes a release the same wherever it goes: its commit, by its files, and the digest of its image."""
        return self.commit, self.digest

    def tags(self) -> dict[str, str]:
        """The tags of a service that runs the release."""
        identity = {APPLICATION_TAG: self.application, COMMIT_TAG: self.commit, RUN_TAG: tag_value(self.run_id)}
        return {**identity, RELEASE_TAG: self.key}

    def __str__(self) -> str:
        return f"{self.commit[:7]} ({self.key})"


def record_key(started: datetime, run_id: str, clears: int) -> str:
    """A name that sorts by time, and is the same for every try of the same attempt of a run."""
    moment = started.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{moment}-{sha256(f'{run_id} {clears}'.encode()).hexdigest()[:8]}"


def fitting(record: ReleaseRecord) -> str:
    """The record as JSON that a parameter holds; where it must, texts are cut short, then the AppSpec is left out, then
    the first of the decisions."""
    text = ""
    for shorter in _ever_shorter(record):
        text = _json(shorter)
        if len(text.encode()) <= LONGEST_BYTES:
            break
    return text


def _ever_shorter(record: ReleaseRecord) -> Iterator[ReleaseRecord]:
    short = replace(record, subject=record.subject[:LONGEST_SUBJECT], sentence=record.sentence[:LONGEST_SENTENCE])
    yield replace(short, analysis=_told(record, lambda text: text[:LONGEST_REASON]))
    short = replace(short, analysis=_told(record, lambda text: _plain(text, SHORTEST_REASON)))
    yield short
    bare = replace(short, appspec=None, sentence=_plain(record.sentence, 300), subject=_plain(record.subject, 60))
    bare = replace(bare, author="", ref=_plain(record.ref, 250))
    for left_out in range(len(bare.analysis) + 1):
        yield replace(bare, analysis=bare.analysis[left_out:])


def _told(record: ReleaseRecord, cut: Callable[[str], str]) -> tuple[TrafficDecision, ...]:
    return tuple(replace(each, sentence=cut(each.sentence)) for each in record.analysis)


def superfluous(names: Mapping[str, ReleaseRecord | None]) -> list[str]:
    """Which of the kept parameters may go: the oldest, but never one of the releases that there is a way back to."""
    newest = sorted(names, reverse=True)
    good = [name for name in newest if (record := names[name]) and record.live]
    return [name for name in newest[KEPT:] if name not in good[:KEPT_LIVE]]


def from_text(text: str) -> ReleaseRecord | None:
    """The record that a parameter holds; None where it holds something else."""
    try:
        return ReleaseRecord.from_json(json.loads(text))
    except (ValueError, TypeError, AttributeError):
        return None


def _plain(text: str, longest: int) -> str:
    return text.encode("ascii", "replace").decode()[:longest]


def _json(record: ReleaseRecord) -> str:
    """Only ASCII, and without two braces in a row, which SSM takes as a reference to another parameter."""
    return json.dumps(record.to_json(), separators=(",", ":")).replace("{{", "{\\u007b")
