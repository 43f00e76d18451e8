"""What a finished scan has found, told alike for ECR's basic scans and Amazon Inspector's enhanced ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from airdock.aws.faults import spoken
from airdock.aws.hooks import Account
from airdock.aws.watch.scan import ScannedImage
from airdock.release import Finding, ScanReport

SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL")
"""Worst first. Any other name (UNDEFINED, UNTRIAGED, one that is yet to come) is worse than all of them."""


def report(account: Account, image: ScannedImage) -> ScanReport:
    """All findings of an image, worst first. Raises Refused or Fault."""
    with spoken(f"reading the findings of {image.to_id()}"):
        pages = list(account.client("ecr").get_paginator("describe_image_scan_findings").paginate(**image.parameters()))
    return told(pages)


def told(pages: Iterable[Mapping[str, Any]]) -> ScanReport:
    """The report that pages of DescribeImageScanFindings make; basic or enhanced is told by their shape alone.

    The counts are AWS's own or those of the list, whichever is higher: a gate must not trust the smaller one.
    """
    pages = list(pages)
    status = pages[0].get("imageScanStatus") or {}
    parts = [page.get("imageScanFindings") or {} for page in pages]
    enhanced = any("enhancedFindings" in part for part in parts)
    found = [_enhanced(each) for part in parts for each in part.get("enhancedFindings", [])]
    found += [_basic(each) for part in parts for each in part.get("findings", [])]
    listed = Counter(finding.severity for finding in found)
    counts = Counter(parts[0].get("findingSeverityCounts") or {}) | listed
    worst_first = tuple(sorted(found, key=_rank))
    return ScanReport(status.get("status", ""), dict(counts), worst_first, enhanced, status.get("description", ""))


def _basic(finding: Mapping[str, Any]) -> Finding:
    details = {each["key"]: each.get("value", "") for each in finding.get("attributes", [])}
    package = " ".join(part for part in (details.get("package_name"), details.get("package_version")) if part)
    return Finding(finding.get("name", ""), finding.get("severity", "UNDEFINED"), package)


def _enhanced(finding: Mapping[str, Any]) -> Finding:
    details = finding.get("packageVulnerabilityDetails") or {}
    package: Mapping[str, Any] = next(iter(details.get("vulnerablePackages") or []), {})
    name = details.get("vulnerabilityId") or finding.get("title", "")
    named = " ".join(part for part in (package.get("name"), package.get("version")) if part)
    return Finding(name, finding.get("severity", "UNDEFINED"), named, package.get("fixedInVersion", ""))


def _rank(finding: Finding) -> int:
    return SEVERITIES.index(finding.severity) if finding.severity in SEVERITIES else -1
