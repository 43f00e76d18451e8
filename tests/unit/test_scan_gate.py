"""The gate behind the image scan: it lets pass what the policy allows, and blocks whatever it can't be sure of."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.session import Session

from airdock.plan import scan_gate
from airdock.plan.scan_gate import ScanStatus, judge_scan, scan_report
from airdock.release import ScanReport
from airdock.spec import Findings, Scan

POLICY = Scan()


def a_basic_page(*findings: dict[str, Any], status: str = "COMPLETE", **counts: int) -> dict[str, Any]:
    return {
        "imageScanStatus": {"status": status, "description": "told by ECR"},
        "imageScanFindings": {"findings": list(findings), "findingSeverityCounts": counts},
    }


def a_basic_finding(severity: str = "HIGH", name: str = "CVE-2026-1") -> dict[str, Any]:
    return {"name": name, "severity": severity, "attributes": [{"key": "package_name", "value": "openssl"}]}


def an_enhanced_finding(severity: str = "HIGH", status: str = "ACTIVE", name: str = "CVE-2026-2") -> dict[str, Any]:
    packages = [{"name": "zlib", "version": "1.2", "fixedInVersion": "1.3"}]
    details = {"vulnerabilityId": name, "vulnerablePackages": packages}
    return {"severity": severity, "status": status, "packageVulnerabilityDetails": details}


def an_enhanced_page(*findings: dict[str, Any], status: str = "ACTIVE", **counts: int) -> dict[str, Any]:
    body = {"enhancedFindings": list(findings), "findingSeverityCounts": counts}
    return {"imageScanStatus": {"status": status}, "imageScanFindings": body}


def test_clean_image_passes() -> None:
    verdict = judge_scan(scan_report([a_basic_page()]), POLICY)
    assert (verdict.passed, verdict.reason) == (True, "the image scan found nothing")


def test_high_finding_is_refused_by_name() -> None:
    verdict = judge_scan(scan_report([a_basic_page(a_basic_finding(), HIGH=1)]), POLICY)
    assert not verdict.passed
    assert verdict.reason == "the image scan found 1 HIGH where none may pass: CVE-2026-1 in openssl"


def test_enhanced_finding_is_refused_with_the_version_that_mends_it() -> None:
    verdict = judge_scan(scan_report([an_enhanced_page(an_enhanced_finding("CRITICAL"))]), POLICY)
    assert verdict.reason == "the image scan found 1 CRITICAL where none may pass: CVE-2026-2 in zlib (fixed in 1.3)"


def test_what_the_policy_allows_passes_and_is_told() -> None:
    report = scan_report([a_basic_page(HIGH=2, MEDIUM=40)])
    assert (
        judge_scan(report, Scan(allow=Findings(high=2))).reason
        == "the image scan found 2 HIGH, 40 MEDIUM, which may pass"
    )
    assert judge_scan(report, Scan(allow=Findings(high=None))).passed
    assert not judge_scan(report, Scan(allow=Findings(high=1))).passed
    assert not judge_scan(report, Scan(allow=Findings(high=2, medium=39))).passed


def test_all_pages_count() -> None:
    pages = [a_basic_page(a_basic_finding("LOW"), LOW=1), a_basic_page(a_basic_finding("CRITICAL"))]
    report = scan_report(pages)
    assert report.counts == {"LOW": 1, "CRITICAL": 1}
    assert [finding.severity for finding in report.findings] == ["CRITICAL", "LOW"]
    assert not judge_scan(report, POLICY).passed


def test_findings_count_though_the_sums_leave_them_out() -> None:
    assert not judge_scan(scan_report([an_enhanced_page(an_enhanced_finding("HIGH"), HIGH=0)]), POLICY).passed


def test_suppressed_finding_does_not_count_by_itself() -> None:
    assert judge_scan(scan_report([an_enhanced_page(an_enhanced_finding(status="SUPPRESSED"))]), POLICY).passed


@pytest.mark.parametrize("severity", ["UNDEFINED", "UNTRIAGED", "CATASTROPHIC", ""])
def test_unknown_severity_blocks_whatever_the_policy(severity: str) -> None:
    lenient = Scan(allow=Findings(critical=None, high=None), required=False)
    verdict = judge_scan(scan_report([a_basic_page(a_basic_finding(severity))]), lenient)
    assert not verdict.passed
    assert "unknown severity" in verdict.reason


@pytest.mark.parametrize("status", [*sorted(scan_gate.WAITING | scan_gate.BLOCKED), "SOMETHING_NEW", ""])
def test_image_without_a_finished_scan_is_refused(status: str) -> None:
    verdict = judge_scan(ScanReport(status, description="says ECR"), POLICY)
    assert not verdict.passed
    assert "says ECR" in verdict.reason


def test_scan_that_is_not_required_may_be_missing_but_not_bad() -> None:
    policy = Scan(required=False)
    assert judge_scan(ScanReport("NOT_FOUND"), policy).passed
    assert not judge_scan(ScanReport("COMPLETE", {"CRITICAL": 1}), policy).passed


def test_no_answer_at_all_is_no_scan() -> None:
    assert not judge_scan(scan_report([]), POLICY).passed


@pytest.mark.parametrize("status", ["COMPLETE", "ACTIVE"])
def test_enhanced_scan_is_told_by_its_shape(status: str) -> None:
    report = scan_report([an_enhanced_page(status=status)])
    assert report.enhanced
    assert judge_scan(report, POLICY).passed
    assert not scan_report([a_basic_page(status=status)]).enhanced


def test_report_keeps_the_worst_findings_only() -> None:
    many = [a_basic_finding("LOW", f"CVE-{n}") for n in range(100)] + [a_basic_finding("HIGH", "CVE-bad")]
    report = scan_report([a_basic_page(*many)])
    assert report.counts == {"LOW": 100, "HIGH": 1}
    assert len(report.findings) == scan_gate.MOST_FINDINGS
    assert report.findings[0].name == "CVE-bad"


def test_every_scan_status_and_severity_of_aws_is_claimed() -> None:
    model = Session().get_service_model("ecr")
    told = set(model.shape_for("ScanStatus").enum)
    assert told == set(ScanStatus) - {ScanStatus.NOT_FOUND}
    assert set(ScanStatus) == scan_gate.WAITING | scan_gate.READY | scan_gate.BLOCKED
    assert set(model.shape_for("FindingSeverity").enum) == {*scan_gate.SEVERITIES, "UNDEFINED"}
    assert {severity.lower() for severity in scan_gate.SEVERITIES} == set(Findings.model_fields)
