"""The gate for images, with ECR's registry and scans in the local AWS."""

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from airdock.aws.hooks import Account
from airdock.aws.images import Repository
from airdock.aws.operators.ecr import EcrWaitForScanOperator
from airdock.release import ScanReport
from airdock.spec import Scan
from tests.fakes import a_context
from tests.local_aws_process import LocalAws
from tests.registry import Registry


@pytest.fixture
def registry(local_aws: LocalAws) -> Registry:
    return Registry(local_aws, imageScanningConfiguration={"scanOnPush": True})


def execute(
    account: Account,
    registry: Registry,
    digest: str,
    *,
    handoff_seconds: float = 20,
    context: Any = None,
    **policy: Any,
) -> Any:
    operator = EcrWaitForScanOperator(
        task_id="wait_for_scan",
        repository=Repository(registry.name, account),
        digest=digest,
        policy=Scan.model_validate(policy),
        handoff_seconds=handoff_seconds,
    )
    return operator.execute({**(context or a_context("wait_for_scan")), "task_state_store": None})


def test_image_with_a_clean_scan_passes(account, registry):
    report = ScanReport.from_json(execute(account, registry, registry.push("one")))
    assert (report.status, report.findings) == ("COMPLETE", ())


@pytest.mark.parametrize("kind", ["basic", "enhanced"])
def test_image_with_a_critical_finding_is_refused_by_its_name(account, registry, kind):
    labels = {"local-aws.scan.findings": "CRITICAL:1,LOW:2", "local-aws.scan.type": kind}
    with pytest.raises(AirflowFailException, match="1 CRITICAL where none may pass: CVE-2026-C0000"):
        execute(account, registry, registry.push("one", labels))


def test_what_was_found_in_a_refused_image_is_kept_for_who_looks(account, registry):
    digest, context = registry.push("one", {"local-aws.scan.findings": "CRITICAL:1"}), a_context("wait_for_scan")
    with pytest.raises(AirflowFailException):
        execute(account, registry, digest, context=context)
    report = ScanReport.from_json(context["ti"].xcoms["wait_for_scan", "refused_report"])
    assert [(each.name, each.severity) for each in report.findings] == [("CVE-2026-C0000", "CRITICAL")]


def test_image_passes_with_as_many_findings_as_the_pipeline_allows(account, registry):
    digest = registry.push("one", {"local-aws.scan.findings": "CRITICAL:1,HIGH:2"})
    report = ScanReport.from_json(execute(account, registry, digest, allow={"critical": 1, "high": 2}))
    assert report.counts == {"CRITICAL": 1, "HIGH": 2}


@pytest.mark.parametrize("status", ["FAILED", "UNSUPPORTED_IMAGE", "FINDINGS_UNAVAILABLE"])
def test_image_without_a_result_of_its_scan_is_refused(account, registry, status):
    with pytest.raises(AirflowFailException, match=status):
        execute(account, registry, registry.push("one", {"local-aws.scan.status": status}))


def test_image_is_judged_by_the_part_that_will_run(account, registry):
    bad = registry.push("bad", {"local-aws.scan.findings": "CRITICAL:1"})
    good = registry.push("good")
    assert execute(account, registry, registry.push_index("first", {"amd64": good, "arm64": bad}))
    with pytest.raises(AirflowFailException, match="1 CRITICAL"):
        execute(account, registry, registry.push_index("second", {"amd64": bad, "arm64": good}))


def test_image_is_judged_by_its_digest_even_when_its_tag_has_moved_on(account, registry):
    bad = registry.push("latest", {"local-aws.scan.findings": "CRITICAL:1"})
    registry.push("latest")
    with pytest.raises(AirflowFailException, match="1 CRITICAL"):
        execute(account, registry, bad)


def test_scan_that_takes_longer_is_waited_for_in_the_triggerer(account, local_aws):
    registry = Registry(local_aws)  # scans nothing that is pushed: the scan is still to come
    digest = registry.push("one")
    with pytest.raises(TaskDeferred) as deferred:
        execute(account, registry, digest, handoff_seconds=0)
    assert deferred.value.trigger.subject["id"] == f"{registry.name}@{digest}"
    assert deferred.value.method_name == "resume"
