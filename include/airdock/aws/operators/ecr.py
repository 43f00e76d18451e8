"""The gate between an image and production: what the scan of exactly this image has found."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Context

from airdock.aws import images, scans
from airdock.aws.operators.wait import WaitOperator
from airdock.aws.watch import Facts
from airdock.aws.watch.scan import ScannedImage
from airdock.errors import Refused
from airdock.plan.scan_gate import REFUSED_KEY, ScanStatus, judge_scan
from airdock.release import ScanReport
from airdock.spec import Scan


class EcrWaitForScanOperator(WaitOperator):
    """Waits for ECR's scan of the image that was built, and lets it pass or not.

    Nothing is started here: the repository scans on push, or Amazon Inspector does. An image without a finished scan
    is judged like one with bad findings.

    Args:
        repository: where the image is.
        digest: the image's digest, as a template.
        policy: what may pass, from the pipeline's file.
        platform: which part of a multi-platform image will run, and so is judged.

    Record: `ScanReport`, with the worst findings only; that of an image which is refused lies under `refused_report`.
    """

    kind = "scan"
    template_fields = ("digest",)

    def __init__(
        self,
        *,
        repository: images.Repository,
        digest: str,
        policy: Scan,
        platform: str = "linux/amd64",
        **kwargs: Any,
    ) -> None:
        account = kwargs.pop("account", repository.account)
        super().__init__(
            account=account, deadline_minutes=kwargs.pop("deadline_minutes", policy.timeout_minutes), **kwargs
        )
        self.repository = repository
        self.digest = digest
        self.policy = policy
        self.platform = platform

    def adopt_or_start(self, context: Context) -> str:  # noqa: ARG002 - looking changes nothing: no job to adopt
        part = images.platform_image(self.repository, self.digest, self.platform)
        return ScannedImage(self.repository.name, part, self.repository.registry).to_id()

    def conclude(self, context: Context, facts: Facts) -> Any:
        return self._judged(context, scans.report(self.account, ScannedImage.from_id(facts["id"])))

    def overdue(self, context: Context, facts: Facts | None) -> Any:
        status = facts["status"] if facts else ScanStatus.NOT_FOUND
        self.log.warning("The scan had not ended after %g minutes", self.deadline_minutes)
        return self._judged(context, ScanReport(status, description=facts["description"] if facts else ""))

    def _judged(self, context: Context, report: ScanReport) -> dict[str, Any]:
        for finding in report.findings:
            mend = f", fixed in {finding.fix}" if finding.fix else ""
            self.log.info("%s %s in %s%s", finding.severity, finding.name, finding.package or "the image", mend)
        verdict = judge_scan(report, self.policy)
        if not verdict.passed:
            context["ti"].xcom_push(key=REFUSED_KEY, value=report.to_json())
            raise Refused(verdict.reason)
        self.log.info(verdict.reason)
        return report.to_json()
