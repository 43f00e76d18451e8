"""The findings of an image's scan, all of them."""

from __future__ import annotations

from airdock.aws.faults import spoken
from airdock.aws.hooks import Account
from airdock.aws.watch.scan import ScannedImage
from airdock.plan.scan_gate import scan_report
from airdock.release import ScanReport


def report(account: Account, image: ScannedImage) -> ScanReport:
    """What the scan has found, on all pages. Raises Refused or Fault."""
    with spoken(f"reading the findings of {image.to_id()}"):
        pages = account.client("ecr").get_paginator("describe_image_scan_findings").paginate(**image.parameters())
        return scan_report(list(pages))
