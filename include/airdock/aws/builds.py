"""CodeBuild: the builds of a project, a new one, and what a build has left behind."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from airdock.aws.faults import error_code, spoken
from airdock.aws.hooks import Account
from airdock.aws.watch import Facts
from airdock.aws.watch.build import build_facts
from airdock.aws.watch.build import console_url as build_page
from airdock.errors import Fault, Refused

NEWEST_LOOKED_AT = 100
"""How many of a project's builds are searched for one to adopt: one page of ListBuildsForProject."""
LARGEST_ARTIFACT_BYTES = 64 * 1024**2
TOKEN_TAKEN = re.compile(r"token|mismatch", re.IGNORECASE)
"""In CodeBuild's words for a token that has come with other parameters."""
CLOCK_SLACK = timedelta(seconds=2)
"""S3 tells the time in whole seconds, and by another clock than CodeBuild's."""
IMAGE_DETAIL = "imageDetail.json"
"""The file in which CodePipeline's ECS actions expect the image: `{"ImageURI": "..."}`."""


def newest(account: Account, project: str) -> list[Facts]:
    """The newest builds of a project, newest first. Raises Refused or Fault."""
    client = account.client("codebuild")
    with _asking(project, f"asking CodeBuild for the builds of {project}"):
        ids = client.list_builds_for_project(projectName=project, sortOrder="DESCENDING").get("ids", [])
        found = client.batch_get_builds(ids=ids[:NEWEST_LOOKED_AT])["builds"] if ids else []
    by_id = {build["id"]: build_facts(build) for build in found}
    return [by_id[build_id] for build_id in ids if build_id in by_id]


def start(account: Account, request: Mapping[str, Any]) -> Facts:
    """Start a build, in a single call: whoever gets a Fault looks for the build before starting another.

    `idempotencyToken` in the request makes a repetition within five minutes harmless all the same.

    Raises:
        Refused: no such project, or CodeBuild does not take the request.
        Fault: throttled, out of reach, as many builds run as the account may have, or another start has been given the
            same token a moment ago.
    """
    with _asking(request["projectName"], f"starting a build of {request['projectName']}"):
        return build_facts(account.client("codebuild", once=True).start_build(**request)["build"])


def console_url(account: Account, build_id: str) -> str:
    """The build's page in the AWS console."""
    return build_page(account.client("codebuild").meta.region_name, build_id)


def log_tail(account: Account, facts: Facts, lines: int) -> list[str]:
    """The last lines of a build's log; none when it keeps no log in CloudWatch, or it can't be read."""
    if not facts["log"]:
        return []
    try:
        with spoken("reading the build's log"):
            answer = account.client("logs").get_log_events(
                logGroupName=facts["log"]["group"], logStreamName=facts["log"]["stream"], limit=lines
            )
    except (Refused, Fault) as error:
        return [f"({error.sentence})"]
    return [line for event in answer["events"] for line in event["message"].splitlines()][-lines:]


def image_detail(account: Account, facts: Facts) -> Mapping[str, Any]:
    """The content of imageDetail.json among the build's artifacts; {} when there is none.

    Raises:
        Refused: the file is there and unreadable, another build has written over it, or AWS refuses the look.
        Fault: S3 is out of reach.
    """
    place = facts["artifact"].rpartition(":::")[2]
    if not place:
        return {}
    bucket, _, key = place.partition("/")
    plain = _object(account, facts, bucket, f"{key}/{IMAGE_DETAIL}")
    text = plain if plain is not None else _from_zip(_object(account, facts, bucket, key))
    return _parsed(text, place)


@contextmanager
def _asking(project: str, doing: str) -> Iterator[None]:
    """`spoken`, with our own words where CodeBuild's do not say what to do."""
    from botocore.exceptions import ClientError

    with spoken(doing):
        try:
            yield
        except ClientError as error:
            if error_code(error) == "AccountLimitExceededException":
                raise Fault(f"CodeBuild runs as many builds as the account may have: {error}") from error
            if error_code(error) == "InvalidInputException" and TOKEN_TAKEN.search(str(error)):
                raise Fault(f"{doing}: another start came first: {error}") from error
            if error_code(error) == "ResourceNotFoundException":
                raise Refused(f"there is no CodeBuild project {project!r} in this account and region") from error
            raise


def _object(account: Account, facts: Facts, bucket: str, key: str) -> bytes | None:
    from botocore.exceptions import ClientError

    with spoken(f"reading s3://{bucket}/{key}"):
        try:
            answer = account.client("s3").get_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error_code(error) in {"NoSuchKey", "404"}:
                return None
            raise
        _refuse_overwritten(facts, answer["LastModified"], f"s3://{bucket}/{key}")
        return bytes(answer["Body"].read(LARGEST_ARTIFACT_BYTES))


def _refuse_overwritten(facts: Facts, written_at: datetime, place: str) -> None:
    """Projects may put all builds' artifacts at one address: the image of another commit must not pass for ours."""
    began, ended = (datetime.fromisoformat(facts[key]) for key in ("started_at", "ended_at"))
    if not began - CLOCK_SLACK <= written_at <= ended + CLOCK_SLACK:
        raise Refused(
            f"{place} is not of the build {facts['id']} (any more): export the digest as a variable of the buildspec, "
            "or let the project put the build's id into the artifact's path (namespaceType BUILD_ID)"
        )


def _from_zip(packed: bytes | None) -> bytes | None:
    if packed is None or not zipfile.is_zipfile(io.BytesIO(packed)):
        return None
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        inside: Sequence[str] = [name for name in archive.namelist() if name == IMAGE_DETAIL]
        return archive.open(inside[0]).read(65536) if inside else None


def _parsed(text: bytes | None, place: str) -> Mapping[str, Any]:
    if text is None:
        return {}
    try:
        detail = json.loads(text)
    except ValueError as error:
        raise Refused(f"{IMAGE_DETAIL} of the build's artifact {place} is no JSON: {error}") from None
    return detail if isinstance(detail, dict) else {}
