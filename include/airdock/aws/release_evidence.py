"""What a release brings beyond what is live, asked of its repository, of ECR and of the place where it goes."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airdock.aws import images, scans
from airdock.aws.code_repositories import CodeRepository
from airdock.aws.hooks import Account
from airdock.aws.preflight import preflight
from airdock.aws.production import Service, Standing, standing
from airdock.aws.release_records import Records
from airdock.aws.watch.scan import ScannedImage
from airdock.errors import AirdockError, Refused
from airdock.plan.brought import Brings
from airdock.plan.difference import in_words
from airdock.plan.evidence import Effect
from airdock.plan.preflight import judge
from airdock.release import Commit, Image, ScanReport, Source

if TYPE_CHECKING:
    from airdock.spec.environment import Environment

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Scanned:
    """Where the images are, and which part of one that has several will run."""

    repository: images.Repository
    platform: str

    def report(self, digest: str) -> ScanReport | None:
        """What the scan of an image found; None where that can't be told."""
        try:
            part = images.platform_image(self.repository, digest, self.platform)
            return scans.report(
                self.repository.account, ScannedImage(self.repository.name, part, self.repository.registry)
            )
        except AirdockError as error:
            log.warning("What the scan of %s found can't be told: %s", digest, error.sentence)
            return None


def brings(repository: CodeRepository, records: Records, commit: Commit) -> Brings:
    """The commits that come with this one. Raises Fault where the server or the way to it failed."""
    from airdock.source import commits
    from airdock.source.git import opened

    live, unknown = _live(records)
    with opened(repository.remote()) as git:
        try:
            if live:
                found = tuple(commits.brought(git, commit.sha, live))
                return Brings(found, "these are the newest" if len(found) >= commits.MOST_COMMITS else "")
        except Refused as refusal:
            unknown = refusal.sentence
        try:
            return Brings(tuple(commits.brought(git, commit.sha)), unknown)
        except Refused as refusal:
            return Brings((), refusal.sentence)


def effect(target: Environment, source: Source, image: Image) -> tuple[Effect, Standing | None]:
    """What the release changes in its environment, and what runs there now; None where that can't be told."""
    try:
        found, now = preflight(target, source, image), standing(Service.of(target))
    except Refused as error:
        return Effect(looked=error.sentence), None
    tasks = "" if now.desired is None else f", {now.desired} tasks"
    stands = f"{now.digest or now.image} ({now.task_definition.rpartition('/')[2]})"
    touches = f"{target.service} in the cluster {target.cluster}{tasks}"
    return Effect(stands, judge(found.tree).reason, touches, in_words(list(found.changes))), now


def records_of(target: Environment, application: str, environment: str) -> Records:
    """The records of what went live there."""
    return Records(Account(target.aws_connection, target.region), application, environment)


def _live(records: Records) -> tuple[str, str]:
    """The commit that is live, or "" and why it is not known."""
    try:
        live = records.live()
    except Refused as refusal:
        return "", refusal.sentence
    return (live.commit, "") if live else ("", "nothing is recorded as live here")
