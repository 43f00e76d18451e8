"""The records between tasks survive the way through Airflow's database."""

from __future__ import annotations

import json

import pytest

from airdock.release import (
    Build,
    Commit,
    Deployment,
    Finding,
    Image,
    Outcome,
    OutcomeReport,
    Record,
    ScanReport,
    Source,
    TaskDefinition,
    Verdict,
)

COMMIT = Commit("greeter", "greeter", "main", "a" * 40, "Say hello\n\nmore", "Ada", "2026-01-01T00:00:00+00:00")
RECORDS = [
    COMMIT,
    Source(COMMIT, {"buildspec.yml": "version: 0.2", "appspec.yaml": "{}"}, "https://git.example/greeter", None),
    Build("greeter:1", "greeter", "SUCCEEDED", exported={"IMAGE_DIGEST": "sha256:0"}),
    Image("registry", "greeter", "sha256:0"),
    ScanReport("COMPLETE", {"HIGH": 1}, (Finding("CVE-1", "HIGH"), Finding("CVE-2", "LOW", "openssl", "3.1"))),
    Verdict(True, "nothing found"),
    TaskDefinition("arn:greeter:2", "greeter", 2, "image", "arn:greeter:1"),
    Deployment("d-1", "greeter", "greeter", "Succeeded"),
    OutcomeReport(Outcome.ROLLED_BACK, "it was rolled back", ("deploy: failed",)),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_record_comes_back_equal_through_json(record: Record) -> None:
    assert type(record).from_json(json.loads(json.dumps(record.to_json()))) == record


def test_record_of_an_older_version_lacks_and_has_what_it_may() -> None:
    told = {"id": "d-1", "application": "a", "group": "g", "status": "Failed", "no_longer_there": 1}
    assert Deployment.from_json(told) == Deployment("d-1", "a", "g", "Failed")


def test_record_without_a_needed_field_is_an_error() -> None:
    with pytest.raises(TypeError, match="sha"):
        Commit.from_json({"application": "a", "repository": "b", "ref": "c"})


def test_record_can_not_be_changed() -> None:
    with pytest.raises(AttributeError):
        COMMIT.sha = "b" * 40  # type: ignore[misc]


def test_image_is_pinned_by_its_digest() -> None:
    assert (
        Image("registry.example", "team/greeter", "sha256:0", tag="latest").uri
        == "registry.example/team/greeter@sha256:0"
    )


def test_commit_tells_its_subject() -> None:
    assert (COMMIT.subject, COMMIT.short) == ("Say hello", "aaaaaaa")
