"""Whether an image may go to production, by what its vulnerability scan has found. Fails closed.

Shapes and statuses: Amazon ECR API Reference, DescribeImageScanFindings. Whether a scan is basic or enhanced is told by
what the answer holds, not by its status: enhanced scans answer ACTIVE and also COMPLETE.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from airdock.release import Finding, ScanReport, Verdict
from airdock.spec.image import Scan

REFUSED_KEY = "refused_report"
"""The XCom key of what was found in an image that was refused."""


class ScanStatus(StrEnum):
    """ECR's ScanStatus, and NOT_FOUND for its ScanNotFoundException: right after a push the scan is still to come."""

    IN_PROGRESS = "IN_PROGRESS"
    PENDING = "PENDING"
    NOT_FOUND = "NOT_FOUND"
    COMPLETE = "COMPLETE"
    ACTIVE = "ACTIVE"
    FAILED = "FAILED"
    UNSUPPORTED_IMAGE = "UNSUPPORTED_IMAGE"
    SCAN_ELIGIBILITY_EXPIRED = "SCAN_ELIGIBILITY_EXPIRED"
    FINDINGS_UNAVAILABLE = "FINDINGS_UNAVAILABLE"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    IMAGE_ARCHIVED = "IMAGE_ARCHIVED"


WAITING = frozenset({ScanStatus.IN_PROGRESS, ScanStatus.PENDING, ScanStatus.NOT_FOUND})
READY = frozenset({ScanStatus.COMPLETE, ScanStatus.ACTIVE})
BLOCKED = frozenset(
    {
        ScanStatus.FAILED,
        ScanStatus.UNSUPPORTED_IMAGE,
        ScanStatus.SCAN_ELIGIBILITY_EXPIRED,
        ScanStatus.FINDINGS_UNAVAILABLE,
        ScanStatus.LIMIT_EXCEEDED,
        ScanStatus.IMAGE_ARCHIVED,
    }
)
"""There will be no findings: of this image it can't be said that it is good."""

SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL")
"""Those that a policy can allow, worst first. UNDEFINED (ECR), UNTRIAGED (Inspector) and new words always block."""
MOST_FINDINGS = 25
MOST_NAMED = 3


def scan_report(pages: Sequence[Mapping[str, Any]]) -> ScanReport:
    """The report in the answers of DescribeImageScanFindings, all pages of one image in their order.

    The counts are ECR's own or those of the findings at hand, whichever is larger for a severity.
    """
    status = (pages[0].get("imageScanStatus") or {}) if pages else {}
    bodies = [page.get("imageScanFindings") or {} for page in pages]
    findings = [finding for body in bodies for finding in _findings(body)]
    told = Counter({key: int(count) for body in bodies for key, count in _counts(body).items()})
    worst = sorted(findings, key=lambda finding: (_rank(finding.severity), finding.name))
    return ScanReport(
        status=str(status.get("status", ScanStatus.NOT_FOUND)),
        counts=dict(told | Counter(finding.severity for finding in findings)),
        findings=tuple(worst[:MOST_FINDINGS]),
        enhanced=any("enhancedFindings" in body for body in bodies),
        description=str(status.get("description", "")),
    )


def judge_scan(report: ScanReport, policy: Scan) -> Verdict:
    """Whether the policy lets the image pass."""
    if report.status not in READY:
        return _judge_unscanned(report, policy)
    too_many = [line for severity in _present(report) if (line := _excess(severity, report, policy))]
    if too_many:
        return Verdict(False, f"the image scan found {' and '.join(too_many)}{_named(report)}")
    found = ", ".join(f"{report.counts[severity]} {severity}" for severity in _present(report))
    return Verdict(True, f"the image scan found {found}, which may pass" if found else "the image scan found nothing")


def _judge_unscanned(report: ScanReport, policy: Scan) -> Verdict:
    told = f" ({report.description})" if report.description else ""
    if report.status == ScanStatus.NOT_FOUND:
        why = f"the image has not been scanned{told}"
    elif report.status in WAITING:
        why = f"the image scan has not ended: {report.status}{told}"
    else:
        why = f"the image scan gave no result: {report.status}{told}"
    return Verdict(False, why) if policy.required else Verdict(True, f"{why}; the pipeline does not require a scan")


def _present(report: ScanReport) -> list[str]:
    return sorted((severity for severity, count in report.counts.items() if count > 0), key=_rank)


def _excess(severity: str, report: ScanReport, policy: Scan) -> str:
    """What is too much of a severity, in words, or ""."""
    count = report.counts[severity]
    if severity not in SEVERITIES:
        return f"{count} of unknown severity {severity}"
    most: int | None = getattr(policy.allow, severity.lower())
    if most is None or count <= most:
        return ""
    return f"{count} {severity} where {most or 'none'} may pass"


def _named(report: ScanReport) -> str:
    worst = _present(report)[0]
    named = [_in_words(finding) for finding in report.findings if finding.severity == worst][:MOST_NAMED]
    return f": {', '.join(named)}" if named else ""


def _in_words(finding: Finding) -> str:
    package = f" in {finding.package}" if finding.package else ""
    return f"{finding.name}{package}" + (f" (fixed in {finding.fix})" if finding.fix else "")


def _rank(severity: str) -> int:
    """Worst first; what has no known severity is the worst of all."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else -1


def _counts(body: Mapping[str, Any]) -> Mapping[str, int]:
    counts: Mapping[str, int] = body.get("findingSeverityCounts") or {}
    return counts


def _findings(body: Mapping[str, Any]) -> Iterator[Finding]:
    for finding in body.get("findings") or []:
        told = {each["key"]: each.get("value", "") for each in finding.get("attributes") or []}
        yield Finding(finding.get("name", ""), _severity(finding), told.get("package_name", ""))
    for finding in body.get("enhancedFindings") or []:
        if finding.get("status") not in ("SUPPRESSED", "CLOSED"):
            yield _enhanced(finding)


def _enhanced(finding: Mapping[str, Any]) -> Finding:
    details = finding.get("packageVulnerabilityDetails") or {}
    package: Mapping[str, Any] = next(iter(details.get("vulnerablePackages") or []), {})
    name = details.get("vulnerabilityId") or finding.get("title") or finding.get("findingArn", "")
    return Finding(str(name), _severity(finding), package.get("name", ""), package.get("fixedInVersion", ""))


def _severity(finding: Mapping[str, Any]) -> str:
    return str(finding.get("severity") or "UNDEFINED")
