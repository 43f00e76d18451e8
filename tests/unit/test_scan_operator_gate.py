"""An image passes only when the scan of exactly that image says that it may."""

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airdock.aws.images import Repository
from airdock.aws.operators.ecr import EcrWaitForScanOperator
from airdock.release import ScanReport
from airdock.spec import Scan
from tests.builders import DIGEST
from tests.fake_aws import FakeAccount, FakeEcr, an_error
from tests.fakes import a_context

PART = "sha256:" + "b" * 64
CLEAN = {"imageScanStatus": {"status": "COMPLETE"}, "imageScanFindings": {"findings": []}}
CRITICAL = {
    "imageScanStatus": {"status": "COMPLETE"},
    "imageScanFindings": {
        "findingSeverityCounts": {"CRITICAL": 1},
        "findings": [{"name": "CVE-1", "severity": "CRITICAL"}],
    },
}


def execute(ecr: FakeEcr, **policy: Any) -> Any:
    account: Any = FakeAccount(ecr=ecr)
    operator = EcrWaitForScanOperator(
        task_id="wait_for_scan",
        repository=Repository("greeter", account),
        digest=DIGEST,
        policy=Scan(**policy),
        handoff_seconds=3,
    )
    return operator.execute(a_context("wait_for_scan"))


def test_scan_operator_waits_for_a_scan_that_has_not_begun_and_returns_its_report():
    ecr = FakeEcr(scans=[an_error("ScanNotFoundException"), CLEAN])
    assert ScanReport.from_json(execute(ecr)).status == "COMPLETE"
    assert set(ecr.scanned) == {DIGEST}


def test_scan_operator_judges_the_part_of_an_index_that_will_run():
    platform = {"os": "linux", "architecture": "amd64"}
    ecr = FakeEcr(manifest={"manifests": [{"digest": PART, "platform": platform}]}, scans=[CLEAN])
    execute(ecr)
    assert set(ecr.scanned) == {PART}


def test_scan_operator_refuses_a_critical_finding_by_name():
    with pytest.raises(AirflowFailException, match="1 CRITICAL where none may pass: CVE-1"):
        execute(FakeEcr(scans=[CRITICAL]))


def test_scan_operator_refuses_a_scan_that_gives_no_result():
    with pytest.raises(AirflowFailException, match="UNSUPPORTED_IMAGE"):
        execute(FakeEcr(scans=[{"imageScanStatus": {"status": "UNSUPPORTED_IMAGE"}}]))


def test_scan_operator_refuses_an_image_that_was_never_scanned_once_the_deadline_has_come():
    account: Any = FakeAccount()
    operator = EcrWaitForScanOperator(
        task_id="wait_for_scan", repository=Repository("greeter", account), digest=DIGEST, policy=Scan()
    )
    event = {"status": "deadline", "facts": {"id": "x", "status": "NOT_FOUND", "description": "", "counts": {}}}
    with pytest.raises(AirflowFailException, match="has not been scanned"):
        operator.resume(a_context("wait_for_scan"), event)


def test_scan_operator_refuses_an_image_that_ecr_does_not_have():
    with pytest.raises(AirflowFailException, match="ECR does not have greeter@"):
        execute(FakeEcr(digests=[]))
