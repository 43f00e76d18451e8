"""How the scan of an image is waited for."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from airdock.aws.watch.scan import ScannedImage, ScanWatch
from airdock.errors import Refused

DIGEST = "sha256:" + "a" * 64
BASIC = {
    "imageScanStatus": {"status": "COMPLETE", "description": "done"},
    "imageScanFindings": {
        "findingSeverityCounts": {"HIGH": 1, "LOW": 2},
    },
}


class Ecr:
    """Answers one call like ECR, and remembers what it was asked."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: dict[str, Any] = {}

    def describe_image_scan_findings(self, **asked: Any) -> Any:
        self.asked = asked
        if isinstance(self.answer, str):
            raise ClientError({"Error": {"Code": self.answer, "Message": "no"}}, "DescribeImageScanFindings")
        return self.answer


def facts_of(answer: Any) -> dict[str, Any]:
    image = ScannedImage("greeter", DIGEST).to_id()
    return ScanWatch().read(lambda service: Ecr(answer), [image])[image]


@pytest.mark.parametrize("registry", ["", "123456789012"])
def test_scanned_image_comes_back_from_its_id(registry):
    image = ScannedImage("team/greeter", DIGEST, registry)
    assert ScannedImage.from_id(image.to_id()) == image


def test_scan_watch_asks_for_the_digest_in_the_named_registry():
    ecr = Ecr(BASIC)
    ScanWatch().read(lambda service: ecr, [ScannedImage("greeter", DIGEST, "123456789012").to_id()])
    assert ecr.asked["imageId"] == {"imageDigest": DIGEST}
    assert ecr.asked["registryId"] == "123456789012"


def test_scan_watch_goes_on_waiting_for_a_scan_that_has_not_begun():
    facts = facts_of("ScanNotFoundException")
    assert facts["status"] == "NOT_FOUND"
    assert not ScanWatch().finished(facts, {})


def test_scan_watch_refuses_an_image_that_is_not_there():
    with pytest.raises(Refused, match="ImageNotFoundException"):
        facts_of("ImageNotFoundException")


@pytest.mark.parametrize("status", ["PENDING", "IN_PROGRESS"])
def test_scan_watch_waits_while_the_scan_goes_on(status):
    assert not ScanWatch().finished(facts_of({"imageScanStatus": {"status": status}}), {})


@pytest.mark.parametrize(
    "status",
    [
        *("COMPLETE", "ACTIVE", "FAILED", "UNSUPPORTED_IMAGE", "SCAN_ELIGIBILITY_EXPIRED", "FINDINGS_UNAVAILABLE"),
        *("LIMIT_EXCEEDED", "IMAGE_ARCHIVED", "SOMETHING_NEW"),
    ],
)
def test_scan_watch_ends_with_every_other_status_and_with_unknown_ones(status):
    assert ScanWatch().finished(facts_of({"imageScanStatus": {"status": status}}), {})


def test_scan_progress_tells_status_and_counts_once():
    facts = facts_of(BASIC)
    lines = ScanWatch().progress(None, facts)
    assert lines == [f"scan of greeter@{DIGEST} is COMPLETE: 1 HIGH, 2 LOW"]
    assert ScanWatch().progress(facts, facts) == []
